"""Letters with invented data, for whoever edits templates and for the tests: nobody in them exists.

Belongs here: invented values. Does not belong here: anything drawn from a school.
"""

import datetime
from collections.abc import Iterator

from attendance_pipeline.letters.field_values import given
from attendance_pipeline.letters.fields import KINDS, context, fields_to_give
from attendance_pipeline.letters.letter import FieldValue, Letter, Letterhead, absence_rows

SAMPLE_DATE = datetime.date(2025, 12, 4)


def sample_letterhead() -> Letterhead:
    """The letterhead of a school that does not exist; the telephone number is from the range kept for fiction."""
    return Letterhead(
        name="Oakfield Primary School",
        address=("Oakfield Lane", "Leeds", "LS1 4AP"),
        telephone="0113 496 0000",
        email="attendance@oakfield.example",
        signatories={"attendance_lead": "Ms A Lead", "headteacher": "Mr H Head"},
    )


def sample_letter(kind: str, language: str = "en") -> Letter:
    """A letter of this kind with invented data. A kind that is enclosed with letters is shown on its own."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind of letter; the kinds are {', '.join(KINDS)}")
    handed_over = kind not in {"letter_1"}
    return Letter(
        reference="OAK-7Q2M-K3",
        kind=kind,
        language=language,
        recipient_lines=()
        if handed_over
        else ("Mrs Kamila Nowak-Ashworth", "Flat 3", "128 Quarry Mount Terrace", "Woodhouse", "Leeds", "LS6 2XX"),
        salutation="Dear Mrs Nowak-Ashworth",
        date=SAMPLE_DATE,
        fields=given(_fields(kind), fields_to_give(kind)),
        enclosures=KINDS[kind].enclosures,
    )


def _fields(kind: str) -> dict[str, FieldValue]:
    day = datetime.date
    missed = [
        (day(2025, 11, 10), "AM", "U"),
        *((day(2025, 11, 12), session, "O") for session in ("AM", "PM")),
        *((day(2025, 11, 13), session, "O") for session in ("AM", "PM")),
        (day(2025, 11, 21), "PM", "N"),
        *((day(2025, 11, 24), session, "O") for session in ("AM", "PM")),
        (day(2025, 12, 1), "AM", "U"),
    ]
    fields: dict[str, FieldValue] = {
        "first_name": "Zofia",
        "full_name": "Zofia Nowak-Ashworth",
        "class_name": "4 Kestrel",
        "class_teacher": "Mr T Teacher",
        "attendance_percent": "82.8%",
        "threshold_percent": "85%",
        "sessions_possible": "122",
        "sessions_attended": "101",
        "sessions_missed": "21",
        "sessions_unauthorised": "14",
        "period_start": day(2025, 9, 2),
        "period_end": day(2025, 12, 3),
        "absences": absence_rows(missed),
        "monitoring_weeks": "4",
    }
    if kind != "letter_1":
        fields |= {
            "earlier_percent": "84.1%",
            "earlier_date": day(2025, 11, 4),
            "contacts": (
                {"date": day(2025, 11, 4), "what": "Letter 1 and the leaflet sent"},
                {"date": day(2025, 11, 18), "what": "Telephone call with the class teacher"},
            ),
        }
    return fields


def sample_values() -> Iterator[dict[str, FieldValue]]:
    """Values to try a template with: everything filled in, then nothing but what every letter has."""
    full = sample_letter("letter_3")
    meeting = {
        "meeting_date": datetime.date(2025, 12, 11),
        "meeting_time": "3.30 pm",
        "meeting_place": "the school office",
    }
    yield context(Letter(**{**vars(full), "fields": {**full.fields, **meeting}}), sample_letterhead())
    bare = {name: value for name, value in sample_letter("letter_1").fields.items() if name != "monitoring_weeks"}
    yield context(
        Letter(**{**vars(full), "fields": {**bare, "absences": (), "class_teacher": "", "class_name": ""}}),
        Letterhead("Oakfield Primary School"),
    )

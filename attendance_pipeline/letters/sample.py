"""Letters with invented data, for whoever edits templates and for the tests: nobody in them exists.

Belongs here: invented values, and the combinations a template is tried with. Does not belong here: anything drawn from
a school. What law and policy say (amounts, days, weeks) is taken from the shipped policy, as in a real letter.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from attendance_pipeline.law.policy import PolicySetting, policy_from_text, shipped_policy_text
from attendance_pipeline.letters.field_values import given, mark_rows, notice_cost_fields, recent_fields
from attendance_pipeline.letters.fields import FAMILY, KINDS, Field, context, fields_of, fields_to_give
from attendance_pipeline.letters.letter import FieldValue, Letter, Letterhead, absence_rows

SAMPLE_DATE = datetime.date(2025, 12, 4)
SAMPLE_REFERENCE = "OAK-7Q2M-K3"
HANDED_OVER = frozenset({"letter_2", "letter_3"})
NOTICE_RULE = "national-framework-2024"

_FIRST, _CUT = datetime.date(2025, 9, 2), datetime.date(2025, 12, 3)
_WITHOUT_SCHOOL = {datetime.date(2025, 10, 24), *(datetime.date(2025, 10, day) for day in range(27, 32))}
_MISSED: Mapping[tuple[int, int], str] = {  # (month, day): codes of morning and afternoon, "." for present
    (9, 4): "L.",
    (9, 15): "II",
    (9, 16): "II",
    (9, 17): "II",
    (9, 19): "L.",
    (9, 26): ".O",
    (10, 6): "GG",
    (10, 9): "M.",
    (10, 13): "L.",
    (10, 20): "U.",
    (10, 21): "U.",
    (11, 5): "L.",
    (11, 10): "U.",
    (11, 12): "OO",
    (11, 13): "OO",
    (11, 19): "L.",
    (11, 21): ".N",
    (11, 24): "OO",
    (12, 1): "U.",
}
_ILL: Mapping[tuple[int, int], str] = {
    (9, 15): "II",
    (9, 16): "II",
    (9, 17): "II",
    (10, 9): "M.",
    (10, 13): "II",
    (11, 12): "II",
    (11, 13): "II",
    (12, 1): "I.",
}


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
    posted = KINDS[kind].to == FAMILY and KINDS[kind].page == "letter" and kind not in HANDED_OVER
    return Letter(
        reference=SAMPLE_REFERENCE,
        kind=kind,
        language=language,
        recipient_lines=(
            "Mrs Kamila Nowak-Ashworth",
            "Flat 3",
            "128 Quarry Mount Terrace",
            "Woodhouse",
            "Leeds",
            "LS6 2XX",
        )
        if posted
        else (),
        salutation="Dear Mrs Nowak-Ashworth",
        date=SAMPLE_DATE,
        fields=given(_fields(kind), fields_to_give(kind)),
        enclosures=KINDS[kind].enclosures,
    )


def sample_values(kind: str) -> Iterator[dict[str, FieldValue]]:
    """Values to try a template of this kind with: everything filled in, then nothing but what every letter of the kind
    has, then each thing that a review, a rule or a prize can say."""
    letter = replace(sample_letter(kind), enclosures=())
    full: dict[str, FieldValue] = {
        "meeting_date": datetime.date(2025, 12, 11),
        "meeting_time": "3.30 pm",
        "meeting_place": "the school office",
        "pupil_invited": "yes",
        "enough": "Zofia has to be at 9 of 10 sessions.",
        "early_notice": "This is so after three sessions.",
        "issued_by": "Leeds City Council",
    }
    everything = {**letter.fields, **given(full, fields_to_give(kind))}
    yield context(replace(letter, fields=everything), sample_letterhead())
    bare = {name: _bare(one, everything[name]) for name, one in fields_to_give(kind).items() if not one.optional}
    yield context(replace(letter, fields=bare), Letterhead("Oakfield Primary School"))
    for change in _CHANGES:
        if change.keys() <= fields_of(kind).keys():
            yield context(replace(letter, fields={**bare, **change}), sample_letterhead())


def included_values() -> dict[str, FieldValue]:
    """A value for every field of every kind: for trying what is only included."""
    values: dict[str, FieldValue] = {}
    for kind in KINDS:
        values |= next(sample_values(kind))
    return values


def _bare(one: Field, value: FieldValue) -> FieldValue:
    return value if one.rows is None else ()


_CHANGES: tuple[Mapping[str, str], ...] = (
    *(
        {"review_outcome": word}
        for word in ("recovered", "not_dropped", "dropped", "dropped_accepted_reasons", "stalled")
    ),
    {"review_outcome": "no_sessions", "review_percent": "not known yet"},
    {"needed": "1"},
    {"notices_before": "1", "notice_amount": "£160", "notice_days": "28"},
    {"notices_before": "2", "notice_amount": ""},
    {"prize_for": "most_improved"},
)


@cache
def _policy() -> PolicySetting:
    return policy_from_text(shipped_policy_text(), Path("seed-school.toml")).setting


def _sessions(missed: Mapping[tuple[int, int], str]) -> list[tuple[datetime.date, str, str]]:
    """Every session of the invented year so far."""
    found = []
    for ordinal in range(_FIRST.toordinal(), _CUT.toordinal() + 1):
        day = datetime.date.fromordinal(ordinal)
        if day.weekday() < 5 and day not in _WITHOUT_SCHOOL:
            codes = missed.get((day.month, day.day), "..")
            found += [
                (day, session, code if code != "." else present)
                for session, code, present in zip(("AM", "PM"), codes, "/\\", strict=True)
            ]
    return found


def _fields(kind: str) -> dict[str, FieldValue]:
    missed = _ILL if kind == "medical_support" else _MISSED
    if kind == "referral_pack":  # an N is resolved before a referral
        missed = {day: codes.replace("N", "O") for day, codes in missed.items()}
    sessions = _sessions(missed)
    away = [s for s in sessions if s[2] not in "/\\L"]
    unaccepted = [s for s in away if s[2] in "GNOU"]
    values = {**_everyone(), **_figures(sessions, away, unaccepted)}
    if kind != "letter_1":
        values |= {
            "earlier_percent": "84.1%",
            "earlier_date": datetime.date(2025, 11, 4),
            "contacts": (
                {"date": datetime.date(2025, 11, 4), "what": "Letter 1 and the leaflet sent"},
                {"date": datetime.date(2025, 11, 18), "what": "Telephone call with the class teacher"},
            ),
        }
    values |= {"marks": mark_rows(sessions), **_review(kind, sessions), **_penalty(kind, sessions)}
    if kind == "medical_support":
        ill = [s for s in away if s[2] == "I"]
        values |= {"absences": absence_rows(ill), "sessions_ill": str(len(ill)), "illness_spells": "4"}
    if kind == "improved":
        values |= {"attendance_percent": "88.5%", "sessions_attended": "108", "sessions_missed": "14"}
    if kind == "meeting_invitation":
        values |= {
            "meeting_date": datetime.date(2025, 12, 11),
            "meeting_time": "3.30 pm",
            "meeting_place": "the school office",
            "meeting_with": "Mr T Teacher, class teacher",
        }
    return values | (_referral(sessions) if kind == "referral_pack" else {}) | _prizes(kind)


def _everyone() -> dict[str, FieldValue]:
    return {
        "first_name": "Zofia",
        "full_name": "Zofia Nowak-Ashworth",
        "class_name": "4 Kestrel",
        "class_teacher": "Mr T Teacher",
        "threshold_percent": "85%",
        "period_start": _FIRST,
        "period_end": _CUT,
        "monitoring_weeks": "4",
        "local_authority": "Leeds City Council",
    }


def _figures(sessions: list, away: list, unaccepted: list) -> dict[str, FieldValue]:
    recent = [s for s in unaccepted if s[0] >= datetime.date(2025, 11, 3)]
    attended = len(sessions) - len(away)
    return {
        "attendance_percent": _percent(attended, len(sessions)),
        "sessions_possible": str(len(sessions)),
        "sessions_attended": str(attended),
        "sessions_missed": str(len(away)),
        "sessions_unauthorised": str(len(unaccepted)),
        "absences": absence_rows(recent),
    }


def _percent(attended: int, possible: int) -> str:
    return f"{attended * 100 / possible:.1f}%"


def _review(kind: str, sessions: list) -> dict[str, FieldValue]:
    weeks = [s for s in sessions if s[0] >= datetime.date(2025, 11, 6)]
    attended = len(weeks) - 2 if kind == "improved" else sum(s[2] in "/\\L" for s in weeks)
    values: dict[str, FieldValue] = {
        "review_outcome": "recovered" if kind == "improved" else "dropped",
        "review_date": SAMPLE_DATE,
        "review_from": weeks[0][0],
        "review_until": _CUT,
        "review_percent": _percent(attended, len(weeks)),
        "review_possible": str(len(weeks)),
        "review_attended": str(attended),
        "review_missed": str(len(weeks) - attended),
    }
    if kind != "improved":
        values["next_review_date"] = datetime.date(2026, 1, 15)
    return values


def _penalty(kind: str, sessions: list) -> dict[str, FieldValue]:
    setting = _policy()
    rule = next(rule for rule in setting.penalty_notice_rules if rule.name == NOTICE_RULE)
    window, size = rule.any_of[0].window
    first = _CUT - datetime.timedelta(days=_CUT.weekday(), weeks=size)  # one of the weeks is the half-term break
    counted = [s for s in sessions if s[0] >= first and s[2] in rule.codes]
    weeks = setting.penalty_notices.notice_to_improve_school_weeks
    values: dict[str, FieldValue] = {
        "notice_rule": rule.name,
        "rule_sessions": str(rule.any_of[0].sessions),
        "rule_window": f"{window} {size}",
        "window_from": first,
        "window_to": _CUT,
        "counted": str(len(counted)),
        "needed": str(max(0, rule.any_of[0].sessions - len(counted))),
        **notice_cost_fields(setting.penalty_notices, 0),
        "improvement_from": datetime.date(2025, 12, 8),
        # Two weeks of the Christmas holiday lie in between.
        "improvement_until": datetime.date(2025, 12, 12) + datetime.timedelta(weeks=weeks + 1),
        "improvement_weeks": str(weeks),
        "support_offered": (
            {"what": "breakfast club, free for Zofia until Easter"},
            {"what": "ten minutes with Mrs S Support each Monday"},
            {"what": "early help for families: we can ask for it together"},
        ),
    }
    if kind in ("penalty_notice_warning", "notice_to_improve"):
        values["absences"] = absence_rows(counted)
    return values


def _referral(sessions: list) -> dict[str, FieldValue]:
    marks = mark_rows(sessions)
    home = "Flat 3, 128 Quarry Mount Terrace, Woodhouse, Leeds LS6 2XX"
    day = datetime.date
    return {
        "surname": "Nowak-Ashworth",
        "date_of_birth": day(2017, 2, 14),
        "upn": "Z999999999999",  # the check letter is wrong: nobody can have it
        "sex": "F",
        "entry_date": day(2021, 9, 6),
        "pupil_address": home,
        "home_language": "Polish",
        "looked_after": "No",
        "social_worker": "No",
        "sen": "None",
        "parents": (
            {
                "name": "Mrs Kamila Nowak-Ashworth",
                "relationship": "Mother",
                "responsibility": "Yes",
                "lives_with": "Yes",
                "address": home,
                "telephone": "0113 496 0123",
                "language": "Polish",
                "notices_before": "0",
            },
            {
                "name": "Mr Peter Ashworth",
                "relationship": "Father",
                "responsibility": "Yes",
                "lives_with": "No",
                "address": "7 Sample Row, York YO1 1AA",
                "telephone": "01904 960 456",
                "language": "",
                "notices_before": "0",
            },
        ),
        "chronology": (
            _entry(day(2025, 9, 29), "Telephone call", "Mrs O Office", "Mother says Zofia is tired"),
            _entry(day(2025, 10, 8), "Letter 1 and leaflet sent", "Ms A Lead", ""),
            _entry(
                day(2025, 11, 4), "Informal meeting", "Mr T Teacher", "Targets agreed: bed by eight, breakfast club"
            ),
            _entry(day(2025, 11, 4), "Letter 2 given", "Mr T Teacher", ""),
            _entry(day(2025, 11, 18), "Telephone call", "Mr T Teacher", "No answer; message left"),
            _entry(day(2025, 11, 26), "Home visit", "Ms A Lead", "Nobody at home; card left"),
            _entry(day(2025, 12, 2), "Meeting with the headteacher", "Mr H Head", "Plan agreed; letter 3 handed over"),
        ),
        "agencies": ({"date": day(2025, 11, 20), "what": "School nurse: appointment offered"},),
        "improvement_from": day(2025, 9, 29),
        "improvement_until": day(2025, 11, 14),
        "stage_opened_on": SAMPLE_DATE,
        "marks_as_at": SAMPLE_DATE,
        **recent_fields(marks, _policy().letters.referral_sessions),
    }


def _entry(date: datetime.date, what: str, who: str, outcome: str) -> dict[str, str | datetime.date]:
    return {"date": date, "what": what, "who": who, "outcome": outcome}


def _prizes(kind: str) -> dict[str, FieldValue]:
    values: dict[str, FieldValue] = {
        "prize": "a book of your choice",
        "year_group": "Year 4",
        "week_from": datetime.date(2025, 11, 24),
        "week_until": datetime.date(2025, 11, 28),
        "prize_for": "best",
    }
    if kind == "prize_certificate":
        values |= {"period_start": datetime.date(2025, 10, 20), "period_end": datetime.date(2025, 11, 28)}
    return values

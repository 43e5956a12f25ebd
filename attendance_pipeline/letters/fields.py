"""What the words of a letter may say: the kinds of letter there are, and every field a template may name.

Belongs here: the documented list of fields (`attendance check` and the guide for editors, docs/letters.md, print it)
and the filling of a letter's context from it. Does not belong here: how a value is found (the batch builder) or how it
looks (``language``, ``pdf``).

A kind knows its own fields and those alone: a template that names a field of another kind is refused. Numbers from law
or policy (amounts, days, sessions, weeks) are fields too, so that no template holds one.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from attendance_pipeline.letters.letter import FieldValue, Letter, LetterError, Letterhead

# Whom a kind is for.
FAMILY = "family"  # one recipient of section 7 of the rules: a contact of the pupil
LOCAL_AUTHORITY = "local authority"  # the council; a person sends it
PUPIL = "pupil"  # the child: no contact, no address, no salutation


@dataclass(frozen=True)
class Field:
    """One field of a template: ``rows`` (name -> meaning) makes it a list to loop over; ``optional``: may be empty."""

    meaning: str
    rows: Mapping[str, str] | None = None
    optional: bool = False


@dataclass(frozen=True)
class Kind:
    """One template. ``page`` is how it is laid out: ``letter``, ``leaflet`` (no person in it), ``form``, ``pack`` or
    ``certificate``.

    ``enclosures`` are the templates that go with it unless the batch says otherwise; one whose ``needs`` (fields of
    rows) are empty is left out. ``never_codes``: register codes that may not be among its marks.
    """

    title: str
    page: str
    fields: Mapping[str, Field] = field(repr=False)
    to: str = FAMILY
    enclosures: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    never_codes: frozenset[str] = frozenset()


# Filled from the letterhead and the letter itself: the batch builder gives none of these.
SCHOOL_FIELDS: Mapping[str, Field] = {
    "school_name": Field("name of the school"),
    "school_address": Field("address of the school, on one line", optional=True),
    "school_telephone": Field("telephone number of the school", optional=True),
    "school_email": Field("email address of the school", optional=True),
    "attendance_lead": Field("name of the attendance lead", optional=True),
    "headteacher": Field("name of the headteacher", optional=True),
}
LETTER_FIELDS: Mapping[str, Field] = {
    "date": Field("date of the letter"),
    "reference": Field("reference of the letter"),
}

PERSON_FIELDS: Mapping[str, Field] = {
    "first_name": Field("first name of the pupil"),
    "full_name": Field("first name and surname of the pupil"),
    "class_name": Field("class of the pupil", optional=True),
    "class_teacher": Field("name of the class teacher", optional=True),
}

SESSION_ROWS: Mapping[str, str] = {
    "date": "day of the absence",
    "session": "AM, PM or DAY; write {{ absence.session | session_words }}",
    "code": "register code; write {{ absence.code | code_words }}",
}
MARK_ROWS: Mapping[str, str] = {
    "date": "a school day",
    "am": "register code of the morning, empty without a mark",
    "pm": "register code of the afternoon, empty without a mark",
}

FIGURE_FIELDS: Mapping[str, Field] = {
    "attendance_percent": Field("attendance over the period, such as 82.4%"),
    "threshold_percent": Field("the school's threshold for the season, such as 85%"),
    "sessions_possible": Field("sessions in the period that the pupil could have attended"),
    "sessions_attended": Field("sessions in the period that the pupil attended"),
    "sessions_missed": Field("sessions in the period that the pupil missed"),
    "sessions_unauthorised": Field("missed sessions in the period that the school has not agreed to"),
    "period_start": Field("first day of the period, a date"),
    "period_end": Field("last day of the period, a date"),
    "absences": Field("the missed sessions that the decision relies on, by date", rows=SESSION_ROWS),
    "monitoring_weeks": Field(
        "how many school weeks the school looks at attendance from here, a number", optional=True
    ),
    "earlier_percent": Field("attendance when the stage before was opened or last reviewed", optional=True),
    "earlier_date": Field("the date of earlier_percent", optional=True),
    "contacts": Field(
        "what has been done so far, by date; may be empty",
        rows={"date": "day", "what": "what was done, such as Letter 1 sent"},
        optional=True,
    ),
}

MEETING_FIELDS: Mapping[str, Field] = {
    "meeting_date": Field("date of the meeting; empty: a line to write on", optional=True),
    "meeting_time": Field("time of the meeting; empty: a line to write on", optional=True),
    "meeting_place": Field("place of the meeting; empty: a line to write on", optional=True),
}
INVITATION_FIELDS: Mapping[str, Field] = {
    "meeting_with": Field("whom the family will meet, such as Mr T Teacher, class teacher", optional=True),
    "pupil_invited": Field("yes when the pupil is asked to come too (stage 3), else empty", optional=True),
}

# The year so far, for the attendance picture.
MARK_FIELDS: Mapping[str, Field] = {
    "marks": Field(
        "every school day of the year so far that the pupil was on roll, with its marks", rows=MARK_ROWS, optional=True
    ),
}

REVIEW_FIELDS: Mapping[str, Field] = {
    "review_outcome": Field("what the review found: recovered, not_dropped, dropped, dropped_accepted_reasons, stalled "
                            "or no_sessions"),
    "review_date": Field("day of the review"),
    "review_from": Field("first day of the weeks looked at"),
    "review_until": Field("last day of the weeks looked at"),
    "review_percent": Field("attendance over the weeks looked at, such as 96.7%"),
    "review_possible": Field("sessions in the weeks looked at that the pupil could have attended"),
    "review_attended": Field("sessions in the weeks looked at that the pupil attended"),
    "review_missed": Field("sessions in the weeks looked at that the pupil missed"),
    "next_review_date": Field("day of the next review; empty: there is none", optional=True),
}  # fmt: skip

ILLNESS_FIELDS: Mapping[str, Field] = {
    "sessions_ill": Field("sessions in the period that were missed through illness"),
    "illness_spells": Field("how many separate spells of illness those were, a number", optional=True),
}

# One rule of the policy and how the pupil stands to it, then what a notice costs this parent. `absences` are the
# counted sessions. A parent who may get no further notice has an empty notice_amount.
PENALTY_FIELDS: Mapping[str, Field] = {
    "notice_rule": Field("name of the rule, such as national-framework-2024"),
    "rule_sessions": Field("how many sessions of unauthorised absence the rule asks for, a number"),
    "rule_window": Field(
        "kind and size of the rule's window, such as school_weeks 10; write {{ rule_window | window_words }}"
    ),
    "window_from": Field("first day of the window, a date"),
    "window_to": Field("last day of the window, a date"),
    "counted": Field("how many sessions the rule counts in the window, a number"),
    "needed": Field("how many more would reach the rule's number; 0: it is reached"),
    "notices_before": Field("penalty notices to this parent for this pupil that still count, a number"),
    "notice_limit": Field("how many notices there may be in notice_limit_years, a number"),
    "notice_limit_years": Field("years over which notices are counted, a number"),
    "notice_amount": Field(
        "what the next notice costs, such as £160; empty: no further one is possible", optional=True
    ),
    "notice_days": Field("days within which it has to be paid, a number", optional=True),
    "notice_early_amount": Field("what it costs if paid early, such as £80; empty: not offered", optional=True),
    "notice_early_days": Field("days within which it costs less, a number", optional=True),
    "local_authority": Field("name of the local authority", optional=True),
}

IMPROVEMENT_FIELDS: Mapping[str, Field] = {
    "improvement_from": Field("first day of the improvement period of a Notice to Improve"),
    "improvement_until": Field("last day of the improvement period of a Notice to Improve"),
    "improvement_weeks": Field("length of the improvement period in school weeks, a number", optional=True),
    "enough": Field("what is enough for this pupil, in a sentence; empty: no unauthorised absence", optional=True),
    "early_notice": Field("when a notice may come before the period ends, in a sentence; empty: the usual words",
                          optional=True),
    "support_offered": Field("help that is still on offer; may be empty", rows={"what": "one kind of help"},
                             optional=True),
    "issued_by": Field("who issues the notice, where it is not the school: name of the local authority", optional=True),
}  # fmt: skip

# A referral pack goes to the local authority: it alone may bear a UPN, a date of birth, addresses.
REFERRAL_FIELDS: Mapping[str, Field] = {
    "surname": Field("surname of the pupil"),
    "date_of_birth": Field("date of birth of the pupil"),
    "upn": Field("unique pupil number", optional=True),
    "sex": Field("sex of the pupil as the school has it", optional=True),
    "year_group": Field("year group in words, such as Year 4 or Reception", optional=True),
    "entry_date": Field("day on which the pupil joined the school", optional=True),
    "pupil_address": Field("address of the pupil, on one line", optional=True),
    "home_language": Field("home language", optional=True),
    "looked_after": Field("Yes or No: looked after by a local authority", optional=True),
    "social_worker": Field("Yes or No: has a social worker", optional=True),
    "sen": Field("special educational needs as the school has them", optional=True),
    "parents": Field(
        "parents and carers; a cell that is not known is empty",
        rows={
            "name": "title, forename and surname",
            "relationship": "relationship to the pupil",
            "responsibility": "Yes or No: has parental responsibility",
            "lives_with": "Yes or No: the pupil lives with them",
            "address": "address, on one line",
            "telephone": "telephone number",
            "language": "language",
            "notices_before": "penalty notices for this pupil that still count, a number",
        },
    ),
    "chronology": Field(
        "contacts and interventions by date, of all stages",
        rows={"date": "day", "what": "what was done", "who": "who did it", "outcome": "what came of it"},
    ),
    "agencies": Field("other agencies that were asked, by date", rows={"date": "day", "what": "agency"}, optional=True),
    "stage_opened_on": Field("day on which the present stage of the ladder opened", optional=True),
    "marks_as_at": Field("the register as it was known on this day"),
    "marks": Field("every school day of the year so far that the pupil was on roll, with its marks", rows=MARK_ROWS),
    "recent_marks": Field("the last sessions that the local authority asks for, by day", rows=MARK_ROWS),
    "recent_sessions": Field("how many possible sessions recent_marks holds, a number"),
    "recent_attended": Field("how many of them the pupil attended"),
    "recent_missed": Field("how many of them the pupil missed"),
    "recent_unauthorised": Field("how many of them were missed without the school's agreement"),
    "improvement_from": replace(IMPROVEMENT_FIELDS["improvement_from"], optional=True),
    "improvement_until": replace(IMPROVEMENT_FIELDS["improvement_until"], optional=True),
}

PRIZE_FIELDS: Mapping[str, Field] = {
    "prize": Field("what was won, such as a book token; empty: not said", optional=True),
    "year_group": Field("year group in words, such as Year 4 or Reception", optional=True),
}
RAFFLE_FIELDS: Mapping[str, Field] = {
    "week_from": Field("first day of the week"),
    "week_until": Field("last day of the week"),
}
PRIZE_POT_FIELDS: Mapping[str, Field] = {
    "prize_for": Field("best or most_improved"),
    "period_start": FIGURE_FIELDS["period_start"],
    "period_end": FIGURE_FIELDS["period_end"],
}


def _optional(fields: Mapping[str, Field], *names: str) -> dict[str, Field]:
    """The fields, these of them (or all) optional: a kind that can do without."""
    return {n: replace(f, optional=True) if n in names or not names else f for n, f in fields.items()}


_COMMON = {**SCHOOL_FIELDS, **LETTER_FIELDS, **PERSON_FIELDS}
_LADDER = {**_COMMON, **FIGURE_FIELDS}
_MET = {**_LADDER, **MEETING_FIELDS}
_FIGURES = {**_COMMON, **_optional(FIGURE_FIELDS, "threshold_percent")}
_PENALTY = {**_FIGURES, **PENALTY_FIELDS}
_REFERRAL = {**_COMMON, **_optional(FIGURE_FIELDS, "threshold_percent", "absences"), **_optional(PENALTY_FIELDS)}

KINDS: Mapping[str, Kind] = {
    "letter_1": Kind("Letter 1", "letter", _LADDER, enclosures=("leaflet",)),
    "meeting_invitation": Kind("Invitation to a meeting", "letter", {**_MET, **INVITATION_FIELDS}),
    "letter_2": Kind("Letter 2, with the targets form", "letter", _MET),
    "letter_3": Kind(
        "Letter 3", "letter", {**_MET, **MARK_FIELDS}, enclosures=("agenda", "plan", "attendance_picture")
    ),
    "improved": Kind("Good news after a review", "letter", {**_LADDER, **REVIEW_FIELDS}),
    "continuing": Kind("Letter after a review", "letter", {**_MET, **REVIEW_FIELDS}),
    "medical_support": Kind(
        "Support when a child is often ill", "letter", {**_MET, **ILLNESS_FIELDS, **_optional(REVIEW_FIELDS)}
    ),
    "penalty_notice_warning": Kind("Penalty notice warning", "letter", _PENALTY),
    "notice_to_improve": Kind("Notice to Improve", "letter", {**_PENALTY, **IMPROVEMENT_FIELDS}),
    "referral_pack": Kind(
        "Referral to the local authority",
        "pack",
        {**_REFERRAL, **REFERRAL_FIELDS},
        to=LOCAL_AUTHORITY,
        never_codes=frozenset({"N"}),  # local authorities refuse a certificate with one; rules.md section 7
    ),
    "raffle_certificate": Kind(
        "Certificate of the punctuality raffle", "certificate", {**_COMMON, **PRIZE_FIELDS, **RAFFLE_FIELDS}, to=PUPIL
    ),
    "prize_certificate": Kind(
        "Certificate of the attendance prize pot",
        "certificate",
        {**_COMMON, **PRIZE_FIELDS, **PRIZE_POT_FIELDS},
        to=PUPIL,
    ),
    "leaflet": Kind("Leaflet for parents and carers", "leaflet", SCHOOL_FIELDS),
    "agenda": Kind("Agenda of the attendance meeting", "form", _MET),
    "plan": Kind("Attendance Support Action Plan", "form", _MET),
    "attendance_picture": Kind("The pupil's attendance picture", "form", {**_LADDER, **MARK_FIELDS}, needs=("marks",)),
}

# Every field of every kind: what a template that is only included may name. A name means one thing in all kinds.
FIELDS: Mapping[str, Field] = {
    **{name: given for kind in KINDS.values() for name, given in kind.fields.items()},
    **FIGURE_FIELDS,
}


def fields_of(kind: str) -> Mapping[str, Field]:
    """The fields a template of this kind may name; all of them for one that is no kind (it is included by others)."""
    return KINDS[kind].fields if kind in KINDS else FIELDS


def fields_to_give(kind: str) -> Mapping[str, Field]:
    """The fields that the batch builder gives (or may give) for a letter of this kind with its enclosures."""
    found = _fields_of_letter((kind, *KINDS[kind].enclosures))
    return {name: f for name, f in found.items() if name not in SCHOOL_FIELDS and name not in LETTER_FIELDS}


def enclosed(letter: Letter, values: Mapping[str, FieldValue]) -> Iterator[str]:
    """The enclosures of a letter that have what they need."""
    for kind in letter.enclosures:
        needs = KINDS[kind].needs if kind in KINDS else ()
        if all(values.get(name) for name in needs):
            yield kind


def context(letter: Letter, letterhead: Letterhead) -> dict[str, FieldValue]:
    """Every field of the letter's kind and of its enclosures, with its value.

    Raises ``LetterError`` naming a field that is missing, of another kind, empty or of another type, and for marks with
    a code that the kind refuses.
    """
    known = _fields_of_letter((letter.kind, *letter.enclosures))
    values: dict[str, FieldValue] = {
        "school_name": letterhead.name,
        "school_address": ", ".join(letterhead.address),
        "school_telephone": letterhead.telephone,
        "school_email": letterhead.email,
        "attendance_lead": letterhead.signatories.get("attendance_lead", ""),
        "headteacher": letterhead.signatories.get("headteacher", ""),
        "date": letter.date,
        "reference": letter.reference,
    }
    for name in letter.fields:
        if name not in known or name in values:
            given = sorted(set(known) - set(values))
            raise LetterError(
                letter.reference,
                f"{name!r} is not a field to give for {letter.kind}; the fields are {', '.join(given)}",
            )
    for name, one in known.items():
        if name in values:
            continue
        if name not in letter.fields:
            if not one.optional:
                raise LetterError(letter.reference, f"the field {name!r} ({one.meaning}) is missing")
            values[name] = "" if one.rows is None else ()
            continue
        values[name] = _checked(letter, name, one, letter.fields[name])
    _refuse_codes(letter, values)
    return values


def _fields_of_letter(kinds: tuple[str, ...]) -> dict[str, Field]:
    """The fields of a letter and its enclosures together; the letter itself says which of them may be missing."""
    found: dict[str, Field] = {}
    for kind in kinds:
        found = {**fields_of(kind), **found}
    return found


def _refuse_codes(letter: Letter, values: Mapping[str, FieldValue]) -> None:
    never = KINDS[letter.kind].never_codes if letter.kind in KINDS else frozenset()
    found = set()
    for name in ("marks", "recent_marks"):
        rows = values.get(name, ())
        if never and not isinstance(rows, str | datetime.date):
            found |= {(row["date"], half) for row in rows for half in ("am", "pm") if row[half] in never}
    if found:
        codes = ", ".join(sorted(never))
        raise LetterError(letter.reference, f"{len(found)} session(s) still have the code {codes}: resolve them first")


def _checked(letter: Letter, name: str, field: Field, value: FieldValue) -> FieldValue:
    """The value, if it is what the field asks for. Numbers come formatted, so that all pages say the same."""
    if field.rows is None:
        if not isinstance(value, str | datetime.date):
            raise LetterError(
                letter.reference, f"the field {name!r} must be text or a date, not {type(value).__name__}"
            )
        if not value and not field.optional:
            raise LetterError(letter.reference, f"the field {name!r} ({field.meaning}) is empty")
        return value
    if isinstance(value, str | datetime.date):
        raise LetterError(letter.reference, f"the field {name!r} must be a list of rows, not {type(value).__name__}")
    for number, row in enumerate(value, start=1):
        if set(row) != set(field.rows):
            raise LetterError(letter.reference, f"row {number} of {name!r} must have exactly {', '.join(field.rows)}")
        if not all(isinstance(cell, str | datetime.date) for cell in row.values()):
            raise LetterError(letter.reference, f"row {number} of {name!r} must hold text and dates")
    return tuple(value)

"""A batch as files: what is printed, the lists beside it, and what is held. No file is written here.

Belongs here: putting ledger rows, pupils and templates together to letters; which letters share an envelope; the order
of print; when a batch is due. Does not belong here: which letters there are (`ledger`), pages (`pdf`), the columns of
the lists (`batch_lists`), where files go (`delivery.py`).

No UPN anywhere, and no name of a pupil in the name of a file. A reason that names a court order, safeguarding or care
is on the restricted list alone; the office's list says that there is one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from attendance_pipeline.drive_names import class_audiences
from attendance_pipeline.engine import Engine, InProcess
from attendance_pipeline.law.policy import PenaltyNotices
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.letters.batch_lists import (
    Printed,
    PupilOnPaper,
    batch_files,
    do_not_send_file,
    held_file,
    mail_merge_file,
)
from attendance_pipeline.letters.evidence import LetterEvidence
from attendance_pipeline.letters.evidence_sheet import evidence_file
from attendance_pipeline.letters.field_values import given
from attendance_pipeline.letters.fields import KINDS, fields_to_give
from attendance_pipeline.letters.holding import RESTRICTED, parse_reason
from attendance_pipeline.letters.kind_rules import CLASS_TEACHER, KIND_RULES, shares_envelope
from attendance_pipeline.letters.ledger_rows import LedgerRow, LogEntry, PupilFacts
from attendance_pipeline.letters.letter import FieldValue, Letter, Letterhead
from attendance_pipeline.letters.occasions import Occasion
from attendance_pipeline.letters.pdf import check_letter, render_batch
from attendance_pipeline.letters.recipients import Recipient, envelope_lines, households, salutation
from attendance_pipeline.letters.rendering_many import ENDINGS, engine_for, files_of_letters
from attendance_pipeline.letters.templates import Templates

PRINT_FILE = "print-ready.pdf"
STAGE_WITH_PUPIL = 3  # the stage whose meeting the pupil comes to
DRAFTS_FILE = "drafts-to-consider.pdf"  # nobody who posts a print file posts one of these by the way


@dataclass(frozen=True)
class BatchInputs:
    """`rows`: letters to print, `held`: those that are held, as the ledger has them. `pupils`: every pupil of those.
    `log`: entries by pupil. `household`: whether two at one address share an envelope (policy). `penalty_notices`: what
    a notice costs (policy). `authority`: the local authority's name. `not_ready`: why the data hold letters, in words,
    by class; "" for the whole school. `withdrawn`: letters that were printed, on which day, and are not to go now.
    `engine`: where letters are set; the bytes are the same.
    """

    school_id: str
    date: dt.date
    rows: Sequence[LedgerRow]
    held: Sequence[LedgerRow]
    pupils: Mapping[int, PupilOnPaper]
    letterhead: Letterhead
    templates: Templates
    layout: str = "dl"
    household: bool = True
    log: Mapping[int, Sequence[LogEntry]] = field(default_factory=dict)
    not_ready: Mapping[str, str] = field(default_factory=dict)
    penalty_notices: PenaltyNotices = field(default_factory=PenaltyNotices)
    authority: str = ""
    withdrawn: Sequence[tuple[LedgerRow, dt.date]] = ()
    engine: Engine = field(default_factory=InProcess)


@dataclass(frozen=True)
class BatchFiles:
    """Files by name: for the office, for the restricted audience, and by class for its teacher. May be none.

    The office's letters are made as they are taken (`OfficeFiles`). `unprintable`: by reference why a letter could not
    be made; those are on the held lists instead. `pdf_of`: the file of each letter of the ledger; two in one envelope
    are one file.
    """

    office: Mapping[str, bytes]
    restricted: Mapping[str, bytes]
    classes: Mapping[str, Mapping[str, bytes]]
    letters: int
    held: int
    unprintable: Mapping[str, str]
    pdf_of: Mapping[str, str]


def build_batch(inputs: BatchInputs) -> BatchFiles:
    """Every file of a batch: the same bytes for the same ledger.

    Raises `templates.TemplateError` when a template is at fault: then nothing is made at all.
    """
    printed: list[Printed] = []
    unprintable: dict[str, str] = {}
    for together in _envelopes(inputs):
        # Two names may not fit where one does: then each has a letter.
        alone = len(together) > 1 and bool(_why_not(inputs, together))
        for rows in [[row] for row in together] if alone else [together]:
            if why := _why_not(inputs, rows):
                unprintable[rows[0].reference] = why
            else:
                printed.append(_printed(inputs, rows))
    printed.sort(key=_print_order)

    office: dict[str, bytes] = {}
    classes: dict[str, dict[str, bytes]] = {}
    for name, made_together in _print_files(printed):
        letters = [made.letter for made in made_together]
        pdf = render_batch(
            letters,
            inputs.letterhead,
            layout=inputs.layout,
            templates=inputs.templates,
            engine=engine_for(inputs.engine, inputs.templates, len(letters)),
        )
        office[name] = pdf
        if name not in (PRINT_FILE, DRAFTS_FILE):
            classes[made_together[0].pupil.class_name] = {name: pdf}
    if printed:
        office |= batch_files(printed, inputs.templates, inputs.school_id, inputs.date)
        office |= evidence_file(printed, inputs.school_id, inputs.date)
        # Not the drafts: nobody merges and posts what a person has yet to consider.
        office["mail-merge.csv"] = mail_merge_file([m for m in printed if not KIND_RULES[m.letter.kind].considered])

    held = [row for row in (*inputs.held, *inputs.rows) if row.state == "held" or row.reference in unprintable]
    held.sort(key=lambda row: (_pupil_order(inputs.pupils[row.person_id]), row.kind, row.contact_id))
    office |= held_file(held, inputs.pupils, unprintable, inputs.not_ready, restricted=False)
    office |= do_not_send_file(inputs.withdrawn, inputs.pupils)
    named = [row for row in held if parse_reason(row.reason)[0] & RESTRICTED]
    return BatchFiles(
        office=OfficeFiles(inputs, printed, office),
        restricted=held_file(named, inputs.pupils, unprintable, inputs.not_ready, restricted=True),
        classes=classes,
        letters=sum(len(made.rows) for made in printed),
        held=len(held),
        unprintable=unprintable,
        pdf_of={row.reference: f"{made.letter.reference}.pdf" for made in printed for row in made.rows},
    )


class OfficeFiles(Mapping[str, bytes]):
    """The files of the office: those given, and each letter's own two, which are made whenever they are taken.

    What is made is not kept, so that five thousand letters need no more memory than fifty; who takes all of them does
    so once, by `items`, which has them made by several at once where there are many.
    """

    def __init__(self, inputs: BatchInputs, printed: Sequence[Printed], given: Mapping[str, bytes]) -> None:
        self._inputs = inputs
        self._given = given
        self._letters = {made.letter.reference: made.letter for made in printed}
        self._names = [*(f"{reference}.{ending}" for reference in self._letters for ending in ENDINGS), *given]

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __getitem__(self, name: str) -> bytes:
        if name in self._given:
            return self._given[name]
        reference, _, ending = name.rpartition(".")
        if reference not in self._letters or ending not in ENDINGS:
            raise KeyError(name)
        inputs = self._inputs
        letter = self._letters[reference]
        return ENDINGS[ending](letter, inputs.letterhead, layout=inputs.layout, templates=inputs.templates)

    def items(self) -> ItemsView[str, bytes]:
        return _Files(self)

    def each(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of every file, each made once, in order."""
        inputs, letters = self._inputs, list(self._letters.values())
        yield from files_of_letters(letters, inputs.letterhead, inputs.layout, inputs.templates, inputs.engine)
        yield from self._given.items()


class _Files(ItemsView[str, bytes]):
    """`items` of the office's files, made by several at once."""

    _mapping: OfficeFiles

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return self._mapping.each()


def why_unprintable(inputs: BatchInputs, row: LedgerRow) -> str:
    """Why this letter cannot be made, or "": for the ledger's decision, before anything is proposed."""
    return _why_not(inputs, [row])


def letter_of(inputs: BatchInputs, reference: str) -> Letter:
    """The letter of a reference as it would be printed from `inputs.rows`, in one envelope with whom it shares it.

    Raises KeyError for a reference that no row bears, ValueError where the ledger holds no figures for it.
    """
    row = next((row for row in inputs.rows if row.reference == reference), None)
    if row is None:
        raise KeyError(reference)
    for together in _envelopes(inputs):
        if row in together and not _why_not(inputs, together):
            return _printed(inputs, together).letter
    return _printed(inputs, [row]).letter


class PrintingCheck:
    """Whether letters that the ledger may not hold yet can be made, asked for many days; none is rendered.

    `inputs` gives what all letters have; its rows do not matter. A letter that says the same as on the day before is
    not composed again. Its date is not looked at for that: a batch asks once more, with its own date, when it is made.
    An error of a template is raised: all letters wait.
    """

    def __init__(self, inputs: BatchInputs) -> None:
        self._inputs = inputs
        self._known: dict[tuple[int, str, str, int], tuple[Recipient, Mapping[str, Any], str]] = {}

    def on(self, day: dt.date, pupils: Mapping[int, PupilFacts]) -> Callable[[Occasion, str, Mapping[str, Any]], str]:
        """`LedgerInputs.unprintable` of a day."""
        inputs = replace(self._inputs, date=day)

        def unprintable(o: Occasion, contact_id: str, evidence: Mapping[str, Any]) -> str:
            key = (o.person_id, contact_id, o.kind, o.stage)
            to_authority = KIND_RULES[o.kind].to_authority
            recipient = Recipient("") if to_authority else pupils[o.person_id].recipients.by_id().get(contact_id)
            if recipient is None:
                return ""
            if key not in self._known or self._known[key][:2] != (recipient, evidence):
                letter = LedgerRow(
                    reference="(not yet written)",
                    person_id=o.person_id,
                    contact_id=contact_id,
                    kind=o.kind,
                    day=-1,
                    opening_day=day,
                    proposed_on=day,
                    state="proposed",
                    stage=o.stage,
                    language=recipient.language,
                    recipient=recipient.as_json(),
                    evidence=evidence,
                )
                self._known[key] = (recipient, evidence, why_unprintable(inputs, letter))
            return self._known[key][2]

        return unprintable


# ---------------------------------------------------------------- when


def is_letter_day(calendar: SchoolCalendar, day: int, letter_day: int | None) -> bool:
    """Whether letters are delivered on a school day: it is the weekday `letter_day` (0 Monday), or the first school day
    after one on which the school was shut. None: every school day."""
    return letter_day is None or _last_weekday(calendar.date(day), letter_day) > _date_before(calendar, day)


def latest_letter_day(calendar: SchoolCalendar, day: int, letter_day: int | None) -> int:
    """The last letter day up to and including a school day; -1 when there is none. See `is_letter_day`."""
    while day >= 0 and not is_letter_day(calendar, day, letter_day):
        day -= 1
    return day


def letter_days_from(calendar: SchoolCalendar, first: int, last: int, letter_day: int | None) -> list[int]:
    """The letter days among school days `first` to `last` of which people have notice: see `is_letter_day`. Where
    letters go every school day, the last of each school week stands for the week."""
    last = min(last, len(calendar) - 1)
    if letter_day is not None:
        return [d for d in range(first, last + 1) if is_letter_day(calendar, d, letter_day)]
    ends = (d for d in range(first, last + 1) if d + 1 == len(calendar) or calendar.week[d + 1] != calendar.week[d])
    return list(ends)


def due(rows: Sequence[LedgerRow], after: dt.date | None, upto: dt.date) -> list[LedgerRow]:
    """The letters of the batch of `upto`: those that came to be proposed after the batch before (`after`; None: ever).

    One that was approved or sent since belongs to its batch still, so that the same day delivered again is the same;
    one that was sent before the day went without us.
    """
    return [
        row
        for row in rows
        if row.batch
        and row.state in ("proposed", "approved", "sent")
        and row.entered is not None
        and (after is None or after < row.entered)
        and row.entered <= upto
        and (row.sent_on is None or row.sent_on >= upto)
    ]


def _last_weekday(day: dt.date, weekday: int) -> dt.date:
    return day - dt.timedelta(days=(day.weekday() - weekday) % 7)


def _date_before(calendar: SchoolCalendar, day: int) -> dt.date:
    return calendar.date(day - 1) if day > 0 else calendar.date(day) - dt.timedelta(days=7)


# ---------------------------------------------------------------- what is printed


def _envelopes(inputs: BatchInputs) -> Iterator[list[LedgerRow]]:
    """The rows, together those that share a letter in one envelope: one pupil, one kind, one household."""
    together: dict[tuple[int, str], list[LedgerRow]] = {}
    for row in sorted(inputs.rows, key=lambda r: r.reference):
        if row.state != "held":
            together.setdefault((row.person_id, row.kind), []).append(row)
    for (_, kind), rows in together.items():
        of_contact = {row.contact_id: row for row in rows}
        recipients = sorted((_recipient(row) for row in rows), key=lambda r: (r.priority, r.contact_id))
        if inputs.household and all(shares_envelope(kind, row.stage) for row in rows):
            groups = households(recipients)
        else:
            groups = [(r,) for r in recipients]
        for group in groups:
            yield [of_contact[r.contact_id] for r in group]


def _why_not(inputs: BatchInputs, rows: Sequence[LedgerRow]) -> str:
    """Why a letter cannot be made, without a value of a person; "" when it can."""
    try:
        letter = _printed(inputs, rows).letter
    except (KeyError, TypeError, ValueError):
        return "the ledger holds no figures for it"
    return check_letter(letter, inputs.letterhead, layout=inputs.layout, templates=inputs.templates) or ""


def _printed(inputs: BatchInputs, rows: Sequence[LedgerRow]) -> Printed:
    """One printed letter, for all recipients of the rows; it bears the reference of the first."""
    first, pupil = rows[0], inputs.pupils[rows[0].person_id]
    household = [_recipient(row) for row in rows]
    evidence = LetterEvidence.from_json(first.evidence)
    log = [e for e in inputs.log.get(first.person_id, ()) if e.date <= inputs.date]
    values: dict[str, FieldValue] = {
        **evidence.fields(log, inputs.penalty_notices),
        **_meeting(first, log, pupil, inputs.letterhead),
        "first_name": pupil.first_name,
        "full_name": pupil.full_name,
        "class_name": pupil.class_name,
        "class_teacher": pupil.class_teacher,
        "local_authority": inputs.authority,
    }
    if inputs.penalty_notices.notice_to_improve_issued_by == "local authority":
        values["issued_by"] = inputs.authority or "the local authority"
    rules = KIND_RULES[first.kind]
    letter = Letter(
        reference=first.reference,
        kind=first.kind,
        language=first.language,
        recipient_lines=envelope_lines(household) if rules.posted else (),
        salutation="" if rules.to_authority else salutation(household),
        date=inputs.date,
        fields=given(values, fields_to_give(first.kind)),
        enclosures=KINDS[first.kind].enclosures,
    )
    return Printed(letter, tuple(rows), tuple(household), pupil, evidence, _file_of(first.kind, pupil.class_name))


def _meeting(row: LedgerRow, log: Sequence[LogEntry], pupil: PupilOnPaper, head: Letterhead) -> dict[str, FieldValue]:
    """When the meeting is that was arranged for a stage (the entry's From, or nothing), and with whom."""
    arranged = [
        e.from_
        for e in log
        if e.action == "meeting_arranged" and e.stage in (None, row.stage) and e.from_ and e.date >= row.opening_day
    ]
    values: dict[str, FieldValue] = {"meeting_date": arranged[-1]} if arranged else {}
    if row.stage == STAGE_WITH_PUPIL:
        lead, headteacher = (head.signatories.get(role, "") for role in ("attendance_lead", "headteacher"))
        who = [name for name in (pupil.class_teacher, lead or headteacher) if name]
        return {**values, "pupil_invited": "yes", "meeting_with": " and ".join(who)}
    return {**values, "meeting_with": f"{pupil.class_teacher}, class teacher" if pupil.class_teacher else ""}


def _recipient(row: LedgerRow) -> Recipient:
    return Recipient.from_json(row.recipient) if row.recipient else Recipient(row.contact_id)


def _print_files(printed: Sequence[Printed]) -> Iterator[tuple[str, list[Printed]]]:
    """Files to print, each with its letters in order."""
    files: dict[str, list[Printed]] = {}
    for made in printed:
        files.setdefault(made.print_file, []).append(made)
    yield from sorted(files.items())


def _file_of(kind: str, class_name: str) -> str:
    if KIND_RULES[kind].considered:
        return DRAFTS_FILE
    if KIND_RULES[kind].goes != CLASS_TEACHER:
        return PRINT_FILE
    return f"{kind.replace('_', '-')} {class_audiences([class_name])[class_name]}.pdf"


def _print_order(made: Printed) -> tuple[object, ...]:
    """By class, then surname; classes as people count them, 2A before 10B."""
    return (_pupil_order(made.pupil), made.letter.kind, made.household[0].priority, made.letter.reference)


def _pupil_order(pupil: PupilOnPaper) -> tuple[object, ...]:
    digits = [
        (int(part), "") if part.isdigit() else (-1, part.casefold()) for part in re.split(r"(\d+)", pupil.class_name)
    ]
    return (digits, pupil.surname.casefold(), pupil.first_name.casefold(), pupil.admission_number)

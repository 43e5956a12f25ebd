"""Before the letters: what still stands in the way of a school's next letter day, told two school days before it.

Belongs here: whether such a list is due, gathering what it says, and putting it on the drive. Not here: its words
(`reports/readiness.py`), holding or printing a letter (`letters/`), hours (`schedules/`).

Told by the calendar and the date, not by the newest derived day: that no extract came is the first thing it has to say.
Once for each letter day; a letter day that went by without its list has none, because nobody can act on it any more.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.home import School
from attendance_pipeline.law.register_codes import NO_MARK
from attendance_pipeline.letters.batch import latest_letter_day, letter_days_from
from attendance_pipeline.letters.from_roll import RollReader
from attendance_pipeline.letters.holding import parse_reason
from attendance_pipeline.letters.templates import check_templates
from attendance_pipeline.mis.inbox import names_in
from attendance_pipeline.register.roll import current_contacts, current_pupils
from attendance_pipeline.reports.data_quality import by_rule
from attendance_pipeline.reports.figures import long_date, plural
from attendance_pipeline.reports.readiness import (
    LOOK,
    READINESS_FILE,
    STOPS,
    Matter,
    MissingRegisterOfDay,
    by_class,
    days_in_words,
    held_matters,
    readiness_files,
    some,
)
from attendance_pipeline.reports.worklist_facts import find_unresolved, registers_of
from attendance_pipeline.steps.deliver import Made, put
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.readiness import Readiness
from attendance_pipeline.steps.school_year import in_use, school_year_matters
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import PLAN, READINESS, each_school, failure, open_troubles
from attendance_pipeline.store import ledger, quarantine
from attendance_pipeline.store.deliveries import read_deliveries
from attendance_pipeline.store.extracts import list_extracts

WHAT = "readiness"
SCHOOL_DAYS_BEFORE = 2
AUDIENCES = ("data-manager", "attendance-lead")
_WEEKEND = dt.timedelta(days=2)  # a list of Saturday morning is read on Monday; in a holiday nobody reads one
_LOOK_BACK = 10  # school days: older registers are on the data manager's own page


@dataclass(frozen=True)
class Ahead:
    """A letter day that is near and of which no list was delivered: numbers of the school day on which the list is
    read, and of the letter day."""

    school: School
    read_on: int
    letter_day: int


def readiness_due(site: Site, today: dt.date) -> list[Ahead]:
    """The letter days, of every school, of which a list is due on a date."""
    found = each_school(site, PLAN, lambda school: list(_ahead(site, school, today)))
    return [ahead for of_school in found for ahead in of_school]


def _ahead(site: Site, school: School, today: dt.date) -> Iterator[Ahead]:
    calendar = school.calendar
    read_on = calendar.on_or_after(today)
    if read_on >= len(calendar) or calendar.date(read_on) - today > _WEEKEND:
        return
    near = letter_days_from(calendar, read_on, read_on + SCHOOL_DAYS_BEFORE, site.home.letter_day)
    # Of the first letter day of a year nothing is said in July.
    near = [d for d in near if calendar.year[d] == calendar.year[read_on]]
    near = [d for d in near if school.go_live is None or school.go_live <= calendar.date(d)]
    if not near:
        return
    with site.warehouse.read() as conn:
        told = {key for d in read_deliveries(conn, school.id, WHAT) for key in d["holds"]}
        used = in_use(conn, school, today)
    yield from (Ahead(school, read_on, d) for d in near if used and calendar.date(d).isoformat() not in told)


def tell_readiness(site: Site, today: dt.date, run: str) -> list[Made]:
    """The lists that are due on a date, to the data manager and the attendance lead of each school."""
    due: dict[str, list[Ahead]] = {}
    for ahead in readiness_due(site, today):
        due.setdefault(ahead.school.id, []).append(ahead)
    schools = [s for s in site.schools() if s.id in due]
    made = each_school(site, READINESS, lambda school: [_tell(site, a, run) for a in due[school.id]], schools)
    return [one for of_school in made for one in of_school]


def _tell(site: Site, ahead: Ahead, run: str) -> Made:
    school, calendar = ahead.school, ahead.school.calendar
    matters, registers = _gathered(site, ahead)
    letter_day = calendar.date(ahead.letter_day)
    files = readiness_files(school.name, letter_day, calendar.date(ahead.read_on), matters, registers)
    held = {audience: {letter_day.isoformat(): READINESS_FILE} for audience in AUDIENCES}
    folders = put(site, school, ahead.read_on, WHAT, dict.fromkeys(AUDIENCES, files), run, held)
    stops = sum(m.weight == STOPS for m in matters)
    note = f"for {letter_day:%d/%m/%Y}: {plural(stops, 'matter')} that stop letters"
    return Made(school.id, WHAT, len(matters), folders, note)


def _gathered(site: Site, ahead: Ahead) -> tuple[list[Matter], list[MissingRegisterOfDay]]:
    school, calendar = ahead.school, ahead.school.calendar
    inputs, upto = school_inputs(site, school), ahead.read_on - 1
    # What happened since the batch before: the day of that batch was its newest, and is looked at again.
    since = max(latest_letter_day(calendar, ahead.letter_day - 1, site.home.letter_day), ahead.read_on - _LOOK_BACK, 0)
    days = range(since, upto + 1)
    without = [d for d in days if not (inputs.marks[:, d] != NO_MARK).any()]
    registers = [
        MissingRegisterOfDay(calendar.date(d), r.class_name, r.session, r.pupils)
        for d in days
        if d not in without
        for r in registers_of(inputs, d)[1]
    ]
    with site.warehouse.read() as conn:
        matters = [
            *_extracts(conn, school, [calendar.date(d) for d in without]),
            *_registers(registers),
            *_checks(conn, school, upto),
            *_unresolved(school, inputs, upto),
            *_letters(conn, school, calendar.date(ahead.read_on)),
            *_families(conn, inputs, school, upto),
            *_set_aside(conn, school, calendar.date(int(calendar.year_start[ahead.read_on]))),
        ]
    troubles = [failure(t) for t in open_troubles(site) if t.school == school.id]
    to_do = "See that the next night is well; `attendance health` and the run's log say more"
    matters += [Matter(STOPS, f"A night was not well: {words}", None, to_do) for words in troubles]
    matters += [*_printing(site, school), *school_year_matters(site, school, calendar.date(ahead.read_on))]
    return matters, registers


def _extracts(conn: Connection, school: School, without: list[dt.date]) -> Iterator[Matter]:
    newest = max((e.key.recorded_on for e in list_extracts(conn, school.id, "register")), default=None)
    if without:
        last = f"the newest register extract is of {long_date(newest)}" if newest else "no register extract ever came"
        yield Matter(
            STOPS,
            f"No marks at all of {days_in_words(without)}; {last}",
            len(without),
            "Drop the register extracts of these days; if nobody was in school, enter a closure in the calendar",
            f"inbox/{school.id}",
        )
    for kind, words in (("pupils", "No pupils extract ever came"), ("contacts", "No contacts extract ever came")):
        if not list_extracts(conn, school.id, kind):
            yield Matter(STOPS, words, None, "Drop one: without it no letter has a recipient", f"inbox/{school.id}")
    if waiting := names_in(school.inbox):
        yield Matter(
            LOOK,
            "Files that wait in the inbox",
            len(waiting),
            "The next night takes them in; what it cannot take stays, and its log says why",
            f"inbox/{school.id}",
        )


def _registers(registers: list[MissingRegisterOfDay]) -> Iterator[Matter]:
    if registers:
        classes = Counter(r.class_name for r in registers)
        yield Matter(
            STOPS,
            f"Registers missing, by class: {by_class(classes)}",
            len(registers),
            "Take them or complete them in the MIS; the next extract brings them",
            "Sheet: Registers missing",
        )


def _checks(conn: Connection, school: School, upto: int) -> Iterator[Matter]:
    found = Readiness(conn, school).on(upto)
    for subject, words in sorted(found.words.items()):
        whom = f"class {subject}" if subject else "the whole school"
        yield Matter(
            STOPS,
            f"The register of {whom} cannot be relied on: {words}",
            None,
            "Correct the register, or confirm the day in the settings",
            "data-manager: data-quality/what-to-do.html",
        )


def _unresolved(school: School, inputs: SchoolInputs, upto: int) -> Iterator[Matter]:
    limit = school.policy.setting.statutory.resolve_n_school_days
    marks = find_unresolved(inputs.marks, inputs.pupils, school.calendar, upto)
    classes = Counter(str(inputs.pupils.class_name[p]) for p, *_ in marks)
    late = sum(age > limit for *_, age in marks)
    if marks:
        yield Matter(
            LOOK,
            f"Codes N without a reason, {late} of them older than {limit} school days; by class: {by_class(classes)}",
            len(marks),
            "Find out the reasons and correct the codes in the MIS; after the limit the code becomes O",
            "office: worklist.xlsx, No reason yet (N)",
        )


def _letters(conn: Connection, school: School, day: dt.date) -> Iterator[Matter]:
    rows = ledger.read_letters(conn, states=["held", "proposed", "approved"], school=school.id)
    reasons: Counter[str] = Counter()
    for row in rows:
        if row["state"] == "held":
            reasons.update(parse_reason(row["reason"])[0])
    yield from held_matters(reasons)
    for state, words, to_do in (
        ("proposed", "Letters that wait to be approved or rejected", "Approve or reject each"),
        ("approved", "Letters approved and not marked as sent", "Send them, and write Letter sent in the log"),
    ):
        waiting = [row["proposed_on"] for row in rows if row["state"] == state]
        if waiting:
            since = f"the oldest since {long_date(min(waiting))}"
            yield Matter(LOOK, f"{words}, {since}", len(waiting), to_do, "attendance-lead: worklist.xlsx, Letters")


def _families(conn: Connection, inputs: SchoolInputs, school: School, upto: int) -> Iterator[Matter]:
    """Pupils on roll to whose families no letter could go, before one is owed. Counts of classes."""
    if upto < 0:
        return
    pupils = current_pupils(conn, school.id)
    here = inputs.pupils.on_roll(upto)
    wanted = {int(person) for person in inputs.pupils.pupil_id[here]}
    facts = RollReader(pupils, current_contacts(conn, school.id)).on(school.calendar.date(upto), wanted)
    nobody: Counter[str] = Counter()
    homeless: Counter[str] = Counter()
    for f in facts.values():
        if not f.recipients.to and not f.recipients.excluded:
            nobody[f.class_name or ""] += 1
        elif f.recipients.to and not any(r.address for r in f.recipients.to):
            homeless[f.class_name or ""] += 1
    where = f"inbox/{school.id}: contacts extract"
    for counts, words, to_do in (
        (nobody, "Pupils without any contact", "Enter a contact in the MIS"),
        (homeless, "Pupils of whose contacts no address is known", "Enter the address in the MIS"),
    ):
        if counts:
            yield Matter(LOOK, f"{words}, by class: {by_class(counts)}", counts.total(), to_do, where)


def _set_aside(conn: Connection, school: School, since: dt.date) -> Iterator[Matter]:
    for rule in by_rule(quarantine.rows(conn, school.id, first=since)):
        files = some([str(name) for name in rule["newest"]])
        yield Matter(
            LOOK,
            f"Rows set aside: {rule['rule']}. {rule['words']} In: {files}",
            rule["count"],
            rule["to_do"],
            "data-manager: data-quality/quarantine.xlsx",
        )


def _printing(site: Site, school: School) -> Iterator[Matter]:
    if school.letterhead is None:
        words = "The settings have no letterhead of the school: no letter can be approved"
        yield Matter(STOPS, words, None, "Add [schools.letterhead]", "attendance.toml")
    for problem in check_templates(site.home.letter_templates):
        place = f"{problem.file.name}, line {problem.line}" if problem.line else problem.file.name
        yield Matter(STOPS, f"A letter template has a fault: {problem.message}", None, "Correct the template", place)

"""Deliver: the newest day's letters and a half-term's report, put on the shared drive.

Belongs here: gathering what each kind of delivery needs, and to which audience it goes. Not here: what stands in a file
(`letters/`, `reports/`) or how files get there (`delivery.py`).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attendance_pipeline import delivery
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.drive_names import class_audiences
from attendance_pipeline.home import School
from attendance_pipeline.law.school_calendar import HalfTerm
from attendance_pipeline.letters.batch import BatchInputs, build_batch, due, latest_letter_day
from attendance_pipeline.letters.from_roll import log_entries, pupils_on_paper
from attendance_pipeline.letters.ledger_rows import MACHINES, LedgerRow, LogEntry
from attendance_pipeline.letters.templates import Templates
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.roll import current_classes, current_interventions, current_pupils
from attendance_pipeline.reports.benchmarks import Benchmarks
from attendance_pipeline.reports.charts import as_markdown
from attendance_pipeline.reports.figures import long_date, plural
from attendance_pipeline.reports.governor import GovernorInputs, governor_files, governor_page
from attendance_pipeline.reports.trust import trust_page
from attendance_pipeline.steps.benchmarks import load as published_of
from attendance_pipeline.steps.plan import half_term, trust_folder
from attendance_pipeline.steps.printed import Lying, news, printed_elsewhere, remembered, there_already, withdrawn
from attendance_pipeline.steps.propose import letterhead_of
from attendance_pipeline.steps.readiness import Readiness
from attendance_pipeline.steps.restate import derived, newest_done
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import GOVERNORS as GOVERNOR_REPORT
from attendance_pipeline.steps.troubles import LETTERS, each_school
from attendance_pipeline.store import deliveries, ledger

GOVERNORS = "governors"


@dataclass(frozen=True)
class Made:
    """One kind of delivery of one school: how many of what, and the folders, newest state of the drive."""

    school: str
    what: str
    count: int
    folders: tuple[Path, ...] = ()
    note: str = ""
    chart: str = ""  # as Markdown, for whoever looks at the run


def newest(site: Site, school: School) -> tuple[Derived, int] | None:
    """The academic year to the newest derived day, and the number of that day; None when no day is done."""
    day = newest_done(site, school)
    if day is None:
        return None
    return derived(site, school, int(school.calendar.year_start[day]), day), day


def put(
    site: Site,
    school: School,
    day: int,
    what: str,
    files: Mapping[str, Mapping[str, bytes]],
    run: str,
    holds: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[Path, ...]:
    """Deliver to each audience: to all or to none, also when the run is killed in between (`finish_begun`).

    `holds`: by audience the files whose hashes `store.deliveries` is to remember, each under a key.
    """
    finish_begun(site, school.id)
    calendar, drive, ready = school.calendar, site.home.drive, []
    begun: list[deliveries.Begun] = []
    try:
        for audience, content in files.items():
            if not content:
                continue
            one = delivery.prepare(
                drive,
                school.id,
                audience,
                calendar.year_names[calendar.year[day]],
                calendar.date(day),
                what,
                content,
                run=run,
                policy=f"{school.policy.name} {school.policy.version}",
                as_at=site.register_as_at(school),
            )
            ready.append(one)
            asked = (holds or {}).get(audience)
            hashes = delivery.hashes_of(drive / (one.hidden or one.path)) if asked else {}
            held = {key: hashes[name] for key, name in (asked or {}).items()}
            begun.append(
                deliveries.Begun(
                    one.hidden, one.path, one.folder, what, one.manifest_sha256, calendar.date(day), run, held
                )
            )
        with site.warehouse.begin(school.id) as conn:
            deliveries.note_begun(conn, school.id, begun)
    except BaseException:
        for one in ready:
            delivery.discard(drive, one)
        raise
    return finish_begun(site, school.id)


def finish_begun(site: Site, school_id: str) -> tuple[Path, ...]:
    """Give the folders that were begun for a school their names, and note them. Gives where they lie.

    Before anything else is delivered: what a run that was killed had prepared is delivered as it was, and the ledger is
    right to take those letters for printed. Where somebody has taken one of them away, none is noted, and the night
    makes them again.
    """
    with site.warehouse.read() as conn:
        begun = deliveries.read_begun(conn, school_id)
    if not begun:
        return ()
    drive, out = site.home.drive, []
    lost: set[tuple[str, str]] = set()
    done: list[tuple[deliveries.Begun, str]] = []
    for b in begun:
        found = delivery.finish(drive, delivery.Prepared(b.hidden, b.path, b.folder, b.what, b.sha256))
        if found is None:
            lost.add((b.run, b.what))
        else:
            done.append((b, found.path.relative_to(drive).as_posix()))
            out.append(found.path)
    with site.warehouse.begin(school_id) as conn:
        for b, path in done:
            if (b.run, b.what) not in lost:
                deliveries.record_delivery(conn, school_id, path, b.what, b.day, b.sha256, b.holds)
        deliveries.forget_begun(conn, begun)
    return tuple(out)


def letters(site: Site, run: str) -> list[Made]:
    """The batch of the latest letter day, when it was not delivered yet, or again on that day; and what is held.

    A batch holds what came to be proposed since the batch before it, so that a letter day on which the machine was off
    is made up for by the next night.
    """
    return [made for made in each_school(site, LETTERS, lambda school: _letters(site, school, run)) if made]


def _letters(site: Site, school: School, run: str) -> Made | None:
    elsewhere: list[Lying] = []
    made = _batch(site, school, run, elsewhere)
    # Once the batch is made: it holds what these folders lack since the last batch that was known until now.
    if elsewhere:
        with site.warehouse.begin(school.id) as conn:
            for one in elsewhere:
                deliveries.record_delivery(conn, school.id, one.path, "letters", one.day, one.sha256, one.holds)
    return made


def _batch(site: Site, school: School, run: str, elsewhere: list[Lying]) -> Made | None:
    """`elsewhere`: is given the folders on the drive that the warehouse does not know of."""
    with site.warehouse.read() as conn:
        own = {begun.folder for begun in deliveries.read_begun(conn, school.id)}
    finish_begun(site, school.id)
    found = newest(site, school)
    if found is None:
        return None
    calendar = school.calendar
    day = latest_letter_day(calendar, found[1], site.home.letter_day)
    with site.warehouse.read() as conn:
        delivered = deliveries.read_deliveries(conn, school.id, "letters")
        before = {d["day"] for d in delivered}
        readiness = Readiness(conn, school)
        stored = with_pupils(conn, school.id, ledger.read_ledger(conn, school.id, machines=MACHINES))
        paper = pupils_on_paper(current_pupils(conn, school.id), current_classes(conn, school.id))
        log: dict[int, list[LogEntry]] = defaultdict(list)
        for entry in log_entries(current_interventions(conn, school.id)):
            log[entry.person_id].append(entry)
    # A letter day that went by is made up for, unless a later batch holds its letters: the school changed the day.
    if day < 0 or (day < found[1] and any(d >= calendar.date(day) for d in before)):
        return Made(school.id, "letters", 0, note="no letter day")
    after = max((d for d in before if d < calendar.date(day)), default=None)
    rows = [LedgerRow.from_store(r, calendar) for r in stored]
    printed = due(rows, after, calendar.date(day))
    if printed:
        elsewhere += printed_elsewhere(site.home.drive, school.id, after, delivered, own)
    again = {r.reference for r in printed} & {reference for lying in elsewhere for reference in lying.holds}
    printed = [r for r in printed if r.reference not in again]
    delivered += [{"day": one.day, "path": one.path, "holds": one.holds} for one in elsewhere]
    note = f"; {plural(len(again), 'letter')} on the drive already that the database did not know of" if again else ""
    if day < found[1] and not printed:
        return Made(school.id, "letters", 0, note=f"no letter day{note}")
    inputs = BatchInputs(
        school_id=school.id,
        date=calendar.date(day),
        rows=printed,
        held=[r for r in rows if r.state == "held"],
        pupils=paper,
        letterhead=letterhead_of(school),
        templates=Templates(site.home.letter_templates),
        layout=site.home.layout,
        household=school.policy.setting.letters.household,
        log=log,
        penalty_notices=school.policy.setting.penalty_notices,
        authority=school.local_authority_name or "",
        not_ready=readiness.on(int(found[0].plan.ladder["cut"][day])).words,
        withdrawn=withdrawn(rows, delivered, calendar.date(day)),
        engine=site.engine,
    )
    batch = build_batch(inputs)
    if earlier := there_already(delivered, calendar.date(day), site.home.drive):
        # Who works with the first folder of a day has its letters already: another holds what is new, and no more.
        fresh, other_lists = news(batch, earlier)
        if not fresh and not other_lists:
            return Made(school.id, "letters", 0, note=f"delivered already{note}")
        batch = build_batch(replace(inputs, rows=[r for r in printed if r.reference in fresh]))
    audiences = class_audiences(batch.classes)
    files = {"office": batch.office, "restricted": batch.restricted}
    files |= {audiences[name]: content for name, content in batch.classes.items()}
    folders = put(site, school, day, "letters", files, run, {"office": remembered(batch)})
    return Made(school.id, "letters", batch.letters, folders, f"{batch.held} held{note}")


def governors(site: Site, key: str, run: str) -> list[Made]:
    """The governor report of a half-term, in every school whose calendar has it and that has marks in it; and of all
    of them together, where they are several. The trust waits for a school whose report failed."""
    benchmarks = published_of(site.home)
    reports = each_school(site, GOVERNOR_REPORT, lambda school: _governors(site, school, key, benchmarks, run))
    out = [report.made for report in reports if report.made]
    given = [report.given for report in reports if report.given]
    waiting, failed = sum(report.waiting for report in reports), len(site.schools()) - len(reports)
    without = [report.school.name for report in reports if report.without_marks]
    if len(given) > 1:
        # Some at the end of the half-term and some on the way to it, or failed: the trust waits for the others.
        if failed or 0 < waiting < len(given):
            note = f"waits for {plural(waiting + failed, 'school')}"
            out.append(Made(trust_folder(site.home), GOVERNORS, 0, note=note))
        else:
            out.append(_trust(site, given, benchmarks, run, without))
    return out


@dataclass(frozen=True)
class _Report:
    """One school's part in a half-term's reports: what was delivered, what the trust's report is made from, whether
    that waits for it, and whether it has no marks at all yet."""

    school: School
    made: Made | None = None
    given: GovernorInputs | None = None
    waiting: bool = False
    without_marks: bool = False


def _governors(site: Site, school: School, key: str, benchmarks: Benchmarks, run: str) -> _Report:
    found, half = newest(site, school), half_term(school, key)
    if found is None:
        return _Report(school, without_marks=True)  # nobody knows when it will have marks: the trust does not wait
    if half is None or found[1] < half.first:
        return _Report(school, waiting=half is not None)
    end = min(half.last, found[1])
    one = governor_inputs(site, school, half, end)
    page = governor_page(one, benchmarks.compare(one.day, one.phase, one.local_authority))
    files = governor_files(page, one.day)
    folders = put(site, school, end, GOVERNORS, {GOVERNORS: files}, run)
    made = Made(school.id, GOVERNORS, len(files), folders, chart=_chart(page))
    return _Report(school, made, one, waiting=end < half.last)


def governor_inputs(
    site: Site, school: School, half: HalfTerm, end: int, evening: dt.date | None = None
) -> GovernorInputs:
    """What a school's report is made from, up to day `end` of a half-term; by what an `evening` knew, or now."""
    return GovernorInputs.from_derived(
        derived(site, school, int(school.calendar.year_start[end]), end, evening),
        half,
        school_name=school.name,
        phase=school.phase,
        local_authority=school.local_authority,
        as_at=long_date(school.calendar.date(end)),
        evening=evening,
    )


def _trust(
    site: Site, given: Sequence[GovernorInputs], benchmarks: Benchmarks, run: str, without: Sequence[str]
) -> Made:
    """The report of all schools of the home together, in the trust's own folder. `without`: schools without marks."""
    folder, newest_of = trust_folder(site.home), max(given, key=lambda one: one.day)
    page = trust_page(site.home.trust_name or "All schools", given, benchmarks, without=without)
    files = governor_files(page, newest_of.day)
    calendar = newest_of.inputs.calendar
    done = delivery.deliver(
        site.home.drive,
        folder,
        GOVERNORS,
        calendar.year_names[calendar.year[newest_of.last]],
        newest_of.day,
        GOVERNORS,
        files,
        run=run,
        policy=", ".join(sorted({f"{one.inputs.policy.name} {one.inputs.policy.version}" for one in given})),
        as_at=max(site.register_as_at(school) for school in site.schools()),
    )
    path = done.path.relative_to(site.home.drive).as_posix()
    with site.warehouse.begin(folder) as conn:
        deliveries.record_delivery(conn, folder, path, GOVERNORS, newest_of.day, done.manifest_sha256)
    return Made(folder, GOVERNORS, len(files), (done.path,), chart=_chart(page))


def _chart(page: Mapping[str, Any]) -> str:
    """The page's first chart as Markdown: it holds what the report shows, and no more."""
    return as_markdown(page["trend"]["svg"]) if page["trend"] else ""

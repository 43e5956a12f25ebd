"""Runs of the jobs in this process, recorded in the home's Dagster instance so that its UI shows them.

Belongs here: which jobs make up a night, a backfill and a first term, and what they are told. Not here: what a job does
(`schedules/jobs.py`, `assets/`), what is due (`steps/plan.py`), and what a command prints (`cli.py`).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from attendance_pipeline.advice import NO_MEMORY, OWN_WORDS, advice_on
from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.event_log import quick_event_log
from attendance_pipeline.home import DAGSTER_PASSWORD_VARIABLE, Home
from attendance_pipeline.law.settings_errors import SettingsError
from attendance_pipeline.letters.decisions import Wanted
from attendance_pipeline.one_at_a_time import alone
from attendance_pipeline.steps.decided import Written, write_decisions
from attendance_pipeline.steps.impact import reports
from attendance_pipeline.steps.intake import has_inbox, left_in_inbox, something_in_inbox
from attendance_pipeline.steps.morning_files import morning_listing
from attendance_pipeline.steps.plan import (
    date_at,
    default_day,
    governor_reports_due,
    half_term,
    newest_day,
    newest_half_term,
    night,
    school_day,
    school_days,
    trust_folder,
)
from attendance_pipeline.steps.propose import propose
from attendance_pipeline.steps.school_year import years_wanted
from attendance_pipeline.steps.site import Site, open_site
from attendance_pipeline.steps.telling import COMMAND as BY_COMMAND
from attendance_pipeline.steps.telling import Failed, failed_by, night_done, night_failed
from attendance_pipeline.steps.troubles import open_troubles, told, troubles_of_run
from attendance_pipeline.store import deliveries, ledger, quarantine
from attendance_pipeline.store.impact import StoredReport
from attendance_pipeline.store.troubles import Trouble
from attendance_pipeline.whole_files import write_whole
from schedules.jobs import DERIVED, EVERY_SCHOOL_WELL, backfill, governor_report, morning, nightly, take_in_extracts
from schedules.telling import STOPPED, failures_of
from schedules.timetable import COMMAND, ROUNDS, range_tags

Say = Callable[[str], None]
# What Dagster raises where its SQLite files or its dagster.yaml are damaged.
_OF_DAMAGED_RECORDS = (
    *("DatabaseError", "OperationalError", "DagsterInvalidConfigError", "ParserError", "ScannerError", "ReaderError"),
)
AT_THE_COMMAND_LINE = "when `attendance nightly` is started the next time"
NOT_YET_SAID = "not-yet-said.json"  # in the private state: names of files and references, no pupil's value
# Each step writes some lines of log for every day of a range; nobody reads those at a command line.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

INSTANCE = """\
# Dagster's own settings for this home. Written once; yours to change.
telemetry:
  enabled: false
nux:
  enabled: false  # no invitation to a newsletter
# One run at a time: two would only wait for each other's transactions.
concurrency:
  runs:
    max_concurrent_runs: 1
# A run whose process was killed would otherwise hold that one place for ever. No run lasts nearly as long.
run_monitoring:
  enabled: true
  max_runtime_seconds: 14400
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      failure: 30
      success: 90
"""


# Where Dagster's storage is, with the password, for Dagster's own programs: told in the environment, written nowhere.
STORAGE_VARIABLE = "ATTENDANCE_DAGSTER_STORAGE"
_NOT_ANSWERED = ("OperationalError", "DagsterPostgresException")
_STORAGE_HEAD = "# From dagster.storage in attendance.toml; the address and its password are told in the environment.\n"
_STORAGE = f"""{_STORAGE_HEAD}storage:
  postgres:
    postgres_url:
      env: {STORAGE_VARIABLE}
"""


class RunFailed(RuntimeError):
    """A run did not succeed. The message names job, step and kind of error; the UI has the rest. `failures`: what
    failed, for whoever is told; none where no run could begin."""

    def __init__(self, message: str, failures: Sequence[Failed] = ()) -> None:
        super().__init__(message)
        self.failures = tuple(failures)


@dataclass(frozen=True)
class Outcome:
    """What came of a command, all in counts.

    `days`: first and last school day that was derived, None when there was none. `made`: by asset how many of what it
    makes. `folders`: new folders on the drive by what is in them. `set_aside`, `held`: quarantine rows and held letters
    that were not there before; `in_quarantine`, `all_held`: those there are now. `left_in_inbox`: files that wait or
    cannot be taken. `no_inbox`: schools whose inbox is not there. `letters`: by kind and state. `years_wanted`: of
    schools whose calendar ends, what to do, in words. `impact`: the impact reports that were delivered. `troubles`:
    what went wrong with single schools while the others went on.
    """

    days: tuple[dt.date, dt.date] | None = None
    derived: int = 0
    made: Mapping[str, int] = field(default_factory=dict)
    folders: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    set_aside: int = 0
    held: int = 0
    in_quarantine: int = 0
    all_held: int = 0
    left_in_inbox: int = 0
    no_inbox: Sequence[str] = ()
    letters: Mapping[tuple[str, str], int] = field(default_factory=dict)
    years_wanted: Sequence[str] = ()
    impact: Sequence[StoredReport] = ()
    troubles: Sequence[Trouble] = ()

    @property
    def unsupported(self) -> int:
        """Letters that were sent and that the marks support no more, by what was corrected now."""
        return sum(report.content["unsupported_letters"] for report in self.impact)

    @property
    def needs_a_person(self) -> bool:
        """Whether something is new since the command began that somebody has to look at."""
        return bool(self.set_aside or self.held or self.unsupported)


def prepare_instance(home: Home) -> Path:
    """The folder of the home's Dagster instance, with settings of its own; made on first use.

    Where dagster.storage was set or taken away since, the settings follow; the rest of them is the home's to change.
    """
    folder = home.dagster_home
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "dagster.yaml"
    # An empty one is what a power cut leaves: Dagster would take it for its own defaults.
    before = (file.read_text(encoding="utf-8", errors="replace") if file.exists() else "") or None
    text = (INSTANCE if before is None else before).replace(_STORAGE, "")
    if home.dagster_storage is not None:
        if re.search(r"(?m)^storage:", text):
            expected = "no storage of its own beside dagster.storage in attendance.toml: take one of the two away"
            raise SettingsError(file, "storage", expected)
        text = text.rstrip("\n") + "\n" + _STORAGE
        os.environ[STORAGE_VARIABLE] = home.dagster_storage.render_as_string(hide_password=False)
    if text != before:
        write_whole(file, text.encode("utf-8"))
    return folder


def made_instance(home: Home) -> Path:
    """The same with its stores in it: two programs that make those at one moment leave some that neither can open."""
    with instance_of(home):
        return home.dagster_home


@contextmanager
def instance_of(home: Home) -> Iterator[dg.DagsterInstance]:
    """The home's Dagster instance, open. Raises RunFailed where the server of its storage does not answer."""
    folder = prepare_instance(home)
    try:
        instance = dg.DagsterInstance.from_config(str(folder))
    except Exception as error:
        if home.dagster_storage is None or type(error).__name__ not in _NOT_ANSWERED:
            raise
        where = home.dagster_storage.render_as_string(hide_password=True)
        raise RunFailed(
            f"Dagster's storage at {where} (dagster.storage) cannot be used: see that its server runs, that it has "
            f"this database, and that the account and its password ({DAGSTER_PASSWORD_VARIABLE}) are right. Nothing "
            "was done"
        ) from error
    with instance:
        yield instance


@contextmanager
def _records_of_dagster(home: Home) -> Iterator[None]:
    """Raises RunFailed where Dagster's own files in the home are damaged, and says what to do."""
    try:
        yield
    except Exception as error:
        # The failure of a step is in its run's result and does not come here.
        if home.dagster_storage is not None or type(error).__name__ not in _OF_DAMAGED_RECORDS:
            raise
        raise RunFailed(
            f"Dagster's own records in {home.dagster_home} cannot be used ({type(error).__name__}): stop the program, "
            "see that their disk is not full and that this account may write there; where they are damaged, move that "
            "folder away (no mark and no letter is in it). Then run again",
            [failed_by(nightly.name, nightly.name, error)],
        ) from error


@dataclass
class Runner:
    """Runs jobs of one home. `command` is the tag by which the UI shows who started them; `say` tells progress."""

    home: Home
    command: str
    say: Say = lambda text: None
    made: Counter[str] = field(default_factory=Counter)

    @cached_property
    def _definitions(self) -> dg.Definitions:
        return build_definitions(self.home.path)

    def run(
        self,
        job: str,
        *,
        days: Sequence[dt.date] = (),
        partition: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Run a job over the days (first to last, both included) or of one partition. Raises RunFailed."""
        tags = {COMMAND: self.command}
        if days:
            tags |= range_tags(days[0].isoformat(), days[-1].isoformat())
        # Dagster's days end today; a demonstration and a rehearsal may lie ahead.
        latest = max([*days, dt.date.today()]) + dt.timedelta(days=1)  # noqa: DTZ011  # the day after, in any zone
        effective = dt.datetime(latest.year, latest.month, latest.day, 12, tzinfo=dt.UTC)
        run_id = str(uuid.uuid4())
        with (
            _records_of_dagster(self.home),
            instance_of(self.home) as instance,
            nullcontext() if self.home.dagster_storage else quick_event_log(self.home.dagster_home, run_id),
            dg.partition_loading_context(effective_dt=effective),
        ):
            result = self._definitions.resolve_job_def(job).execute_in_process(
                instance=instance,
                run_id=run_id,
                tags=tags,
                partition_key=partition,
                run_config={**QUIET, **(config or {})},
                raise_on_error=False,
            )
        if not result.success:
            failed = [e for e in result.all_events if e.is_step_failure]
            # Ctrl-C, which Dagster takes for a failure of the step or, between two steps, of the run.
            if any(_was_stopped(e) for e in result.all_events):
                raise KeyboardInterrupt
            if not failed or any(not (e.step_key or "").endswith(EVERY_SCHOOL_WELL) for e in failed):
                words = "; ".join(_failure(e) for e in failed) or "the run did not start"
                raise RunFailed(f"{job}: {words}", failures_of(job, failed, "the run did not start"))
            # Single schools failed and the others are done: what follows is for those (`Outcome.troubles`).
        for event in result.get_asset_materialization_events():
            entry = event.materialization.metadata.get("dagster/row_count")
            rows = entry.value if entry is not None else None
            if isinstance(rows, int):
                self.made[event.materialization.asset_key.to_user_string()] += rows


_OF_THE_SYSTEM = re.compile(r"\S+: \[Errno (?P<number>\d+)\][^']*(?:'(?P<place>[^']*)')?")


def _was_stopped(event: dg.DagsterEvent) -> bool:
    if event.is_step_failure:
        error = event.step_failure_data.error
    elif event.event_type == dg.DagsterEventType.RUN_FAILURE:
        error = event.job_failure_data.error
    else:
        return event.event_type == dg.DagsterEventType.RUN_CANCELED
    while error is not None and error.cls_name not in STOPPED:
        error = error.cause
    return error is not None


def _failure(event: dg.DagsterEvent) -> str:
    """Step, kind and what to do: of the first error whose words are our own, else of the one that began it."""
    error = event.step_failure_data.error
    while error is not None and error.cls_name not in OWN_WORDS and error.cause is not None:
        error = error.cause
    kind = (error.cls_name if error else None) or "unknown error"
    words = ""
    if error is not None and kind in OWN_WORDS:
        words = re.sub(r"^\S+: (\[Errno \d+\] )?", ": ", error.message.strip())
    elif error is not None and (found := _OF_THE_SYSTEM.match(error.message)):
        words = f": {advice_on(int(found['number']), found['place'] or '')}"
    elif kind.endswith("MemoryError"):
        words = f": {NO_MEMORY}"
    return f"{event.step_key} failed ({kind}){words}"


@contextmanager
def _telling(home: Home, say: Say, morning_of: dt.date | None = None) -> Iterator[None]:
    """Tell of a night at its end, well or failed: the note on the drive, mail and webhook. Telling fails no night.

    `morning_of`: the note is written as on this morning, for a demonstration; else it is of now.
    """

    def tell(failures: Sequence[Failed] | None) -> None:
        at = dt.datetime.now(dt.UTC)
        if morning_of is not None:
            zone = ZoneInfo(home.time_zone)
            at = dt.datetime(morning_of.year, morning_of.month, morning_of.day, 2, 40, tzinfo=zone)
        if failures:
            problems = night_failed(home.path, failures, at, AT_THE_COMMAND_LINE)
        else:
            problems = night_done(home.path, at, BY_COMMAND, AT_THE_COMMAND_LINE)
        for problem in problems:
            say(f"Not told: {problem}")

    try:
        yield
    except RunFailed as failed:
        tell(failed.failures or [failed_by(nightly.name, nightly.name, failed)])
        raise
    except Exception as error:
        tell([failed_by(nightly.name, nightly.name, error)])
        raise
    tell(None)


def run_nightly(home: Home, day: dt.date | None, say: Say, command: str = "nightly") -> Outcome:
    """Take in the extracts, then everything that is due up to `day` (None: the latest school day with marks), and tell
    of it."""
    with _telling(home, say, day + dt.timedelta(days=1) if day and command == "demo" else None):
        return _run_nightly(home, day, say, command)


def _refuse_an_early_clock(home: Home, day: dt.date | None) -> None:
    """Raises RunFailed where nothing is due only because this machine takes now for long ago."""
    with open_site(home.path) as site:
        newest, today = newest_day(site), date_at(site, dt.datetime.now(dt.UTC))
    if day is None and newest is not None and today < newest:
        words = (
            f"this machine's clock says {today}, and the register has marks up to {newest}: set the clock, then run "
            "again. The extracts are taken in; nothing else was done"
        )
        raise RunFailed(words, [failed_by(nightly.name, nightly.name, RunFailed(words))])


def _run_nightly(home: Home, day: dt.date | None, say: Say, command: str) -> Outcome:
    runner = Runner(home, command, say)
    with alone(home, command, say), _counting(home, runner) as count:
        say("Taking in extracts")
        runner.run(take_in_extracts.name)
        with open_site(home.path) as site:
            chosen = default_day(site, dt.datetime.now(dt.UTC)) if day is None else school_day(site, day)
            found = night(site, chosen)
        days = found.days
        if not days:
            _refuse_an_early_clock(home, day)
            say("There are no marks yet: nothing is due.")
            return count(())
        if found.corrected:
            say(f"{_number(found.corrected, 'corrected school day')}, the first {found.corrected[0]}")
        say(f"Deriving {_spoken(days)}, then letters and worklists")
        runner.run(nightly.name, days=days)
        with open_site(home.path) as site:
            # Read on the morning after: of a night that is rehearsed, the one after that day.
            today = date_at(site, dt.datetime.now(dt.UTC)) if day is None else day + dt.timedelta(days=1)
            due = [what for what in ROUNDS if what.due(site, today)]
            half_terms = governor_reports_due(site)
        for what in due:
            say(what.said)
            runner.run(what.job.name, config=what.config(today))
        for key in half_terms:
            say(f"Governor report of {key}")
            runner.run(governor_report.name, partition=key)
    return count(days)


def run_morning(home: Home, day: dt.date | None, say: Say) -> Outcome:
    """This morning's phone list from what lies in the inboxes (`day` None: today); takes nothing in."""
    runner = Runner(home, "morning", say)
    with alone(home, "morning", say), _counting(home, runner) as count:
        with open_site(home.path) as site:
            today = date_at(site, dt.datetime.now(dt.UTC)) if day is None else day
            for school in site.schools():
                if school.calendar.index(today) is None:
                    say(f"{school.name}: {today} is no school day")
                elif not any(f.kind == "register" for f in morning_listing(school)):
                    say(f"{school.name}: no register extract lies in the inbox")
        say(f"Reading the morning's extracts of {today}")
        runner.run(morning.name, config={"ops": {"phone_lists": {"config": {"today": today.isoformat()}}}})
    return count(())


def run_governor_report(home: Home, key: str | None, say: Say) -> Outcome:
    """The governor report of a half-term (None: that of the newest day), now. Raises KeyError for no such half-term."""
    runner = Runner(home, "governors", say)
    with alone(home, "governors", say), _counting(home, runner) as count:
        with open_site(home.path) as site:
            chosen = newest_half_term(site) if key is None else key
            if key is not None and all(half_term(school, key) is None for school in site.schools()):
                raise KeyError(key)
        if chosen is None:
            say("No day is done yet: there is nothing to report.")
            return count(())
        say(f"Governor report of {chosen}")
        runner.run(governor_report.name, partition=chosen)
    return count(())


@dataclass(frozen=True)
class DecisionsMade:
    """What came of decisions about letters: how they were written, and each letter's state now with its reason."""

    written: Written
    states: Mapping[str, tuple[str, str]]


def run_decisions(home: Home, wanted: Sequence[Wanted], today: dt.date, say: Say) -> DecisionsMade:
    """Write decisions into the log, take it in, and bring the ledger up to them."""
    with alone(home, "letters", say):
        began = _moment()
        with open_site(home.path) as site:
            site.warehouse.upgrade()
            written = write_decisions(site, wanted, today)
        if written.files:
            say("Taking the decisions in")
            Runner(home, "letters", say).run(take_in_extracts.name)
            say("Bringing the ledger up to them")
        with open_site(home.path) as site:
            if written.files:
                propose(site, just_decided=True)
            with site.warehouse.read() as conn:
                rows = ledger.read_letters(conn, references=[w.reference for w in wanted])
            schools = {r["school"] for r in rows}
            if unwell := [t for t in {*_troubles(site, began), *troubles_of_run(site)} if t.school in schools]:
                raise RunFailed(
                    "the decisions are in the log and count from the next night on that works: "
                    + "; ".join(told(home, unwell))
                )
    return DecisionsMade(written, {r["reference"]: (r["state"], r["reason"]) for r in rows})


def run_backfill(
    home: Home, first: dt.date, last: dt.date, as_recorded: bool, say: Say, command: str = "backfill"
) -> Outcome:
    """Derive the school days first to last again, in one run. Extracts in the inbox are taken in before.

    Days after the newest one with marks are left out: letters and lists are of the newest day that is derived.
    """
    runner = Runner(home, command, say)
    with alone(home, command, say), _counting(home, runner) as count:
        if something_in_inbox(home):
            say("Taking in extracts")
            runner.run(take_in_extracts.name)
        with open_site(home.path) as site:
            # A day to come is derived when marks speak of it, and not from nothing.
            until = min(last, max(newest_day(site) or dt.date.min, date_at(site, dt.datetime.now(dt.UTC))))
            days = school_days(site, first, until)
        if not days:
            say("Those days have not come yet: nothing to derive.")
            return count(())
        say(f"Deriving {_spoken(days)}{', each from what was known on it' if as_recorded else ''}")
        config = {"ops": {name: {"config": {"as_recorded": as_recorded}} for name in DERIVED}}
        runner.run(backfill.name, days=days, config=config)
    return count(days)


def _number(days: Sequence[dt.date], what: str) -> str:
    return f"{len(days)} {what}{'' if len(days) == 1 else 's'}"


def _spoken(days: Sequence[dt.date]) -> str:
    return f"school day {days[0]}" if len(days) == 1 else f"{len(days)} school days, {days[0]} to {days[-1]}"


@contextmanager
def _counting(home: Home, runner: Runner) -> Iterator[Callable[[Sequence[dt.date]], Outcome]]:
    """Gives a function that says what became new since the beginning, or since that of a command that never said."""
    began, before = _moment(), _before(home)

    def count(days: Sequence[dt.date]) -> Outcome:
        with open_site(home.path) as site:
            held, folders = _held(site), _folders(site)
            aside = {s.id: _quarantine(site, s.id) for s in site.schools()}
            known = {school: {tuple(key) for key in keys} for school, keys in before["aside"].items()}
            new: dict[str, list[Path]] = {}
            for path in sorted(set(folders) - set(before["folders"])):
                new.setdefault(folders[path], []).append(home.drive / path)
            outcome = Outcome(
                days=(days[0], days[-1]) if days else None,
                derived=len(days),
                made=dict(runner.made),
                folders=new,
                set_aside=sum(len(keys - known.get(school, set())) for school, keys in aside.items()),
                held=len(held - set(before["held"])),
                in_quarantine=sum(map(len, aside.values())),
                all_held=len(held),
                left_in_inbox=left_in_inbox(home),
                no_inbox=[school.id for school in home.schools if not has_inbox(school)],
                letters=_letters(site),
                years_wanted=years_wanted(site, date_at(site, dt.datetime.now(dt.UTC))),
                impact=reports(site, after=before["impact"]),
                troubles=_troubles(site, began),
            )
        (home.state / NOT_YET_SAID).unlink(missing_ok=True)
        return outcome

    yield count


def _before(home: Home) -> dict[str, Any]:
    """What was held, delivered and set aside before; kept in a file until it is said what came since.

    A command that was killed or failed has said nothing of the rows that it set aside: the next one says it.
    """
    file = home.state / NOT_YET_SAID
    if (unsaid := _unsaid(file)) is None:
        with open_site(home.path) as site:
            before = {
                "held": sorted(_held(site)),
                "folders": sorted(_folders(site)),
                "aside": {s.id: sorted(map(list, _quarantine(site, s.id))) for s in site.schools()},
                "impact": {report.school: report.id for report in reports(site)},
            }
        write_whole(file, json.dumps(before).encode("utf-8"))
        unsaid = _unsaid(file)
    return unsaid or {}


def _unsaid(file: Path) -> dict[str, Any] | None:
    """What the file of a command that never said holds; None when there is none, or it is no such file any more."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {key: found[key] for key in ("held", "folders", "aside", "impact")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _moment() -> dt.datetime:
    """Now, as the warehouse keeps times."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)


def _troubles(site: Site, since: dt.datetime) -> list[Trouble]:
    """What went wrong with single schools since a moment and is not over, by school."""
    return sorted((t for t in open_troubles(site) if t.last_at >= since), key=lambda t: (t.school, t.id))


def _held(site: Site) -> set[str]:
    with site.warehouse.read() as conn:
        return {r["reference"] for r in ledger.read_letters(conn, states=["held"])}


def _letters(site: Site) -> Mapping[tuple[str, str], int]:
    with site.warehouse.read() as conn:
        return Counter((r["kind"], r["state"]) for r in ledger.read_letters(conn))


def _folders(site: Site) -> dict[str, str]:
    with site.warehouse.read() as conn:
        places = [*(s.id for s in site.schools()), trust_folder(site.home)]
        return {d["path"]: d["what"] for place in places for d in deliveries.read_deliveries(conn, place)}


def _quarantine(site: Site, school: str) -> set[tuple[object, ...]]:
    with site.warehouse.read() as conn:
        return quarantine.keys(conn, school)


def daemon_heard(home: Home) -> dt.datetime | None:
    """When a part of Dagster's daemon of this home last said that it lives (UTC); None when none ever has."""
    if not (home.dagster_home / "dagster.yaml").exists():
        return None
    with instance_of(home) as instance:
        beats = [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]
    return dt.datetime.fromtimestamp(max(beats), dt.UTC) if beats else None

"""Telling: the note of the morning, and the messages of failure, lateness and silence.

Belongs here: finding out what is to be told, putting the note on the drive (or into the state, where there is no
drive), sending what was not sent before, and remembering it. Not here: words (`reports/morning_note.py`,
`reports/failures.py`), protocols (`sending.py`), and when it is done (`schedules/telling.py`, `running.py`).

Nothing here may end a night: what cannot be told is given back in words, for the log, and tried again the next time.
Nothing here is of a pupil.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from filelock import Timeout

from attendance_pipeline import delivery, sending
from attendance_pipeline.answering import DoesNotAnswerError, within
from attendance_pipeline.home import Home, School, open_home
from attendance_pipeline.home_settings import (
    MAIL_PASSWORD_VARIABLE,
    PING_URL_VARIABLE,
    WEBHOOK_SECRET_VARIABLE,
    WEBHOOK_URL_VARIABLE,
    AddressSetting,
    TellingSetting,
)
from attendance_pipeline.law.settings_errors import SettingsError
from attendance_pipeline.mis.inbox import names_in
from attendance_pipeline.reports.failures import chain_of, kind_of, own_words
from attendance_pipeline.reports.morning_note import (
    NOT_FINISHED,
    Matter,
    Night,
    Note,
    SchoolNight,
    Trouble,
    matters,
    message,
    moment,
    note_files,
    school_note,
    trouble_key,
    trust_note,
)
from attendance_pipeline.steps.intake import has_inbox
from attendance_pipeline.steps.plan import trust_folder
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.told import NOTES, Failing, Memory, local, read, remembering, utc
from attendance_pipeline.store.nights import Counted, count_night
from attendance_pipeline.store.troubles import open_troubles
from attendance_pipeline.whole_files import write_whole

AUDIENCE, WHAT = "data-manager", "this-morning"
MAIL, WEBHOOK, PING = "mail", "webhook", "ping"
DAEMON, COMMAND = "daemon", "command"
SETTINGS = "settings"  # as the step that fails when a home cannot be opened
_AFTERNOON = 15  # a night that is finished after this hour was of that same day
_AT_ONCE = 8  # notes
_KEPT_DAYS = 7  # what works again and could not be told is tried for so long
# While the database is away it is not asked again.
_NOT_ASKED = ("database-away", "database-damaged", "database-newer", "database-set-back", "database-busy", "settings")


@dataclass(frozen=True)
class Failed:
    """A failure as it was met. `job`, `step`: their names; `chain`: class and message of the error and its causes, of
    which no more is told than the kind and words that are our own."""

    job: str
    step: str
    chain: Sequence[tuple[str, str]]
    school: str = ""


def failed_by(job: str, step: str, error: BaseException) -> Failed:
    """A failure by an error that was raised here."""
    return Failed(job, step, chain_of(error))


@dataclass(frozen=True)
class Setup:
    """What is needed in order to tell, kept for the night on which the settings cannot be read. `schools`: id to name;
    `trust_folder`: "" for a single school; `home`: where the home was when they were kept."""

    home: str
    trust: str
    trust_folder: str
    time_zone: str
    drive: str
    schools: Mapping[str, str]
    telling: TellingSetting

    @classmethod
    def of(cls, home: Home) -> Setup:
        """As the settings say."""
        several = len(home.schools) > 1
        return cls(
            str(home.path.resolve()),
            home.trust_name,
            trust_folder(home) if several else "",
            home.time_zone,
            str(home.drive),
            {s.id: s.name for s in home.schools},
            home.settings.telling,
        )

    @classmethod
    def kept(cls, kept: Mapping[str, Any]) -> Setup | None:
        """As it was kept; None when there is nothing of use."""
        try:
            return cls(**{**kept, "telling": TellingSetting.model_validate_json(kept["telling"])})
        except (KeyError, TypeError, ValueError):
            return None

    @classmethod
    def kept_here(cls, kept: Mapping[str, Any], state: Path) -> Setup | None:
        """As it was kept by the home in which it lies: a copy of a home must not write on the drive of the first."""
        setup = cls.kept(kept)
        return setup if setup and Path(setup.home) == state.resolve().parent else None

    def to_keep(self) -> dict[str, Any]:
        return {**vars(self), "schools": dict(self.schools), "telling": self.telling.model_dump_json()}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


# ---------------------------------------------------------------- what happened


def night_done(path: Path, at: dt.datetime, by: str, next_attempt: str = "", others: Collection[str] = ()) -> list[str]:
    """A night has been finished at a moment (aware): remember it, call the ping, renew the notes, tell what is new.

    `others`: jobs that are tried again by themselves: what failed in one is over when that one has worked (`job_done`).
    Gives what could not be told, in words.
    """

    def change(memory: Memory, home: Home | None) -> None:
        memory.good, memory.since, memory.by = utc(at), memory.good, by
        _over(memory, lambda f: f.job not in others, at, _zone_of(home, memory))

    return _told(path, at, change, next_attempt)


def job_done(path: Path, job: str, at: dt.datetime) -> list[str]:
    """A job has worked: what failed in it is over. Does nothing when nothing did."""
    if not any(f.job == job for f in read(path / "state").failing.values()):
        return []

    def change(memory: Memory, home: Home | None) -> None:
        _over(memory, lambda f: f.job == job, at, _zone_of(home, memory))

    return _told(path, at, change, "")


def night_failed(path: Path, failures: Sequence[Failed], at: dt.datetime, next_attempt: str = "") -> list[str]:
    """Something failed at a moment (aware): remember it, tell it, renew the notes. Gives what could not be told."""

    def change(memory: Memory, home: Home | None) -> None:
        zone = _zone_of(home, memory)
        for failure in failures:
            _note_failing(memory, failure, at, zone)

    return _told(path, at, change, next_attempt)


def morning(path: Path, at: dt.datetime, next_attempt: str = "") -> list[str]:
    """Renew the notes as things are at a moment (aware), and tell what was not told. Gives what could not be told."""
    return _told(path, at, lambda memory, home: None, next_attempt)


def clock_of(path: Path) -> tuple[ZoneInfo, int]:
    """The time zone of a home, and the hour by which its note is due: as they were at the last telling, which is quick
    to ask; else as the settings say, else England's."""
    setup = Setup.kept(read(path / "state").setup)
    if setup is None:
        try:
            setup = Setup.of(open_home(path))
        except SettingsError:
            return ZoneInfo("Europe/London"), TellingSetting().note_by_hour
    return setup.zone, setup.telling.note_by_hour


def _note_failing(memory: Memory, failure: Failed, at: dt.datetime, zone: ZoneInfo) -> None:
    kind, own = kind_of(failure.chain), own_words(failure.chain)
    key = " ".join(filter(None, ["failed", failure.school, failure.step, kind]))
    before = memory.failing.get(key)
    if before is None:
        memory.failing[key] = Failing(failure.job, failure.step, kind, own, failure.school, utc(at), utc(at))
        return
    last = local(before.last, zone)
    another_night = last is None or last.date() != at.astimezone(zone).date()
    memory.failing[key] = replace(before, own=own, last=utc(at), times=before.times + another_night)


def _over(memory: Memory, which: Callable[[Failing], bool], at: dt.datetime, zone: ZoneInfo) -> None:
    """What worked again is told once more, also when the failure itself could not be told."""
    for key, failing in list(memory.failing.items()):
        if which(failing):
            del memory.failing[key]
            trouble = _trouble(failing, zone)
            words = (
                f"Works again since {moment(at.astimezone(zone))}: {trouble.title}, first on {moment(trouble.first)}."
            )
            memory.recovered[f"{key} {failing.first}"] = {"words": words, "at": utc(at)}


def _over_by_itself(memory: Memory, night: Night) -> None:
    """What is not remembered as failing but found (a school's trouble, a night that was not finished) and is found no
    more works again."""
    if night.uncounted:
        return
    remembered = {key.split(" ", 1)[1] for key in memory.failing}
    now = {}
    for trouble in [*night.troubles, *(t for s in night.schools for t in s.troubles)]:
        if (key := trouble_key(trouble)).split(" ", 1)[1] not in remembered:
            name = next((f"{s.name}: " for s in night.schools if s.id == trouble.school), "")
            now[key] = f"{name}{trouble.title}, first on {moment(trouble.first)}"
    for key, words in memory.found.items():
        if key not in now:
            again = f"Works again since {moment(night.at)}: {words}."
            memory.recovered[f"{key} {utc(night.at)}"] = {"words": again, "at": utc(night.at)}
    memory.found = now


def _zone_of(home: Home | None, memory: Memory) -> ZoneInfo:
    kept = Setup.kept(memory.setup)
    return ZoneInfo(home.time_zone) if home else kept.zone if kept else ZoneInfo("Europe/London")


def _trouble(failing: Failing, zone: ZoneInfo) -> Trouble:
    first, last = (dt.datetime.fromisoformat(at).astimezone(zone) for at in (failing.first, failing.last))
    return Trouble(failing.school, failing.step, failing.kind, failing.own, first, last, failing.times)


# ---------------------------------------------------------------- telling it


def _told(path: Path, at: dt.datetime, change: Callable[[Memory, Home | None], None], next_attempt: str) -> list[str]:
    state = path / "state"
    try:
        home: Home | None = open_home(path)
    except SettingsError as error:
        home, wrong = None, failed_by(SETTINGS, SETTINGS, error)
        if Setup.kept_here(read(state).setup, state) is None:  # perhaps no home at all: nothing is made in the folder
            return ["the settings cannot be read, and never were before: nobody is told"]
    problems: list[str] = []
    try:
        with remembering(state) as memory:
            change(memory, home)
            if home is not None:
                _over(memory, lambda f: f.kind == SETTINGS, at, ZoneInfo(home.time_zone))
            else:
                # The step that met it first stands for it, and not a second time each morning.
                known = next((f for f in memory.failing.values() if f.kind == SETTINGS), None)
                met = wrong if known is None else replace(wrong, job=known.job, step=known.step)
                _note_failing(memory, met, at, _zone_of(None, memory))
            _tell(home, state, memory, at, next_attempt, problems)
            memory.not_told = problems
    except Timeout:
        problems.append("another telling of this home does not end: nothing was told by this one")
    except OSError as error:
        problems.append(f"what was told could not be remembered in state/ ({error.strerror or type(error).__name__})")
    except Exception as error:  # a fault here must not end a night that is done
        problems.append(f"the note could not be made ({type(error).__name__})")
    return problems


def _tell(
    home: Home | None, state: Path, memory: Memory, at: dt.datetime, next_attempt: str, problems: list[str]
) -> None:
    setup = Setup.of(home) if home else Setup.kept_here(memory.setup, state)
    if setup is None:
        problems.append("the settings cannot be read, and never were before: nobody is told")
        return
    memory.setup = setup.to_keep()
    night = look(home, setup, memory, at, next_attempt)
    _over_by_itself(memory, night)
    problems += _send(setup, memory, night, at, _where(setup, state))
    problems += _write_notes(home, setup, state, replace(night, not_told=tuple(problems)))


def _where(setup: Setup, state: Path) -> str:
    """Where the note lies that speaks of everything."""
    folder = Path(setup.drive)
    if not _is_there(folder):
        return str(state / NOTES)
    return str(folder / (setup.trust_folder or next(iter(setup.schools))) / AUDIENCE / WHAT)


def _is_there(folder: Path) -> bool:
    try:
        return within(folder, folder.is_dir)
    except OSError:
        return False


def _write_notes(home: Home | None, setup: Setup, state: Path, night: Night) -> list[str]:
    """One note a school, and one of all where they are several. The one of all comes first: it must not wait."""
    one = len(setup.schools) == 1
    drive, day = Path(setup.drive), night.at.date()
    notes = [] if one else [(setup.trust_folder, trust_note(night))]
    notes += [(school.id, school_note(_for_school(night, home, school), school)) for school in night.schools]

    def put(folder: str, note: Note) -> str:
        """Put a note in its place; gives what went wrong, "" for nothing."""
        year = _year_name(home, folder, day)
        try:
            about = {"run": "", "policy": "", "as_at": ""}
            # Folders of the run that is told of may wait for their names: the next run gives them.
            delivery.deliver_in_place(drive, folder, AUDIENCE, year, day, WHAT, note_files(note), clear=False, **about)
        except OSError as error:
            reason = error.strerror if isinstance(error, delivery.DeliveryError) else type(error).__name__
            return f"the note of {note.school} is not on the drive: {reason}"
        return ""

    first, *rest = notes
    try:
        wrong = within(drive, lambda: put(*first))
        away = bool(wrong) and not within(drive, drive.is_dir)
    except DoesNotAnswerError as error:
        wrong, away = f"the note of {first[1].school} is not on the drive: {error}", True
    if wrong:
        for name, content in note_files(first[1]).items():
            write_whole(state / NOTES / name, content)
    if away:
        return [wrong]
    # A share answers slowly and many at once: it is waited for together.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        problems = [*filter(None, [wrong, *pool.map(lambda note: put(*note), rest)])]
    more = f" (and those of {len(problems) - 1} others)" if len(problems) > 1 else ""
    return [problems[0] + more] if problems else []


def _year_name(home: Home | None, school: str, day: dt.date) -> str:
    """The academic year of a date, as the calendar names it; that of the last school day in the holidays."""
    schools = [s for s in home.schools if s.id == school] or list(home.schools) if home else []
    for one in schools:
        if (number := one.calendar.on_or_before(day)) >= 0:
            return one.calendar.year_names[one.calendar.year[number]]
    return f"{day.year}/{(day.year + 1) % 100:02d}"


def _for_school(night: Night, home: Home | None, school: SchoolNight) -> Night:
    """The same night with the day by which this school's own next note is due."""
    if home is None or len(night.schools) == 1:
        return night
    return replace(night, due=_next_note([home.school(school.id)], night.at, home.settings.telling.note_by_hour))


# ---------------------------------------------------------------- finding out


def look(home: Home | None, setup: Setup, memory: Memory, at: dt.datetime, next_attempt: str = "") -> Night:
    """What is known of the nights at a moment. Changes nothing but what `memory` remembers of new schools."""
    zone = setup.zone
    now = at.astimezone(zone)
    troubles = [_trouble(f, zone) for f in memory.failing.values()]
    for school in setup.schools:
        memory.seen.setdefault(school, now.date().isoformat())
    night = Night(
        trust=setup.trust,
        at=now,
        last_good=local(memory.good, zone),
        since=local(memory.since, zone),
        due=None,
        schools=[],
        next_attempt=next_attempt,
        troubles=[t for t in troubles if not t.school],
    )
    if home is None:
        schools = [SchoolNight(s, name, counted=False, troubles=_of(troubles, s)) for s, name in setup.schools.items()]
        return replace(night, schools=schools, uncounted="the settings cannot be read")
    hour = setup.telling.note_by_hour
    missed, unfinished = _missed(home.schools, night.last_good, min(memory.seen.values()), now, hour)
    if missed and not night.troubles:
        since = night.last_good or now
        night = replace(night, troubles=[Trouble("", "nightly", NOT_FINISHED, "", since, now, missed)])
    night = replace(night, due=_next_note(home.schools, now, hour), missed=missed, unfinished=unfinished, due_hour=hour)
    away = next((t for t in night.troubles if t.kind in _NOT_ASKED), None)
    uncounted, counted = (away.title if away else ""), None
    if not uncounted:
        try:
            counted, more = _count(home, memory, now)
            # Of a single school the failure of its step is the failure of the run, and told as that.
            troubles += more if len(home.schools) > 1 or not night.troubles else []
        except Exception as error:  # whatever the database does now, what failed is told
            kind = kind_of(chain_of(error))
            uncounted = Trouble("", "", kind, "", now, now).title
    schools = [
        _school_night(school, counted.get(school.id) if counted else None, memory, now, setup.telling, troubles)
        for school in home.schools
    ]
    return replace(night, schools=schools, uncounted=uncounted)


def _of(troubles: Iterable[Trouble], school: str) -> list[Trouble]:
    return [t for t in troubles if t.school == school]


def _count(home: Home, memory: Memory, now: dt.datetime) -> tuple[dict[str, Counted], list[Trouble]]:
    since = local(memory.since, dt.UTC)
    begin = dt.datetime(2000, 1, 1) if since is None else since.replace(tzinfo=None)  # noqa: DTZ001  # the warehouse's UTC
    with Site(home) as site, site.warehouse.read() as conn:
        counted = count_night(conn, home.school_ids, begin, now.date() - dt.timedelta(days=1))
        troubles = [
            Trouble(t.school, t.step, kind_of([(t.kind, t.words)]), t.words or _placed(t.kind, t.place),
                    _from_warehouse(t.began_at, now), _from_warehouse(t.last_at, now), t.times)
            for t in open_troubles(conn, home.school_ids)
        ]  # fmt: skip
    return counted, troubles


def _placed(kind: str, place: str) -> str:
    return f"{kind} in {place}" if place else kind


def _from_warehouse(at: dt.datetime, now: dt.datetime) -> dt.datetime:
    return at.replace(tzinfo=dt.UTC).astimezone(now.tzinfo)


def _school_night(
    school: School,
    counted: Counted | None,
    memory: Memory,
    now: dt.datetime,
    telling: TellingSetting,
    troubles: Sequence[Trouble],
) -> SchoolNight:
    own = _of(troubles, school.id)
    calendar = school.calendar
    expected = calendar.on_or_before(now.date() - dt.timedelta(days=1))
    day = calendar.date(expected) if expected >= 0 else None
    if counted is None:
        return SchoolNight(school.id, school.name, expected=day, counted=False, troubles=own)
    if counted.register_day is not None:
        late = expected - calendar.on_or_before(counted.register_day)
    else:
        late = expected - calendar.on_or_after(dt.date.fromisoformat(memory.seen[school.id])) + 1
    done = local(memory.good, now.tzinfo or dt.UTC)
    try:
        no_inbox, left = within(school.inbox.parent, lambda: (not has_inbox(school), _left_since(school, done)))
    except OSError:
        no_inbox, left = True, 0
    return SchoolNight(
        id=school.id,
        name=school.name,
        expected=day,
        register_day=counted.register_day,
        late=max(0, late),
        is_late=late >= telling.late_after_school_days,
        extracts=counted.extracts,
        taken_in=counted.taken_in,
        derived=counted.derived,
        newest=counted.newest,
        delivered=counted.delivered,
        aside=counted.aside,
        newly_aside=counted.newly_aside,
        held=counted.held,
        newly_held=counted.newly_held,
        proposed=counted.proposed,
        failed_checks=counted.failed_checks.get(counted.newest, 0) if counted.newest else 0,
        unsupported=counted.unsupported,
        left_in_inbox=left,
        no_inbox=no_inbox,
        quality_folder=counted.folders.get("data-quality", ""),
        letters_folder=counted.folders.get("letters", ""),
        troubles=own,
    )


def _left_since(school: School, done: dt.datetime | None) -> int:
    """Files in the inbox that were there before the last good night: it could not take them."""
    out = 0
    if done is None:
        return out
    for name in names_in(school.inbox):
        try:
            out += (school.inbox / name).stat().st_mtime < done.timestamp()
        except OSError:
            continue
    return out


def _done_upto(done: dt.datetime) -> dt.date:
    """The last day whose night a night finished at this local time was: of the evening the same day, else the day
    before."""
    return done.date() if done.hour >= _AFTERNOON else done.date() - dt.timedelta(days=1)


def _due_after(day: dt.date, now: dt.datetime, hour: int) -> dt.datetime:
    after = day + dt.timedelta(days=1)
    return dt.datetime(after.year, after.month, after.day, hour, tzinfo=now.tzinfo)


def _next_note(schools: Iterable[School], now: dt.datetime, hour: int) -> dt.datetime | None:
    """When the note after one written now has to be there: on the morning after the next school day."""
    upto = _done_upto(now)
    ahead = [
        s.calendar.date(number)
        for s in schools
        if (number := s.calendar.on_or_after(upto + dt.timedelta(days=1))) < len(s.calendar)
    ]
    return _due_after(min(ahead), now, hour) if ahead else None


def _missed(
    schools: Iterable[School], done: dt.datetime | None, seen: str, now: dt.datetime, hour: int
) -> tuple[int, bool]:
    """School days whose night should be over and that no finished night has followed; and whether last night's is
    still to come."""
    upto = dt.date.fromisoformat(seen) - dt.timedelta(days=1) if done is None else _done_upto(done)
    last = now.date() - dt.timedelta(days=1)
    missed: set[dt.date] = set()
    for school in schools:
        calendar = school.calendar
        first, end = calendar.on_or_after(upto + dt.timedelta(days=1)), calendar.on_or_before(last) + 1
        missed.update(calendar.date(i) for i in range(first, end))
    still_to_come = now.hour < hour and last in missed
    return len(missed) - still_to_come, still_to_come


# ---------------------------------------------------------------- sending


def address(setting: AddressSetting | None, variable: str) -> str:
    """The address of a setting, else of the environment; "" for none."""
    return "" if setting is None else setting.url or os.environ.get(variable, "")


def _channels(setup: Setup, at: dt.datetime) -> dict[str, Callable[[str, str, Sequence[Matter]], None]]:
    """By name how a message is sent: it is given a subject, a text and what it is of."""
    out: dict[str, Callable[[str, str, Sequence[Matter]], None]] = {}
    telling = setup.telling
    if (mail := telling.mail) is not None:
        password = os.environ.get(MAIL_PASSWORD_VARIABLE)
        out[MAIL] = lambda subject, text, told: sending.send_mail(mail, password, subject, text, at)
    if telling.webhook is not None:
        url, secret = address(telling.webhook, WEBHOOK_URL_VARIABLE), os.environ.get(WEBHOOK_SECRET_VARIABLE)

        def post(subject: str, text: str, told: Sequence[Matter]) -> None:
            content = {
                "text": f"{subject}\n\n{text}",
                "subject": subject,
                "kinds": sorted({m.kind for m in told}),
                "schools": sorted({s for m in told for s in m.schools}),
                "at": utc(at),
            }
            sending.post(url, secret, content)

        out[WEBHOOK] = post
    return out


def _send(setup: Setup, memory: Memory, night: Night, at: dt.datetime, where: str) -> list[str]:
    """Send each channel what it was not told yet, in one message; remember what went."""
    telling = setup.telling
    oldest = utc(at - dt.timedelta(days=_KEPT_DAYS))
    memory.recovered = {key: one for key, one in memory.recovered.items() if one["at"] >= oldest}
    recovered = {key: one["words"] for key, one in memory.recovered.items()}
    found = matters(night, recovered, telling.late_after_school_days, good_nights=telling.good_nights)
    channels = _channels(setup, at)
    due: dict[str, list[Matter]] = {}
    messages: dict[str, Callable[[], None]] = {}
    for name, send in channels.items():
        told = memory.told.setdefault(name, {})
        # What is over is forgotten, so that it is told when it happens again.
        current = {m.key for m in found}
        memory.told[name] = told = {key: level for key, level in told.items() if key in current}
        if new := [m for m in found if m.level > told.get(m.key, -1)]:
            due[name] = new
            messages[name] = partial(send, *message(night, new, where), new)
    if telling.ping is not None and memory.good and memory.pinged != memory.good and not night.missed:
        messages[PING] = partial(sending.ping, address(telling.ping, PING_URL_VARIABLE))
    problems = []
    for name, error in sending.all_at_once(messages).items():
        if error is not None:
            problems.append(f"{name}: {error}")
        elif name == PING:
            memory.pinged = memory.good
        else:
            memory.told[name] |= {m.key: m.level for m in due[name]}
    memory.told = {name: told for name, told in memory.told.items() if name in channels}
    if all(f"recovered {key}" in memory.told[name] for name in channels for key in memory.recovered):
        memory.recovered = {}
        memory.told = {
            n: {k: v for k, v in t.items() if not k.startswith("recovered ")} for n, t in memory.told.items()
        }
    return problems


def send_test(home: Home, at: dt.datetime) -> dict[str, str]:
    """Send one message by each channel that is set up, and call the ping. By channel what went wrong, "" where it went.

    Nothing of it is remembered.
    """
    setup = Setup.of(home)
    now = at.astimezone(setup.zone)
    text = "This is a test: messages of the attendance pipeline arrive here. Nothing has happened and nothing is wrong."
    test = [Matter("test", "test", "test message", text)]
    night = Night(setup.trust, now, local(read(home.state).good, setup.zone), None, [])
    subject, words = message(night, test, _where(setup, home.state))
    messages = {name: partial(send, subject, words, test) for name, send in _channels(setup, at).items()}
    if setup.telling.ping is not None:
        messages[PING] = partial(sending.ping, address(setup.telling.ping, PING_URL_VARIABLE))
    return {name: str(error or "") for name, error in sending.all_at_once(messages).items()}

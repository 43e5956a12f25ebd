"""One home folder: where it is, its settings read and checked.

Belongs here: where things lie in a home, reading one and making an empty one. Not here: what each setting may be
(`home_settings.py`, `mis/map_settings.py`), what deserves a warning (`home_check.py`), what a calendar or a policy
means (`law/`), and nothing that reads an extract, the warehouse or the drive's contents.
"""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from attendance_pipeline.home_settings import (
    FORMATS,
    WEEKDAYS,
    HomeSettings,
    LessonsSetting,
    Letterhead,
    MappedCode,
    People,
    SchoolQualitySetting,
    did_you_mean,
)
from attendance_pipeline.law.policy import Policy, read_policy, shipped_policy_text
from attendance_pipeline.law.school_calendar import SchoolCalendar, read_calendar
from attendance_pipeline.law.settings_errors import SettingsError, SettingsErrors, refused
from attendance_pipeline.mis.map_settings import ColumnMap, read_column_map

SETTINGS_FILE = "attendance.toml"
HOME_VARIABLE = "ATTENDANCE_HOME"
PASSWORD_VARIABLE = "ATTENDANCE_DATABASE_PASSWORD"  # noqa: S105  # the name of a variable, not a password
DAGSTER_PASSWORD_VARIABLE = "ATTENDANCE_DAGSTER_PASSWORD"  # noqa: S105  # as above; else the database's counts
SHIPPED_POLICY = "seed-school"
PRIVATE = {"state": 0o700, "inbox": 0o770, "outbox": 0o770}
# What a School has straight from its settings.
AS_SET: tuple[str, ...] = (
    *("id", "name", "urn", "phase", "local_authority", "mis", "register_extracts", "go_live"),
    *("letterhead", "owners", "code_map", "log_extracts", "keep_reasons", "local_authority_name", "lessons"),
)


@dataclass(frozen=True)
class School:
    """One school of a home, with its calendar and policy read. `code_map`: local code to register code, dated.

    `column_map`: how its extracts are laid out, where `mis` names a file of the home and not a shipped format.
    `intervention_log`: the file in which staff keep the log, where it is not dropped into the inbox; absolute.
    `keep_reasons`: what parents give as a reason and evidence on the online form is kept.
    `quality`: from where on a day's register is not believable, its own limits over those of the home.
    `lessons`: which periods belong to which registration.
    """

    id: str
    name: str
    urn: int
    phase: str
    local_authority: str
    mis: str
    register_extracts: str
    go_live: dt.date | None
    letterhead: Letterhead | None
    owners: People
    code_map: Mapping[str, MappedCode]
    calendar: SchoolCalendar
    policy: Policy
    inbox: Path
    column_map: ColumnMap | None = None
    log_extracts: str = "changes"
    intervention_log: Path | None = None
    keep_reasons: bool = False
    local_authority_name: str | None = None
    quality: SchoolQualitySetting = field(default_factory=SchoolQualitySetting)
    lessons: LessonsSetting = field(default_factory=LessonsSetting)

    def codes_on(self, day: dt.date) -> dict[str, str]:
        """Local code to register code, as translated on `day`."""
        return {local: to.code for local, to in self.code_map.items() if to.valid_on(day)}


@dataclass(frozen=True)
class Home:
    """A home that has been read and found sound. `path` is absolute. Nothing here makes a folder."""

    path: Path
    settings: HomeSettings
    schools: tuple[School, ...]

    @property
    def trust_name(self) -> str:
        return self.settings.trust.name

    @property
    def time_zone(self) -> str:
        """Name of the time zone, known to zoneinfo."""
        return self.settings.trust.time_zone

    @cached_property
    def database_url(self) -> URL:
        """For SQLAlchemy's create_engine. Printed, it shows no password."""
        return _database(self.path, self.settings.store.database)

    @property
    def database_address(self) -> str:
        """The same without the password, for another process: `database_at` reads it there."""
        # `URL.set` takes None for "as it is".
        return self.database_url._replace(password=None).render_as_string(hide_password=False)

    @cached_property
    def dagster_storage(self) -> URL | None:
        """Where Dagster keeps its runs and events, with the password; None: SQLite files of its own."""
        text = self.settings.dagster.storage
        return None if text is None else _dagster_storage(self.path, text, self.settings.store.database)

    @property
    def drive(self) -> Path:
        """The shared drive's folder, absolute."""
        return self.path / self.settings.delivery.drive

    @property
    def letter_day(self) -> int | None:
        """Weekday on which letters are delivered, 0 Monday; None: every school day."""
        day = self.settings.delivery.letter_day
        return None if day is None else WEEKDAYS.index(day)

    @property
    def layout(self) -> str:
        return self.settings.delivery.layout

    @property
    def inbox(self) -> Path:
        return self.path / "inbox"

    @property
    def state(self) -> Path:
        return self.path / "state"

    @property
    def kept(self) -> Path:
        """Kept extracts, by hash."""
        return self.state / "extracts"

    @property
    def dagster_home(self) -> Path:
        return self.state / "dagster"

    @property
    def letter_templates(self) -> Path:
        """The school's own versions of shipped templates."""
        return self.path / "letter_templates"

    @property
    def mis(self) -> Path:
        return self.path / "mis"

    @property
    def school_ids(self) -> tuple[str, ...]:
        return tuple(s.id for s in self.schools)

    def school(self, school_id: str) -> School:
        """The school of that id. Raises SettingsError naming those there are."""
        for s in self.schools:
            if s.id == school_id:
                return s
        near = did_you_mean(get_close_matches(school_id, self.school_ids, n=1))
        raise SettingsError(
            self.path / SETTINGS_FILE, "schools", f"one of {', '.join(self.school_ids)}, not {school_id!r}{near}"
        )


def find_home(arg: Path | str | None = None) -> Path:
    """The folder meant: the argument, else $ATTENDANCE_HOME, else the current folder. Absolute; not read yet."""
    return Path(arg or os.environ.get(HOME_VARIABLE) or ".").expanduser().resolve()


def open_home(path: Path | str) -> Home:
    """Read and check all settings of a home: `attendance.toml`, every school's calendar and policy.

    Raises SettingsErrors with every fault found, each naming file, key and what was expected.
    """
    home = Path(path).expanduser().resolve()
    file = home / SETTINGS_FILE
    if not file.exists():
        raise SettingsError(file, "(whole file)", "the settings of a home; `attendance init DIR` makes one")
    faults: list[SettingsError] = []
    raw: dict[str, Any] = _collect(faults, lambda: _read_toml(file)) or {}
    settings = _collect(faults, lambda: _validate(file, raw)) if raw or not faults else None
    faults += _repeated(file, raw)
    if settings is not None and settings.work.workers_read and settings.store.database.startswith("sqlite"):
        faults.append(
            SettingsError(file, "work.workers_read", "PostgreSQL in store.database: SQLite is of this machine alone")
        )
    if isinstance(url := _table(raw, "store").get("database"), str):
        _collect(faults, lambda: _database(home, url))
    if isinstance(storage := _table(raw, "dagster").get("storage"), str):
        _collect(faults, lambda: _dagster_storage(home, storage, str(url or "")))
    # Also where attendance.toml is at fault: one look is to find everything.
    calendars = _read_each(faults, home, file, raw, "calendar", read_calendar)
    policies = _read_each(faults, home, file, raw, "policy", read_policy)
    maps = _read_maps(faults, home, file, raw)
    if faults or settings is None:
        raise SettingsErrors(faults)
    return Home(
        path=home,
        settings=settings,
        schools=tuple(
            School(
                **{name: getattr(s, name) for name in AS_SET},
                calendar=calendars[s.calendar],
                policy=policies[s.policy],
                inbox=home / "inbox" / s.id,
                column_map=maps.get(s.mis),
                intervention_log=None if s.intervention_log is None else home / s.intervention_log,
                quality=s.quality.over(settings.quality),
            )
            for s in settings.schools
        ),
    )


T = TypeVar("T")


def _collect(faults: list[SettingsError], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except SettingsErrors as several:
        faults += several.errors
    except SettingsError as one:
        faults.append(one)
    return None


def _read_toml(file: Path) -> dict[str, Any]:
    with refused(file):
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))


def _validate(file: Path, raw: dict[str, Any]) -> HomeSettings:
    with refused(file, HomeSettings):
        return HomeSettings.model_validate(raw)


def _table(raw: dict[str, Any], name: str) -> dict[str, Any]:
    table = raw.get(name)
    return table if isinstance(table, dict) else {}


def _tables(raw: dict[str, Any]) -> list[dict[str, Any]]:
    schools = raw.get("schools")
    return [s for s in schools if isinstance(s, dict)] if isinstance(schools, list) else []


def _repeated(file: Path, raw: dict[str, Any]) -> list[SettingsError]:
    faults = []
    for key in ("id", "urn"):
        seen: set[Any] = set()
        for i, school in enumerate(_tables(raw), 1):
            value = school.get(key)
            if isinstance(value, str | int) and value in seen:
                faults.append(
                    SettingsError(file, f"schools[{i}].{key}", f"a value of its own; {value!r} is another school's")
                )
            elif isinstance(value, str | int):
                seen.add(value)
    return faults


def _read_each(
    faults: list[SettingsError],
    home: Path,
    file: Path,
    raw: dict[str, Any],
    key: str,
    read: Callable[[Path], T],
) -> dict[str, T]:
    """Read each calendar or policy that a school names, once: {as named: what was read}."""
    found: dict[str, T] = {}
    named: set[str] = set()
    for i, school in enumerate(_tables(raw), 1):
        name = school.get(key)
        if not isinstance(name, str) or not name.strip() or name in named:
            continue
        named.add(name)
        path = home / name.strip()
        if not path.is_file():
            there = sorted(p.relative_to(home).as_posix() for p in path.parent.glob("*.toml"))
            near = did_you_mean(get_close_matches(name, there, n=1))
            faults.append(SettingsError(file, f"schools[{i}].{key}", f"a file of this home; there is no {name}{near}"))
            continue
        content = _collect(faults, lambda path=path: read(path))  # type: ignore[misc]  # a default argument binds now
        if content is not None:
            found[name] = found[name.strip()] = content
    return found


def _read_maps(faults: list[SettingsError], home: Path, file: Path, raw: dict[str, Any]) -> dict[str, ColumnMap]:
    """Read each column map that a school names, once: {as named: what was read}."""
    found: dict[str, ColumnMap] = {}
    named: set[str] = set()
    for i, school in enumerate(_tables(raw), 1):
        name = school.get("mis")
        if not isinstance(name, str) or not name.strip() or name.strip() in FORMATS or name in named:
            continue
        named.add(name)
        path = home / "mis" / (name.strip().removeprefix("mis/").removesuffix(".toml") + ".toml")
        if path.parent != home / "mis" or not path.is_file():
            there = sorted(p.relative_to(home).as_posix() for p in (home / "mis").glob("*.toml"))
            near = did_you_mean(get_close_matches(name, [*FORMATS, *there], n=1))
            expected = f"an extract format that this version reads ({', '.join(FORMATS)}) or a column map in mis/"
            faults.append(SettingsError(file, f"schools[{i}].mis", f"{expected}; there is no {name}{near}"))
            continue
        content = _collect(faults, lambda path=path: read_column_map(path))  # type: ignore[misc]  # binds now
        if content is not None:
            found[name] = found[name.strip()] = content
    return found


def _database(home: Path, text: str) -> URL:
    """The database's address, with SQLite's file made absolute and PostgreSQL's password from the environment."""
    file, key = home / SETTINGS_FILE, "store.database"
    expected = "sqlite:///state/warehouse.db or postgresql+psycopg://user@host/name"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError(file, key, expected) from None
    if url.password is not None or "password" in url.query:
        raise SettingsError(file, key, f"no password in this file; give it in the variable {PASSWORD_VARIABLE}")
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if not url.database or url.database == ":memory:" or url.host:
            raise SettingsError(file, key, f"a file, as in {expected}")
        return url.set(database=str(home / url.database))
    if url.drivername != "postgresql+psycopg" or not url.database:
        raise SettingsError(file, key, expected)
    return _with_password(url)


def _dagster_storage(home: Path, text: str, warehouse: str) -> URL:
    """The address of Dagster's storage with the password of the environment. Raises SettingsError."""
    file, key = home / SETTINGS_FILE, "dagster.storage"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is not None and (url.password is not None or "password" in url.query):
        raise SettingsError(file, key, f"no password in this file; give it in the variable {DAGSTER_PASSWORD_VARIABLE}")
    if url is None or url.drivername != "postgresql" or not url.database:
        raise SettingsError(file, key, "postgresql://user@host/name, or no such line for SQLite files in state/dagster")
    if "search_path" not in str(url.query.get("options", "")) and _same_database(url, warehouse):
        # Each keeps a table `alembic_version` of its own in it.
        raise SettingsError(file, key, "another database than that of store.database, for this home alone")
    if find_spec("dagster_postgres") is None:
        raise SettingsError(file, key, 'what it needs to be installed: pip install "attendance-pipeline[postgres]"')
    password = os.environ.get(DAGSTER_PASSWORD_VARIABLE) or os.environ.get(PASSWORD_VARIABLE)
    # Said in full, because SQLAlchemy 2.1 takes another driver by itself, which Dagster's own SQL is not written for.
    url = url.set(drivername="postgresql+psycopg2")
    return url.set(password=password) if password else url


def _same_database(url: URL, warehouse: str) -> bool:
    try:
        other = make_url(warehouse)
    except (ArgumentError, ValueError):
        return False
    where = [(u.host or u.query.get("host"), u.port or 5432, u.database) for u in (url, other)]
    return other.get_backend_name() == "postgresql" and where[0] == where[1]


def database_at(address: str) -> URL:
    """A `Home.database_address` with the password of this process's environment."""
    return _with_password(make_url(address))


def _with_password(url: URL) -> URL:
    password = os.environ.get(PASSWORD_VARIABLE)
    return url.set(password=password) if password and url.drivername == "postgresql+psycopg" else url


# --- making an empty home -------------------------------------------------------------------------------------------


def init_home(path: Path | str) -> Path:
    """Make an empty home: commented settings with one example school, folders, the shipped policy. Gives its folder.

    Refuses (SettingsError) a folder that is a home already, or that has a file in the way; then nothing was changed.
    """
    home = Path(path).expanduser().resolve()
    template = files(__package__).joinpath("home_template")
    texts = {
        "calendars/example.toml": template.joinpath("calendars/example.toml").read_text(encoding="utf-8"),
        f"policies/{SHIPPED_POLICY}.toml": shipped_policy_text(SHIPPED_POLICY),
        SETTINGS_FILE: template.joinpath(SETTINGS_FILE).read_text(encoding="utf-8"),
    }
    make_home(home, texts, ["example"])
    return home


def make_home(home: Path, texts: Mapping[str, str], school_ids: Iterable[str]) -> None:
    """Write the settings `texts` ({path in the home: content}) and the folders of a new home; all or nothing new.

    `attendance.toml` is written last: until then a folder is no home, and an interrupted beginning can be repeated.
    """
    if (home / SETTINGS_FILE).exists():
        raise SettingsError(home / SETTINGS_FILE, "(whole file)", "none yet; this folder is a home already")
    for name, text in texts.items():
        file = home / name
        if file.exists() and (not file.is_file() or file.read_bytes() != text.encode()):
            raise SettingsError(file, "(whole file)", "none yet; this one is in the way and is not overwritten")
    names = ["calendars", "policies", "mis", "letter_templates", "outbox", "state", "inbox"]
    folders = [home / name for name in [*names, *(f"inbox/{s}" for s in school_ids)]]
    for folder in [*reversed(home.parents), home, *folders]:
        if folder.exists() and not folder.is_dir():
            raise SettingsError(folder, "(whole file)", "a folder, or nothing yet; this is a file")
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    # Extracts, letters and the database name pupils: nobody outside the owner (and, where files are shared, the group).
    for name, mode in PRIVATE.items():
        (home / name).chmod(mode)
    for name in sorted(texts, key=lambda n: n == SETTINGS_FILE):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(texts[name].encode())

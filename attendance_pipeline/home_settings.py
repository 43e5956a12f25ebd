"""The shape of `attendance.toml`: its tables, keys, defaults and what each may be.

Belongs here: one pydantic model per table. Not here: reading the file, or anything about folders (that is `home.py`).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from attendance_pipeline.law.register_codes import CODES

# Extract formats that this version reads; each is a module of mis/ and a line of mis/registry.py.
FORMATS = (
    "native",
    "assembly-json",
    "bromcom-week",
    "ctf-xml",
    "sims-weekly",
    "sims-xml",
    "wonde-json",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
MAX_ADDRESS_LINES = 5
# Secrets of telling stand in the environment alone.
MAIL_PASSWORD_VARIABLE = "ATTENDANCE_MAIL_PASSWORD"  # noqa: S105  # the name of a variable, not a password
WEBHOOK_URL_VARIABLE = "ATTENDANCE_WEBHOOK_URL"
WEBHOOK_SECRET_VARIABLE = "ATTENDANCE_WEBHOOK_SECRET"  # noqa: S105  # the same
PING_URL_VARIABLE = "ATTENDANCE_PING_URL"


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        near = get_close_matches(name, available_timezones(), n=1)
        raise ValueError("a time zone's name such as 'Europe/London'" + did_you_mean(near)) from None
    return name


def _school_id(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", value):
        raise ValueError("a folder name of a-z, 0-9 and '-' that begins with a letter or a digit")
    return value


def _authority(value: str) -> str:
    if not re.fullmatch(r"E\d{8}", value):
        raise ValueError("the code of an English local authority, E and eight digits")
    return value


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}", value):
        raise ValueError("an e-mail address and no more, such as data.manager@school.example")
    return value


def _wrong_scheduler(value: str) -> str:
    """What is expected of the address of a scheduler, where it is not one; else ""."""
    found = re.fullmatch(r"(tcp|tls)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):\d{1,5}", value)
    if not found:
        return "the address of a Dask scheduler in scheduler, such as tls://host:8786, and no password in it"
    if found[1] == "tcp" and not is_loopback(found["host"].strip("[]")):
        return "tls:// for a scheduler on another machine: pupils' data go there (tcp:// is for 127.0.0.1)"
    return ""


def _table_file(value: str) -> str:
    if not value.lower().endswith((".csv", ".xlsx", ".xlsm")):
        raise ValueError("a CSV or XLSX file, relative to this folder or with its whole path")
    return value


def _register_code(value: str) -> str:
    if CODES.number(value) in (None, 0):
        raise ValueError("a register code")
    return value


def did_you_mean(near: Sequence[str]) -> str:
    return f" (did you mean {near[0]!r}?)" if near else ""


Words = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(lambda s: s.strip())]


class _Strict(BaseModel):
    # Strict: 100001 in quotes is a mistake somewhere, and TOML has types for everything these settings hold.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TrustSetting(_Strict):
    name: Words
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Europe/London"


class StoreSetting(_Strict):
    # Checked in `_database`, not by a validator: what a validator refuses is shown, and this may hold a password.
    database: str = "sqlite:///state/warehouse.db"


class DagsterSetting(_Strict):
    # Where Dagster keeps its runs and events; None: SQLite files in state/dagster. Checked in home.py, as above.
    storage: str | None = None


class DeliverySetting(_Strict):
    drive: Words = "outbox"
    letter_day: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"] | None = None
    layout: Literal["dl", "notify"] = "dl"


class WorkSetting(_Strict):
    """Where the work over schools is done (docs/scale.md). `workers`: processes of this machine; without it one a core.
    `scheduler`: of a Dask cluster. `workers_read`: its workers read the database themselves, and have its password."""

    engine: Literal["in-process", "processes", "dask"] = "in-process"
    workers: Annotated[int, Field(ge=1, le=61)] | None = None  # more than 61 processes Windows does not wait for
    scheduler: str | None = None
    workers_read: bool = False

    @model_validator(mode="after")
    def _of_this_engine(self) -> Self:
        # Not by a validator of the field: what such a one refuses is shown.
        if self.scheduler is not None and (wrong := _wrong_scheduler(self.scheduler)):
            raise ValueError(wrong)
        if self.engine == "dask" and self.scheduler is None:
            raise ValueError('scheduler = "tls://host:8786" with engine = "dask"')
        if self.engine != "dask" and (self.scheduler is not None or self.workers_read):
            raise ValueError('scheduler and workers_read with engine = "dask" alone')
        if self.engine != "processes" and self.workers is not None:
            raise ValueError('workers with engine = "processes" alone; a cluster has those that are started there')
        return self


class People(_Strict):
    """Who acts in a role, as a letter or a worklist names them."""

    attendance_lead: Words | None = None
    headteacher: Words | None = None
    class_teacher: Words | None = None
    office: Words | None = None
    senco: Words | None = None
    wellbeing_lead: Words | None = None
    data_manager: Words | None = None

    def get(self, role: str, default: str | None = None) -> str | None:
        """The person for `role` (with "-" or "_"), else `default`."""
        return getattr(self, role.replace("-", "_"), None) or default


class Letterhead(_Strict):
    """What stands at the head and foot of a letter. `address`: one to five lines, the postcode last."""

    address: Annotated[tuple[Words, ...], Field(strict=False, min_length=1, max_length=MAX_ADDRESS_LINES)]
    telephone: Words
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    signatories: People = People()


class MappedCode(_Strict):
    """A local code's register code, on the days from `valid_from` to `valid_to` (inclusive; None: no limit)."""

    code: Annotated[str, AfterValidator(_register_code)]
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None

    def valid_on(self, day: dt.date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


LocalCode = Annotated[str, Field(min_length=1, max_length=8)]
Mapped = Annotated[MappedCode, BeforeValidator(lambda v: {"code": v} if isinstance(v, str) else v)]


Percent = Annotated[float, Field(ge=0, le=100)]
Number = Annotated[int, Field(ge=0, le=1000)]


class QualitySetting(_Strict):
    """From where on a day's register is not believable: docs/data-quality.md says what each figure means.

    Not law and no policy of the school: limits by which a data manager is called, to be set to what is usual there.
    """

    few_pupils: Annotated[int, Field(ge=1, le=1000)] = 5
    chance_deviations: Annotated[float, Field(ge=0, le=100)] = 5
    smallest_class: Annotated[int, Field(ge=1, le=1000)] = 5
    half_day_year_groups: Annotated[tuple[str, ...], Field(strict=False)] = ("N1", "N2")
    own_school_days: Annotated[int, Field(ge=1, le=60)] = 20
    own_school_days_least: Annotated[int, Field(ge=1, le=60)] = 5
    letters_wait_school_days: Annotated[int, Field(ge=1, le=200)] = 5
    unmarked_percent: Percent = 10
    unmarked_morning_percent: Percent = 10
    not_established_percent: Percent = 10
    absent_percent: Percent = 70
    absence_jump_points: Percent = 15
    absence_least_percent_of_usual: Percent = 10
    code_mix_points: Percent = 30
    reason_mix_points: Percent = 40
    roll_change_percent: Percent = 10
    corrections_times_usual: Annotated[float, Field(ge=1, le=1000)] = 3
    corrections_percent_of_day: Percent = 10
    class_unmarked_percent: Percent = 50
    class_not_established_percent: Percent = 30
    class_unauthorised_percent: Percent = 80
    duplicate_pupils: Number = 0
    silent_pupils: Number = 0
    no_recipient_percent: Percent = 5
    no_address_percent: Percent = 5

    @property
    def limits(self) -> tuple[tuple[str, float], ...]:
        """Every number of the table by name, so that two tables that say the same are equal."""
        numbers = [name for name in QualitySetting.model_fields if name != "half_day_year_groups"]
        return tuple((name, float(getattr(self, name))) for name in numbers)


class SchoolQualitySetting(QualitySetting):
    """Of one school: what it sets counts instead of the home's. `confirmed_days`: somebody looked, and it was so."""

    confirmed_days: Annotated[tuple[dt.date, ...], Field(strict=False)] = ()

    def over(self, home: QualitySetting) -> SchoolQualitySetting:
        """This school's limits: its own where it has set them, else the home's."""
        own = {name: getattr(self, name) for name in self.model_fields_set}
        return SchoolQualitySetting(**{**home.model_dump(), **own})


class LessonsSetting(_Strict):
    """Which periods belong to the morning's registration and which to the afternoon's, as lessons extracts name them.

    Of periods in neither list it is found out from the marks, where they show it (`derive/lesson_attendance.py`).
    """

    morning: Annotated[tuple[Words, ...], Field(strict=False)] = ()
    afternoon: Annotated[tuple[Words, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _in_one(self) -> Self:
        if both := sorted(set(self.morning) & set(self.afternoon)):
            raise ValueError(f"each period in morning or in afternoon, not in both: {', '.join(both)}")
        return self


class SchoolSetting(_Strict):
    id: Annotated[str, Field(max_length=40), AfterValidator(_school_id)]
    name: Words
    urn: Annotated[int, Field(ge=100_000, le=999_999)]
    phase: Literal["Primary", "Secondary", "Special"]
    local_authority: Annotated[str, AfterValidator(_authority)]
    local_authority_name: Words | None = None  # as letters name it: Leeds City Council
    mis: Words = "native"  # a shipped format or a file in mis/: home.py finds out which
    register_extracts: Literal["changes", "complete"] = "changes"
    log_extracts: Literal["changes", "complete"] = "changes"
    intervention_log: Annotated[Words, AfterValidator(_table_file)] | None = None
    keep_reasons: bool = False
    calendar: Words
    policy: Words
    go_live: dt.date | None = None
    letterhead: Letterhead | None = None
    owners: People = People()
    code_map: dict[LocalCode, Mapped] = Field(default_factory=dict)
    quality: SchoolQualitySetting = SchoolQualitySetting()
    lessons: LessonsSetting = LessonsSetting()


class MailSetting(_Strict):
    """By which server what happened is told by e-mail, and to whom. The password is in the environment alone."""

    host: Words
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: Words | None = None
    sender: Annotated[str, AfterValidator(_mail_address)]
    to: Annotated[tuple[Annotated[str, AfterValidator(_mail_address)], ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _password_is_not_shown(self) -> Self:
        if self.user and self.security == "none":
            raise ValueError('security = "starttls" or "tls" where there is a user: a password never goes unencrypted')
        return self


class AddressSetting(_Strict):
    """An address to call. Without `url` it is taken from the environment: some addresses are secrets themselves."""

    url: str | None = None

    # Checked here and not by a validator of the field: what such a one refuses is shown.
    @model_validator(mode="after")
    def _is_an_address(self) -> Self:
        if self.url is not None and (wrong := wrong_address(self.url)):
            raise ValueError(f"{wrong} in url")
        return self


def wrong_address(url: str) -> str:
    """What is expected of an address that is called, where it is not one; else "". Never the address itself."""
    try:
        parts = urlsplit(url)
        host, user = parts.hostname, parts.username
        _ = parts.port
    except ValueError:
        return "an address such as https://example.example/path"
    if not host or parts.scheme not in ("https", "http") or not url.isascii() or not url.isprintable() or " " in url:
        return "an address such as https://example.example/path"
    if user is not None or parts.password is not None:
        return f"no user or password: a secret is given in the variable {WEBHOOK_SECRET_VARIABLE}"
    if parts.scheme == "http" and not is_loopback(host):
        return "https:// (http:// is for this machine alone)"
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host's name or number means this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class TellingSetting(_Strict):
    """Who is told of failure, lateness and silence besides by the note on the drive (docs/telling.md).

    `late_after_school_days`: so many school days without a register extract are told of. `good_nights`: all is well is
    told too. `note_by_hour`: the hour of the morning by which the note of the night is due.
    """

    late_after_school_days: Annotated[int, Field(ge=1, le=60)] = 1
    good_nights: bool = False
    note_by_hour: Annotated[int, Field(ge=5, le=12)] = 8
    mail: MailSetting | None = None
    webhook: AddressSetting | None = None
    ping: AddressSetting | None = None


class MorningSetting(_Strict):
    """Until when a morning's extract gives this morning's phone list, and when a school day is over: before that today
    is no day that a night works on. Times of the home's time zone, written as 10:00:00."""

    until: dt.time = dt.time(10)
    school_day_ends: dt.time = dt.time(15, 30)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until >= self.school_day_ends:
            raise ValueError("until before school_day_ends")
        return self


class HomeSettings(_Strict):
    """`attendance.toml`, whole."""

    trust: TrustSetting
    store: StoreSetting = StoreSetting()
    dagster: DagsterSetting = DagsterSetting()
    delivery: DeliverySetting = DeliverySetting()
    work: WorkSetting = WorkSetting()
    quality: QualitySetting = QualitySetting()
    telling: TellingSetting = TellingSetting()
    morning: MorningSetting = MorningSetting()
    schools: Annotated[tuple[SchoolSetting, ...], Field(strict=False, min_length=1)]

"""A school's policy: the ladder and the penalty-notice rules, dated, with their sources.

Belongs here: the shape of a policy file, its defaults (rules.md sections 4 to 7) and which version is in force on a
day. Not here: what a rule makes of a register (that is `derive/`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from attendance_pipeline.law.register_codes import ATTENDED, AUTHORISED, CODES
from attendance_pipeline.law.settings_errors import refused
from attendance_pipeline.law.worked_example import Example, unknown_words

SHIPPED_DEFAULT = "seed-school"
MEASURES = ("year_to_date", "term_to_date", "rolling_4_school_weeks")  # those that are exported of every pupil
_TO_DATE = ("year_to_date", "term_to_date", "half_term_to_date")
_ROLLING = re.compile(r"rolling_([1-9][0-9]?)_school_weeks")
ACTIONS = (
    "letter_approved",
    "letter_rejected",
    "letter_sent",
    "phone_call",
    "meeting_arranged",
    "meeting_held",
    "target_agreed",
    "plan_agreed",
    "plan_reviewed",
    "follow_up_done",
    "home_visit",
    "agency_contacted",
    "support_refused",
    "intervention_changed",
    "reason_questioned",
    "evidence_accepted",
    "hold",
    "release",
    "set_stage",
    "close_episode",
    "referral_made",
    "notice_to_improve_issued",
    "penalty_notice_issued",
    "penalty_notice_withdrawn",
    "penalty_notice_paid",
    "not_pursued",
)
# Whose worklist a task stands on. `class-teacher`: the teacher of the pupil's own class.
TASK_OWNERS = ("office", "attendance-lead", "class-teacher", "senco", "headteacher", "slt")
LETTER_KINDS = (
    "letter_1",
    "meeting_invitation",
    "letter_2",
    "letter_3",
    "improved",
    "continuing",
    "notice_to_improve",
    "penalty_notice_warning",
    "referral_pack",
    "medical_support",
)
# Which letter belongs to a stage. An entry of the intervention log that names no letter means the stage's own.
LETTER_OF_STAGE = {1: "letter_1", 2: "letter_2", 3: "letter_3", 4: "referral_pack"}
STAGE_OF_LETTER = {kind: stage for stage, kind in LETTER_OF_STAGE.items()}
MAY_GO_UNAPPROVED = ("improved", "raffle_certificate", "prize_certificate")
PERCENT_SCALE = 1000  # thresholds are compared as whole thousandths of a percent, never as floats


_MONITORING = 4  # school weeks, where a stage says nothing: the seed's


def _exact(value: Any) -> Any:
    """Keep 92.3 as 92.3: a float would carry its binary error into an exact comparison."""
    return Decimal(str(value)) if isinstance(value, float) else value


def _thousandths(value: Decimal) -> Decimal:
    if value * PERCENT_SCALE != int(value * PERCENT_SCALE):
        raise ValueError(f"a percentage with at most three decimals, not {value}")
    return value


def rolling_school_weeks(measure: str) -> int | None:
    """How many school weeks a measure such as `rolling_6_school_weeks` looks back over; None for the others."""
    found = _ROLLING.fullmatch(measure)
    return None if found is None else int(found[1])


def _known_measure(measure: str) -> str:
    if measure not in _TO_DATE and rolling_school_weeks(measure) is None:
        raise ValueError(f"{', '.join(_TO_DATE)}, or rolling_N_school_weeks with N from 1 to 99")
    return measure


def _of_a_hundred(value: Decimal) -> Decimal:
    """A level of attendance. 0.95 means 95 percent to whoever writes it, and would never be fallen below."""
    if 0 < value <= 1:
        raise ValueError("a percentage such as 95")
    return value


Measure = Annotated[str, AfterValidator(_known_measure)]
Percent = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=100), AfterValidator(_thousandths)]
Level = Annotated[Percent, AfterValidator(_of_a_hundred)]
Count = Annotated[int, Field(ge=0, le=10_000)]


def _known_code(code: str) -> str:
    CODES.numbers_of([code])
    return code


Code = Annotated[str, AfterValidator(_known_code)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Dated(_Strict):
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    source: str = ""

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        # Never in force, it would be a rule that somebody believes in.
        if self.valid_from is not None and self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError(f"valid_to to be on or after valid_from, {self.valid_from}")
        return self

    def valid_on(self, day: dt.date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


def _several(value: Any) -> Any:
    """`owner = "office"` is as good as `owner = ["office"]`."""
    return (value,) if isinstance(value, str) else value


TaskOwners = Annotated[
    tuple[Literal[TASK_OWNERS], ...],  # type: ignore[valid-type]  # pydantic reads the tuple; the words are above
    BeforeValidator(_several),
    Field(min_length=1),
]


class TaskSetting(_Strict):
    """What a school has otherwise for one task of law/tasks.toml: whether it is wanted, whose it is, and how many
    school days it allows."""

    wanted: bool = True
    owner: TaskOwners | None = None
    due_school_days: Annotated[int, Field(ge=0, le=200)] | None = None


class Thresholds(_Strict):
    """Percent by season. Stage 1 opens strictly below. Each is required: the seed gives no summer value to assume."""

    autumn: Level
    spring: Level
    summer: Level

    @model_validator(mode="before")
    @classmethod
    def _of_every_season(cls, value: Any) -> Any:
        # `thresholds = 95` says it of all three.
        one_for_all = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        return dict.fromkeys(("autumn", "spring", "summer"), value) if one_for_all else value

    def by_season(self) -> tuple[int, int, int]:
        """Thousandths of a percent in the order of `school_calendar.SEASONS`."""
        return tuple(int(p * PERCENT_SCALE) for p in (self.autumn, self.spring, self.summer))  # type: ignore[return-value]  # three by construction


class ReasonGate(_Strict):
    lookback_school_weeks: Annotated[int, Field(ge=1, le=60)] = 4
    minimum_sessions: Count = 1
    illness_spells: Count = 0


class _Monitored(_Strict):
    """When a stage is reviewed: so many school weeks later on the same weekday, or on the last school day of so many
    half-terms or terms, the present one among them (the next, if this is its last day)."""

    monitoring_school_weeks: Annotated[int, Field(ge=1, le=60)] = _MONITORING
    monitoring_half_terms: Annotated[int, Field(ge=1, le=12)] | None = None
    monitoring_terms: Annotated[int, Field(ge=1, le=6)] | None = None

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        others = [n for n in (self.monitoring_half_terms, self.monitoring_terms) if n is not None]
        if len(others) > 1 or (others and self.monitoring_school_weeks != _MONITORING):
            raise ValueError("one of monitoring_school_weeks, monitoring_half_terms, monitoring_terms")
        return self

    @property
    def clock(self) -> tuple[str, int]:
        """In what the time until a review is counted, and how many."""
        if self.monitoring_half_terms is not None:
            return "half_terms", self.monitoring_half_terms
        if self.monitoring_terms is not None:
            return "terms", self.monitoring_terms
        return "school_weeks", self.monitoring_school_weeks


class Stage(_Monitored):
    """`below`: attendance below which the stage opens, for stages 2 to 4 of ladders that go by levels of attendance
    (letters at 97, 95 and 90 percent, say). Without it a stage opens by what a review of the one before finds."""

    below: Thresholds | None = None
    reviews_before_next: Annotated[int, Field(ge=1, le=20)] = 1
    requires: Annotated[tuple[Literal[ACTIONS], ...], BeforeValidator(_several)] = ()  # type: ignore[valid-type]  # pydantic reads the tuple; the words are above


class StageFour(_Monitored):
    below: Thresholds | None = None


class Stages(_Strict):
    one: Stage = Field(default=Stage(), alias="1")
    two: Stage = Field(default=Stage(), alias="2")
    three: Stage = Field(default=Stage(reviews_before_next=2), alias="3")
    four: StageFour = Field(default=StageFour(), alias="4")

    @model_validator(mode="before")
    @classmethod
    def _third_reviews_twice(cls, value: Any) -> Any:
        # `stages.3 = { monitoring_school_weeks = 6 }` keeps the default of stage 3, two reviews, not that of a stage.
        if isinstance(value, dict) and isinstance(value.get("3"), dict):
            value = {**value, "3": {"reviews_before_next": 2, **value["3"]}}
        return value

    @property
    def in_order(self) -> tuple[Stage, Stage, Stage, StageFour]:
        return self.one, self.two, self.three, self.four


class Ladder(_Dated):
    """One dated version of the staged interventions. Parameters and defaults: rules.md section 5; docs/policy.md.

    `rises`: a stage that has a level of its own (`stages.K.below`) opens at a review of the stage before it
    (`at_reviews`: one after the other), or on the school day on which attendance falls below it (`daily`: also past
    stages between). `last_stage`: the highest that opens by itself.
    """

    measure: Measure = "year_to_date"
    thresholds: Thresholds
    minimum_possible_sessions: Count = 20
    settle_school_days: Annotated[int, Field(ge=0, le=20)] = 1
    reason_gate: ReasonGate = ReasonGate()
    stages: Stages = Stages()
    recovered_at_period_attendance: Level | None = None
    quiet_school_weeks: Count = 2
    relapse_within_school_weeks: Count = 12
    stalled_reviews: Count = 2
    improvement_points: Percent = Decimal(5)
    academic_year_reset: bool = True
    rises: Literal["at_reviews", "daily"] = "at_reviews"
    last_stage: Annotated[int, Field(ge=1, le=4)] = 4

    def levels(self) -> tuple[tuple[int, int, int] | None, ...]:
        """What each stage opens below, by season in thousandths of a percent; None: by what a review finds."""
        own = [s.below for s in self.stages.in_order[1:]]
        return (self.thresholds.by_season(), *(None if level is None else level.by_season() for level in own))

    @model_validator(mode="after")
    def _levels_go_down(self) -> Self:
        if self.stages.one.below is not None:
            raise ValueError("no stages.1.below: stage 1 opens below `thresholds`")
        above = self.thresholds.by_season()
        for number, level in enumerate(self.levels()[1:], 2):
            if level is None:
                continue
            if number > self.last_stage:
                raise ValueError(f"no stages.{number}.below after last_stage = {self.last_stage}")
            if any(mine > before for mine, before in zip(level, above, strict=True)):
                raise ValueError(f"stages.{number}.below to be no higher than what the stages before it open below")
            above = level
        if self.rises == "daily" and self.stages.two.below is None:
            raise ValueError('rises = "daily" to have at least stages.2.below')
        return self


class Alternative(_Strict):
    """`sessions` counted within one window. Exactly one window kind is given; each ends with the cut-off day, and may
    reach back over holidays and into the academic year before. `consecutive_sessions` alone is a run that the last
    possible session belongs to; beside a window of days it is a run anywhere in that window.

    `half_terms`: the school days of a term on one side of its half-term break, and those before them. `school_days`: of
    the school, whoever was there. `calendar_months`: from the day after the same date so many months earlier.

    `attendance_below`: besides, the pupil's attendance within the window must be below this; while it is not, the
    alternative is not met and not near, however many sessions it counts. Likewise `attendance_at_least`: attendance
    must not be below this; `holiday_sessions`: so many of the counted sessions must be G; and `broken_weeks`: so many
    different school weeks must hold one of them.
    """

    sessions: Annotated[int, Field(ge=1, le=400)]
    terms: Annotated[int, Field(ge=1, le=12)] | None = None
    half_terms: Annotated[int, Field(ge=1, le=24)] | None = None
    academic_years: Annotated[int, Field(ge=1, le=4)] | None = None
    school_weeks: Annotated[int, Field(ge=1, le=80)] | None = None
    school_days: Annotated[int, Field(ge=1, le=400)] | None = None
    school_sessions: Annotated[int, Field(ge=1, le=2000)] | None = None
    calendar_weeks: Annotated[int, Field(ge=1, le=110)] | None = None
    calendar_months: Annotated[int, Field(ge=1, le=36)] | None = None
    consecutive_sessions: bool | int | None = None
    attendance_below: Level | None = None
    attendance_at_least: Level | None = None
    holiday_sessions: Annotated[int, Field(ge=0, le=400)] = 0
    broken_weeks: Annotated[int, Field(ge=0, le=80)] = 0

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        given = [k for k in WINDOW_KINDS[:-1] if getattr(self, k) is not None]
        in_a_row = self.consecutive_sessions not in (None, False)
        if len(given) + (in_a_row and not given) != 1:
            raise ValueError(f"exactly one window of {', '.join(WINDOW_KINDS)}, not {len(given)}")
        if in_a_row and self.consecutive_sessions not in (True, self.sessions):
            raise ValueError(f"consecutive_sessions = true: `sessions` says how many, and they are {self.sessions}")
        if in_a_row and given == ["school_sessions"]:
            raise ValueError("no school_sessions beside consecutive_sessions: a run lies in a window of days")
        if in_a_row and not given:
            for name in ("attendance_below", "attendance_at_least"):
                if getattr(self, name) is not None:
                    raise ValueError(f"no {name} beside consecutive_sessions alone: within a run of absence it is 0")
        levels = self.attendance_at_least, self.attendance_below
        if None not in levels and levels[0] >= levels[1]:  # type: ignore[operator]  # neither is None
            raise ValueError("attendance_at_least to be lower than attendance_below")
        if self.holiday_sessions > self.sessions:
            raise ValueError(f"no more holiday_sessions than sessions ({self.sessions})")
        return self

    @property
    def in_a_row(self) -> bool:
        """Whether the sessions must follow one another somewhere within a window of days."""
        return bool(self.consecutive_sessions) and self.window[0] != "consecutive_sessions"

    @property
    def besides(self) -> str:
        """What it asks for beside sessions in a window, in words to follow them; blank: nothing."""
        holiday = f", at least {self.holiday_sessions} of them G" if self.holiday_sessions else ""
        holiday += f", in at least {self.broken_weeks} different weeks" if self.broken_weeks else ""
        levels = (("at least", self.attendance_at_least), ("below", self.attendance_below))
        asked = " and ".join(f"{word} {level.normalize():f}%" for word, level in levels if level is not None)
        return holiday + (f" with attendance {asked}" if asked else "")

    @property
    def window(self) -> tuple[str, int]:
        """Kind and size of the window; the size of `consecutive_sessions` is the number of sessions itself."""
        for kind in WINDOW_KINDS[:-1]:
            if (size := getattr(self, kind)) is not None:
                return kind, size
        return "consecutive_sessions", self.sessions


WINDOW_KINDS = (
    "terms",
    "half_terms",
    "academic_years",
    "school_weeks",
    "school_days",
    "school_sessions",
    "calendar_weeks",
    "calendar_months",
    "consecutive_sessions",
)


def _rule_name(name: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) is None:
        raise ValueError("small letters, digits and hyphens, such as local-code")
    return name


class PenaltyNoticeRule(_Dated):
    """`penalty_notice = false`: a number at which the school itself acts, such as seven late arrivals in a half-term.
    It is counted for every pupil, and leads to a task and to nothing that is about penalty notices."""

    name: Annotated[str, AfterValidator(_rule_name)]
    statutory: bool = False
    penalty_notice: bool = True
    codes: Annotated[tuple[Code, ...], BeforeValidator(_several), Field(min_length=1)] = ("G", "N", "O", "U")
    any_of: Annotated[tuple[Alternative, ...], Field(min_length=1)]
    near_within: Count = 3

    @model_validator(mode="after")
    def _offences_alone(self) -> Self:
        no_offence = {*CODES.numbers_with(ATTENDED), *CODES.numbers_with(AUTHORISED)}
        others = [c for c in self.codes if set(CODES.numbers_of([c])) & no_offence]
        if self.penalty_notice and others:
            raise ValueError(
                f"codes of unauthorised absence, not {', '.join(others)}: nobody commits an offence by them. For a "
                "number at which the school itself acts, penalty_notice = false"
            )
        if self.statutory and not self.penalty_notice:
            raise ValueError("no statutory = true beside penalty_notice = false: the law's threshold is about these")
        return self


class Tiers(_Strict):
    """Numbers of rules.md section 4, in percentage points."""

    rolling_drop_points: Percent = Decimal(2)
    near_threshold_points: Percent = Decimal(5)
    group_drop_points: Percent = Decimal(2)


class PenaltyNotices(_Strict):
    """Amounts and limits of the national framework. Source: Education (Penalty Notices) Regulations 2007, as amended
    by SI 2024/210; Working together to improve school attendance.

    The period of a Notice to Improve is three to six weeks, and who issues it differs: the local authority's code of
    conduct says (six school weeks and the school, for instance, in Norfolk and Southwark).
    """

    first_amount: Count = 160
    first_amount_if_paid_early: Count = 80
    early_payment_days: Count = 21
    payment_days: Count = 28
    second_amount: Count = 160
    limit: Count = 2
    limit_years: Count = 3
    counts_from: dt.date = dt.date(2024, 8, 19)
    notice_to_improve_expected: bool = True
    notice_to_improve_school_weeks: Annotated[int, Field(ge=1, le=20)] = 6
    notice_to_improve_issued_by: Literal["school", "local authority"] = "school"


class Statutory(_Strict):
    """Statutory lists and time limits. Source: SI 2024/208 reg. 10 and 13."""

    resolve_n_school_days: Count = 5
    attendance_return_school_days: Count = 10
    sickness_return_school_days: Count = 15


class Letters(_Strict):
    """Which letters are proposed, how many at once, and how long one stands. Defaults: rules.md section 7; when each
    kind is proposed: docs/which-letters.md.

    `kinds`: those that are proposed at all. `warning_at`: how near to a penalty-notice threshold parents are warned.
    `continuing_each_review`: after each review that continued, not only after the first of a stage. A letter after a
    review or about illness that nobody has approved within `follow_up_school_days` is out of date. Warnings, drafts of
    a Notice to Improve and letters about illness come at most once in `again_after_school_weeks`.
    """

    kinds: tuple[Literal[LETTER_KINDS], ...] = ("letter_1", "letter_2", "letter_3", "improved")  # type: ignore[valid-type]  # as above
    warning_at: Literal["near", "met"] = "near"
    continuing_each_review: bool = False
    follow_up_school_days: Annotated[int, Field(ge=1, le=200)] = 20
    again_after_school_weeks: Annotated[int, Field(ge=1, le=60)] = 10
    brake_percent_of_roll: Percent = Decimal(5)
    brake_letters: Count = 5
    brake_batches: Count = 8
    brake_times_median: Count = 3
    answered_within_school_days: Count = 20
    household: bool = True
    referral_sessions: Annotated[int, Field(ge=1, le=400)] = 60  # of the certificate that local authorities ask for
    without_approval: tuple[Literal[MAY_GO_UNAPPROVED], ...] = ()  # type: ignore[valid-type]  # as above


class Suppression(_Strict):
    minimum_group: Count = 5
    minimum_characteristic_group: Count = 10


class Incentives(_Strict):
    """Prizes for being on time and for attendance: rules.md section 8; docs/class-lists.md says how they are drawn.

    `raffle`: whether there is a weekly one. `prize_pot_school_weeks`: how many school weeks a prize pot is about, 0 for
    none. `minimum_possible_sessions`: below this, in any of the weeks that are compared, a pupil has no part in a prize
    pot. `raffle_prize`, `prize_pot_prize`: what is won, as certificates say it; blank: not said.
    """

    raffle: bool = True
    raffle_prize: str = ""
    prize_pot_school_weeks: Annotated[int, Field(ge=0, le=40)] = 6
    prize_pot_prize: str = ""
    minimum_possible_sessions: Annotated[int, Field(ge=1, le=400)] = 20


class PolicySetting(_Strict):
    name: str
    reviewed_against: str = ""
    review_by: dt.date | None = None
    ladder: Annotated[tuple[Ladder, ...], Field(min_length=1)]
    penalty_notice_rules: tuple[PenaltyNoticeRule, ...] = ()
    tiers: Tiers = Tiers()
    penalty_notices: PenaltyNotices = PenaltyNotices()
    statutory: Statutory = Statutory()
    letters: Letters = Letters()
    suppression: Suppression = Suppression()
    incentives: Incentives = Incentives()
    tasks: Mapping[str, TaskSetting] = Field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _examples_of_this_policy(self) -> Self:
        unknown = unknown_words(self.examples, ACTIONS, [r.name for r in self.penalty_notice_rules])
        if unknown:
            raise ValueError("; ".join(unknown))
        return self

    @model_validator(mode="after")
    def _known_tasks(self) -> Self:
        if self.tasks:
            from attendance_pipeline.law.task_catalogue import shipped_catalogue

            days = {k.task: k.due_school_days for k in shipped_catalogue().tasks}
            for words, own in self.tasks.items():
                if words not in days:
                    raise ValueError(f"[tasks] to name tasks of the catalogue ({'; '.join(days)}), not {words!r}")
                if own.due_school_days is not None and days[words] is None:
                    raise ValueError(f"[tasks] no due_school_days for {words!r}: something else says when it is due")
        return self

    @model_validator(mode="after")
    def _no_version_twice(self) -> Self:
        dates = [entry.valid_from for entry in self.ladder]
        if len(set(dates)) != len(dates):
            raise ValueError("each [[ladder]] to have its own valid_from")
        names = [(r.name, r.valid_from) for r in self.penalty_notice_rules]
        if len(set(names)) != len(names):
            raise ValueError("each [[penalty_notice_rules]] to have its own name, or its own valid_from")
        return self


Versioned = TypeVar("Versioned", bound=_Dated)


def rules_on(rules: Sequence[PenaltyNoticeRule], day: dt.date) -> tuple[PenaltyNoticeRule, ...]:
    """The rules in force on a day: of those of one name the newest."""
    newest: dict[str, PenaltyNoticeRule] = {}
    for rule in sorted(rules, key=lambda r: r.valid_from or dt.date.min):
        if rule.valid_on(day):
            newest[rule.name] = rule
    return tuple(r for r in rules if newest.get(r.name) is r)


class Policy:
    """A policy file that has been read. `version` is a short hash of its text: the evidence of a decision names it."""

    def __init__(self, setting: PolicySetting, text: str, path: Path | None = None) -> None:
        self.setting = setting
        self.path = path
        self.name = setting.name
        self.version = hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def ladders(self) -> tuple[Ladder, ...]:
        """Versions of the ladder, oldest first."""
        return tuple(sorted(self.setting.ladder, key=lambda v: v.valid_from or dt.date.min))

    def ladder_on(self, day: dt.date) -> Ladder | None:
        """The ladder in force: the newest whose valid_from is not after `day`; None before the first."""
        return self._newest(self.ladders, day)

    @property
    def rules(self) -> tuple[PenaltyNoticeRule, ...]:
        return self.setting.penalty_notice_rules

    def rules_on(self, day: dt.date) -> tuple[PenaltyNoticeRule, ...]:
        """The rules in force: of those of one name the newest, as with the ladder."""
        return rules_on(self.rules, day)

    @staticmethod
    def _newest(versions: Sequence[Versioned], day: dt.date) -> Versioned | None:
        inside = [v for v in versions if v.valid_on(day)]
        return inside[-1] if inside else None


def thousandths(percent: Decimal | Fraction | int) -> int:
    """A percentage as whole thousandths of a percent."""
    return int(percent * PERCENT_SCALE)


def policy_from_text(text: str, path: Path) -> Policy:
    """Read a policy from its TOML. Raises SettingsError naming file, key and what was expected."""
    with refused(path, PolicySetting):
        setting = PolicySetting.model_validate(tomllib.loads(text))
    return Policy(setting, text, path)


def read_policy(path: Path) -> Policy:
    with refused(path):
        text = path.read_text(encoding="utf-8")
    return policy_from_text(text, path)


def shipped_policies() -> list[str]:
    """The names of the policies that come with the product: the default, then the others by name."""
    found = files(__package__).joinpath("policies").iterdir()
    names = [f.name.removesuffix(".toml") for f in found if f.name.endswith(".toml")]
    return sorted(names, key=lambda name: (name != SHIPPED_DEFAULT, name))


def shipped_policy_text(name: str = SHIPPED_DEFAULT) -> str:
    """The text of a policy that comes with the product, to be copied into a home. Raises FileNotFoundError."""
    return files(__package__).joinpath("policies", f"{name}.toml").read_text(encoding="utf-8")

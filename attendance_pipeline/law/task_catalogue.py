"""Which tasks there are, whose they are and when they are due: the data of `tasks.toml`, and what a policy says else.

Belongs here: the shape of the catalogue and reading it. Not here: which pupil has which task (`derive/tasks`).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from attendance_pipeline.law.policy import ACTIONS, Policy, TaskOwners
from attendance_pipeline.law.settings_errors import refused

OCCASIONS = (
    "stage_opened",
    "monitoring",
    "reviewed",
    "absent_after_meeting",
    "unresolved_n",
    "threshold_met",
    "number_reached",
    "notice_to_improve_breached",
    "notice_to_improve_ended",
    "illness_spells",
    "school_weeks",
    "letter_proposed",
    "letter_approved",
    "letter_held",
)
# These stand in the ledger of letters and not in the marks or the log: what makes them is not derived.
OF_THE_LEDGER = ("letter_proposed", "letter_approved", "letter_held")
_OF_A_STAGE = ("stage_opened", "monitoring", "reviewed", "absent_after_meeting")
# What says when these are due stands elsewhere: the policy's days for an N, the ladder's review, the end of the weeks.
_DUE_ELSEWHERE = ("unresolved_n", "monitoring", "school_weeks")


class TaskKind(BaseModel):
    """One kind of task. `owner`: one or several; each has it on the own list, and one entry closes it for all.

    `due_school_days` None: the policy says (`unresolved_n`), the day of the review is it (`monitoring`), or the last
    day of the `every_school_weeks` (`school_weeks`: of the whole school, closed by entries for the whole school).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Annotated[str, Field(min_length=1, max_length=128)]
    owner: TaskOwners
    on: Literal[OCCASIONS]  # type: ignore[valid-type]  # pydantic reads the tuple; the words are above
    stage: Annotated[int, Field(ge=1, le=4)] | None = None
    spells: Annotated[int, Field(ge=1, le=50)] | None = None
    every_school_weeks: Annotated[int, Field(ge=1, le=20)] | None = None
    due_school_days: Annotated[int, Field(ge=0, le=200)] | None = None
    closed_by: tuple[Literal[ACTIONS], ...]  # type: ignore[valid-type]  # as above
    source: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.on in _OF_A_STAGE) != (self.stage is not None):
            raise ValueError(f"a stage for a task on {', '.join(_OF_A_STAGE)}, and for no other")
        if (self.on == "illness_spells") != (self.spells is not None):
            raise ValueError("spells for a task on illness_spells, and for no other")
        if (self.on == "school_weeks") != (self.every_school_weeks is not None):
            raise ValueError("every_school_weeks for a task on school_weeks, and for no other")
        if self.on == "school_weeks" and "class-teacher" in self.owner:
            raise ValueError("no class-teacher for a task on school_weeks, which is of no one pupil")
        if (self.on in _DUE_ELSEWHERE) != (self.due_school_days is None):
            raise ValueError(f"due_school_days, except on {' and '.join(_DUE_ELSEWHERE)}, where something else says it")
        return self


class Catalogue(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = ""
    tasks: tuple[TaskKind, ...]

    @model_validator(mode="after")
    def _no_task_twice(self) -> Self:
        if len({t.task for t in self.tasks}) != len(self.tasks):
            raise ValueError("each task to have its own words")
        return self


def catalogue_from_text(text: str, path: Path) -> Catalogue:
    """Read a catalogue. Raises SettingsError naming file, key and what was expected."""
    with refused(path, Catalogue):
        return Catalogue.model_validate(tomllib.loads(text))


def catalogue_of(policy: Policy) -> Catalogue:
    """The shipped catalogue with the owners and days that a school's policy has instead."""
    own = policy.setting.tasks
    if not own:
        return shipped_catalogue()
    kinds = shipped_catalogue().tasks
    wanted = [k for k in kinds if k.task not in own or own[k.task].wanted]
    fields = {words: task.model_dump(exclude_none=True, exclude={"wanted"}) for words, task in own.items()}
    tasks = tuple(k.model_copy(update=fields.get(k.task, {})) for k in wanted)
    return shipped_catalogue().model_copy(update={"tasks": tasks})


@cache
def shipped_catalogue() -> Catalogue:
    """The catalogue that comes with the product."""
    text = files(__package__).joinpath("tasks.toml").read_text(encoding="utf-8")
    return catalogue_from_text(text, Path("tasks.toml"))

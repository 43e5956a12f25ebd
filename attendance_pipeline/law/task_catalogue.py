"""Which tasks there are, whose they are and when they are due: the data of `tasks.toml`.

Belongs here: the shape of the catalogue and reading it. Not here: which pupil has which task (`derive/tasks`).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from attendance_pipeline.law.policy import ACTIONS
from attendance_pipeline.law.settings_errors import refused

OCCASIONS = (
    "stage_opened",
    "reviewed",
    "absent_after_meeting",
    "unresolved_n",
    "threshold_met",
    "notice_to_improve_breached",
    "notice_to_improve_ended",
    "illness_spells",
    "letter_proposed",
    "letter_approved",
)
# These stand in the ledger of letters and not in the marks or the log: what makes them is not derived.
OF_THE_LEDGER = ("letter_proposed", "letter_approved")
OWNERS = ("office", "attendance-lead", "class-teacher", "senco", "headteacher", "slt")
_OF_A_STAGE = ("stage_opened", "reviewed", "absent_after_meeting")


class TaskKind(BaseModel):
    """One kind of task. `due_school_days` None: the policy says (only `unresolved_n`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Annotated[str, Field(min_length=1, max_length=128)]
    owner: Literal[OWNERS]  # type: ignore[valid-type]  # pydantic reads the tuple; the words are above
    on: Literal[OCCASIONS]  # type: ignore[valid-type]  # as above
    stage: Annotated[int, Field(ge=1, le=4)] | None = None
    spells: Annotated[int, Field(ge=1, le=50)] | None = None
    due_school_days: Annotated[int, Field(ge=0, le=200)] | None = None
    closed_by: tuple[Literal[ACTIONS], ...]  # type: ignore[valid-type]  # as above
    source: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.on in _OF_A_STAGE) != (self.stage is not None):
            raise ValueError(f"a stage for a task on {', '.join(_OF_A_STAGE)}, and for no other")
        if (self.on == "illness_spells") != (self.spells is not None):
            raise ValueError("spells for a task on illness_spells, and for no other")
        if (self.on == "unresolved_n") != (self.due_school_days is None):
            raise ValueError("due_school_days, except on unresolved_n, where the policy says it")
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


@cache
def shipped_catalogue() -> Catalogue:
    """The catalogue that comes with the product."""
    text = files(__package__).joinpath("tasks.toml").read_text(encoding="utf-8")
    return catalogue_from_text(text, Path("tasks.toml"))

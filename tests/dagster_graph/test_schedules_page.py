"""docs/schedules.md is written from the definitions: `python tests/dagster_graph/test_schedules_page.py` renews it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.home import HOME_VARIABLE, init_home
from schedules.timetable import IF_MISSED, READ_BY

PAGE = Path(__file__).parents[2] / "docs" / "schedules.md"
BEGIN, END = "<!-- schedules: written by tests/dagster_graph/test_schedules_page.py -->", "<!-- end of schedules -->"
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_CRON = re.compile(r"(\d+) (\d+) \* \* (\d)-(\d)")


def in_words(cron: str) -> str:
    """`30 2 * * 2-6` as people say it. Raises ValueError for any other form: give it its words here first."""
    found = _CRON.fullmatch(cron)
    if found is None:
        raise ValueError(f"no words for the times {cron!r}")
    minute, hour, first, last = map(int, found.groups())
    return f"{hour:02}:{minute:02}, {WEEKDAYS[first]} to {WEEKDAYS[last]}"


def _told(one: dg.ScheduleDefinition | dg.SensorDefinition, what: str) -> str:
    value: Any = one.metadata[what]
    return str(value.value)


def _made(definitions: dg.Definitions, jobs: Mapping[str, dg.JobDefinition], names: list[str]) -> str:
    """What the jobs make: each asset with the first sentence of what it is."""
    graph = definitions.resolve_asset_graph()
    keys = sorted({k for n in names for k in jobs[n].asset_layer.executable_asset_keys})
    said = [(k.to_user_string(), (graph.get(k).description or "").split(". ")[0].rstrip(" .")) for k in keys]
    return "\n".join(f"  - `{name}`: {words}." for name, words in said)


def _entry(title: str, description: str, starts: list[str], made: str, read_by: str, missed: str) -> str:
    lines = [f"### {title}", "", description, ""]
    if starts:
        lines += [f"- Starts the job `{'`, `'.join(starts)}`, which makes:", made]
    return "\n".join([*lines, f"- Who reads it: {read_by}", f"- If it was missed: {missed}"])


def entries(definitions: dg.Definitions) -> Iterator[str]:
    repository = definitions.get_repository_def()
    jobs = {j.name: j for j in repository.get_all_jobs()}
    schedules = sorted(repository.schedule_defs, key=lambda s: (str(s.cron_schedule).split()[1], s.name))
    for s in schedules:
        made = _made(definitions, jobs, [s.job_name])
        told = _told(s, READ_BY), _told(s, IF_MISSED)
        yield _entry(f"{in_words(str(s.cron_schedule))}: `{s.name}`", s.description or "", [s.job_name], made, *told)
    for sensor in sorted(repository.sensor_defs, key=lambda s: s.name):
        starts = [t.job_name for t in sensor.targets]
        made = _made(definitions, jobs, starts)
        told = _told(sensor, READ_BY), _told(sensor, IF_MISSED)
        yield _entry(f"When something happens: `{sensor.name}`", sensor.description or "", starts, made, *told)


def renewed(page: str, definitions: dg.Definitions) -> str:
    before, _, rest = page.partition(BEGIN)
    body = "\n\n".join(entries(definitions))
    return f"{before}{BEGIN}\n\n{body}\n\n{END}{rest.partition(END)[2]}"


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_definitions(init_home(tmp_path_factory.mktemp("page") / "home"))


def test_the_page_says_what_the_definitions_say(definitions: dg.Definitions) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert BEGIN in page and END in page
    assert page == renewed(page, definitions), "stale: python tests/dagster_graph/test_schedules_page.py"


def test_everything_that_starts_by_itself_says_who_reads_it_and_what_if_it_was_missed(
    definitions: dg.Definitions,
) -> None:
    repository = definitions.get_repository_def()
    every = [*repository.schedule_defs, *repository.sensor_defs]
    assert len(every) >= 10
    assert [one.name for one in every if not {READ_BY, IF_MISSED} <= set(one.metadata)] == []


@pytest.mark.parametrize(
    ("cron", "words"),
    [("30 2 * * 2-6", "02:30, Tuesday to Saturday"), ("5 16 * * 1-5", "16:05, Monday to Friday")],
)
def test_times_are_said_as_people_say_them(cron: str, words: str) -> None:
    assert in_words(cron) == words
    with pytest.raises(ValueError, match="no words"):
        in_words("*/5 * * * *")


if __name__ == "__main__":
    os.environ.pop(HOME_VARIABLE, None)
    os.chdir(PAGE.parent)
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), build_definitions()), encoding="utf-8")

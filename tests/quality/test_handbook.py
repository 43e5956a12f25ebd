"""The checks in docs/handbook.md are written from their tables: `python tests/quality/test_handbook.py` renews them.

And what else of the handbook can be held to the program: pictures that are there and small, links that lead somewhere,
commands that exist.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.quality import no_corrected_day_waits, nothing_set_aside
from assets.troubles import EVERY_SCHOOL_WELL
from attendance_pipeline.cli import _parser
from attendance_pipeline.home_settings import QualitySetting
from attendance_pipeline.quality.expectations import CHECKS, CLASS, GROUPS, NOTHING, ROLL, THAT_DAY
from schedules.jobs import JOBS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "handbook.md"
PAGES = (PAGE, DOCS / "set-up-linux.md", DOCS / "set-up-windows.md")
BEGIN, END = "<!-- checks: written by tests/quality/test_handbook.py -->", "<!-- end of checks -->"
OF = {CLASS: " (of a class)", ROLL: " (the roll)"}
LETTERS = {NOTHING: "go", THAT_DAY: "wait, for that day"}
BELOW, THERE = "named below", "named in `what-to-do.html`"  # the words were written for that page
LARGEST = 150_000  # bytes of a picture
# Those that are asked besides the expectations of a day, with what to do: their words are those of their own pages.
OTHERS = {
    "nothing_set_aside": (
        "no row or file is in quarantine",
        "open `quarantine.xlsx`: it says of each what to do",
        "go",
    ),
    "no_corrected_day_waits": (
        "no school day was corrected since it was last worked out",
        "nothing: the night works them out; or run `backfill` over them to have it now",
        "go",
    ),
    EVERY_SCHOOL_WELL: (
        "every step of the run worked for every school",
        "read what failed: the note says it in plain words. The other schools are done",
        "of that school: not made",
    ),
}


def table() -> str:
    """Group by group: what is expected, what it means if it is not so, what to do, whether letters wait."""
    setting, out = QualitySetting(), []
    for group, words in GROUPS.items():
        out += [f"### `{group}`", "", words, "", "| expected | if not, it means | do | letters |", "|---|---|---|---|"]
        for check in (c for c in CHECKS if c.group == group):
            letters = LETTERS.get(check.waits, "wait until it is settled")
            expected = check.expected_in(setting) + OF.get(check.scope, "")
            out.append(f"| {expected} | {check.means} | {check.to_do.replace(BELOW, THERE)} | {letters} |")
        out.append("")
    out += ["### The others", "", "| check | expected | do | letters |", "|---|---|---|---|"]
    out += [f"| `{name}` | {expected} | {do} | {letters} |" for name, (expected, do, letters) in OTHERS.items()]
    return "\n".join(out)


def renewed(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


def test_the_handbook_says_what_the_checks_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert BEGIN in page and END in page
    assert page == renewed(page), "the tables are stale: python tests/quality/test_handbook.py"


def test_every_check_of_the_register_is_in_the_handbook() -> None:
    asked = {spec.name for check in (nothing_set_aside, no_corrected_day_waits) for spec in check.check_specs}
    assert {*OTHERS} == asked | {EVERY_SCHOOL_WELL}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_what_the_pages_point_at_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (DOCS / target).exists(), target


def test_every_picture_is_used_and_small() -> None:
    used = set(re.findall(r"\(pictures/([^)]+)\)", PAGE.read_text(encoding="utf-8")))
    assert {file.name for file in (DOCS / "pictures").glob("*.png")} == used
    assert {name: size for name in used if (size := (DOCS / "pictures" / name).stat().st_size) > LARGEST} == {}


def commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices


def test_the_commands_and_jobs_that_are_named_exist() -> None:
    there = set(commands(_parser()))
    named = set()
    for page in PAGES:
        named |= set(re.findall(r"(?:`|bin/|Scripts\\)attendance (?!is\b)([a-z-]+)", page.read_text(encoding="utf-8")))
    assert named - there == set()
    assert {"backup", "restore", "backfill", "init", "check"} <= named
    assert {"backfill", "backfill_as_recorded", "nightly"} <= {job.name for job in JOBS}


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

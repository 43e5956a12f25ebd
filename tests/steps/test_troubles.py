"""What a failure of one school does to the others and to later steps, of one day to other days, and what is kept of it."""

from __future__ import annotations

import datetime as dt
import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from nights import DERIVED
from small_home import LAST_DAY, drop_pupils, drop_weeks, exported, load, school_days, small_home

from attendance_pipeline.home import School
from attendance_pipeline.steps import school_pages
from attendance_pipeline.steps.restate import done_days, due_days, restate
from attendance_pipeline.steps.site import Site, open_site
from attendance_pipeline.steps.troubles import (
    BOARD,
    DERIVE,
    LETTERS,
    PLAN,
    PROPOSE,
    TAKE_IN,
    WORKLISTS,
    each_school,
    is_everybodys,
    open_troubles,
    told,
    told_by_school,
)
from attendance_pipeline.store.warehouse import WarehouseError

A_NAME = "Qxzv Surname"  # of a pupil, in the words of an error that is not ours
EARLY, MIDDLE, LATE = dt.date(2026, 9, 1), dt.date(2026, 9, 16), LAST_DAY


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two terms of marks of one school, and every day derived. Not to be changed but by what a test undoes."""
    home = small_home(tmp_path_factory.mktemp("troubles") / "home")
    drop_pupils(home, "06-01")
    drop_weeks(home, {})
    load(home)
    with open_site(home) as site:
        restate(site, due_days(site, LAST_DAY), DERIVED)
    return home


@pytest.fixture
def three(loaded: Path) -> Iterator[Site]:
    """The same home as one of three schools, of which the other two have nothing loaded."""
    with open_site(loaded) as site:
        (one,) = site.home.schools
        schools = tuple(replace(one, id=name, name=f"{name.title()} School") for name in ("ash", "beech", "oakfield"))
        site.home = replace(site.home, schools=schools)
        yield site
        each_school(site, TAKE_IN, lambda school: None)
        for step in (BOARD, PROPOSE, WORKLISTS, LETTERS, PLAN):
            each_school(site, step, lambda school: None)
        assert open_troubles(site) == []


def failing(*names: str, error: Exception | None = None) -> Callable[[School], str]:
    """What gives a school's id, and fails for these."""

    def work(school: School) -> str:
        if school.id in names:
            raise error or KeyError(A_NAME)
        return school.id

    return work


# ---------------------------------------------------------------- schools


def test_the_others_go_on_and_nothing_is_kept_of_words_that_are_not_ours(three: Site) -> None:
    assert each_school(three, BOARD, failing("beech")) == ["ash", "oakfield"]
    (trouble,) = open_troubles(three)
    assert (trouble.school, trouble.step, trouble.kind, trouble.words, trouble.times) == (
        *("beech", BOARD, "KeyError", ""),
        1,
    )
    (line,) = told(three.home, [trouble])
    assert line.startswith("Beech School: making the board failed (KeyError")
    assert A_NAME not in repr(trouble) + line


def test_it_comes_back_as_the_same_trouble_and_is_over_when_the_step_works(three: Site) -> None:
    for _ in range(3):
        each_school(three, BOARD, failing("ash"))
    (trouble,) = open_troubles(three)
    assert trouble.times == 3
    assert "3 times since" in told(three.home, [trouble])[0]
    each_school(three, WORKLISTS, failing())
    assert len(open_troubles(three)) == 1, "another step has worked"
    each_school(three, BOARD, failing())
    assert open_troubles(three) == []


@pytest.mark.parametrize(
    ("failed", "step", "passed_over"),
    [
        (TAKE_IN, PROPOSE, True),
        (TAKE_IN, WORKLISTS, True),
        (TAKE_IN, DERIVE, False),
        (PROPOSE, LETTERS, True),
        (PROPOSE, BOARD, True),
        (PROPOSE, WORKLISTS, False),
        (LETTERS, BOARD, True),
        (WORKLISTS, BOARD, False),
        (BOARD, LETTERS, False),
        (PLAN, LETTERS, False),
    ],
)
def test_which_later_steps_pass_the_school_over(three: Site, failed: str, step: str, passed_over: bool) -> None:
    each_school(three, failed, failing("beech"))
    assert each_school(three, step, failing()) == [*("ash",), *(() if passed_over else ("beech",)), "oakfield"]
    assert [t.school for t in three.held_by.values()] == (["beech"] if passed_over else [])


def test_what_every_school_has_is_raised_and_is_no_schools_own(three: Site) -> None:
    with pytest.raises(KeyError):
        each_school(three, BOARD, failing("ash", "beech", "oakfield"))
    assert open_troubles(three) == []


@pytest.mark.parametrize(
    ("error", "everybodys"),
    [
        (KeyError("x"), False),
        (PermissionError(errno.EACCES, "no"), False),
        (sa.exc.IntegrityError("insert", None, Exception()), False),
        (sa.exc.DataError("insert", None, Exception()), False),
        (sa.exc.OperationalError("select", None, Exception()), True),
        (WarehouseError("the disk is full"), True),
        (OSError(errno.ENOSPC, "full"), True),
        (OSError(errno.EROFS, "read-only"), True),
        (MemoryError(), True),
        (KeyboardInterrupt(), True),
    ],
    ids=lambda e: type(e).__name__,
)
def test_what_is_everybodys(error: BaseException, everybodys: bool) -> None:
    assert is_everybodys(error) is everybodys


def test_what_is_everybodys_stops_the_step_and_what_was_known_is_noted(three: Site) -> None:
    def work(school: School) -> None:
        raise KeyError(A_NAME) if school.id == "ash" else OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        each_school(three, BOARD, work)
    assert [t.school for t in open_troubles(three)] == ["ash"]


def test_a_school_is_told_in_one_line_with_the_first_that_failed(three: Site) -> None:
    for step in (PLAN, WORKLISTS):
        each_school(three, step, failing("ash"))
    each_school(three, BOARD, failing("ash", "beech"))
    lines = told_by_school(three.home, open_troubles(three))
    assert [line.partition(" failed")[0] for line in lines] == [
        "Ash School: making the worklists",
        "Beech School: making the board",
    ]
    assert lines[0].endswith("; and 2 more steps after it")


# ---------------------------------------------------------------- days


@pytest.mark.parametrize(
    ("bad", "spans", "holds"),
    [
        ([MIDDLE], [(MIDDLE, MIDDLE)], [False]),
        ([EARLY, MIDDLE], [(EARLY, EARLY), (MIDDLE, MIDDLE)], [False, False]),
        ([MIDDLE, MIDDLE + dt.timedelta(days=1)], [(MIDDLE, MIDDLE + dt.timedelta(days=1))], [False]),
        ([LATE], [(LATE, LATE)], [True]),
        ([MIDDLE, LATE], [(MIDDLE, MIDDLE), (LATE, LATE)], [False, True]),
    ],
    ids=["one", "two", "two together", "the newest", "one and the newest"],
)
def test_a_bad_day_does_not_stop_the_others_has_no_page_and_is_due_again(
    loaded: Path,
    monkeypatch: pytest.MonkeyPatch,
    bad: list[dt.date],
    spans: list[tuple[dt.date, dt.date]],
    holds: list[bool],
) -> None:
    before = exported(loaded, DERIVED)
    days = [day for day in school_days() if day >= EARLY]
    with open_site(loaded) as site, monkeypatch.context() as patch:
        (school,) = site.schools()
        numbers, page_of = {school.calendar.index(day) for day in bad}, school_pages.to_page

        def to_page(whole: object, table: str, day: int) -> bytes:
            if day in numbers:
                raise KeyError(A_NAME)
            return page_of(whole, table, day)  # type: ignore[arg-type]

        patch.setattr(school_pages, "to_page", to_page)
        restate(site, days, DERIVED)
        assert set(school_days()) - set(done_days(site, school)) == set(bad)
        found = open_troubles(site)
        assert [(t.first_day, t.last_day) for t in found] == spans
        assert [t.holds for t in found] == holds
        assert A_NAME not in repr(found)
        handed_out = each_school(site, WORKLISTS, lambda s: s.id)
        assert handed_out == ([] if any(holds) else [school.id])
        assert set(bad) <= set(due_days(site, LAST_DAY))
    with open_site(loaded) as site:
        restate(site, due_days(site, LAST_DAY), DERIVED)
        assert open_troubles(site) == []
    assert exported(loaded, DERIVED) == before


def test_where_no_day_can_be_worked_out_nothing_changes(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = exported(loaded, DERIVED)

    def to_page(whole: object, table: str, day: int) -> bytes:
        raise KeyError(A_NAME)

    with open_site(loaded) as site, monkeypatch.context() as patch:
        patch.setattr(school_pages, "to_page", to_page)
        with pytest.raises(KeyError):
            restate(site, school_days(), DERIVED)
    assert exported(loaded, DERIVED) == before
    with open_site(loaded) as site:
        (trouble,) = open_troubles(site)
        assert (trouble.first_day, trouble.last_day, trouble.holds) == (school_days()[0], LAST_DAY, True)
        restate(site, [LAST_DAY], DERIVED)  # as the next night does: the others have their pages
        assert open_troubles(site) == []

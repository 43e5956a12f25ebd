"""Each kind of late correction: afterwards a home says what it would say had the extracts been right from the beginning,
and what it said on the evening before can still be had, byte for byte.

A case is read thus: in the first lines what the school's system said week after week and what it should have said; then
the extract that came in October; then what the home said of one pupil before and says now. See small_home.py for the
two terms, and for lines such as `06-08 to 06-12 O`.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from small_home import (
    AFTERWARDS,
    ANN,
    BEN,
    CAT,
    DAN,
    EVE,
    EVERYBODY,
    FAY,
    REGISTER,
    WITH_AS_AT,
    derive,
    drop,
    drop_pupils,
    drop_weeks,
    exported,
    load,
    marks,
    rows_of,
    same,
    school_days,
    small_home,
)

from attendance_pipeline.mis.upn import check_letter

EVENING = dt.date(2026, 10, 16)  # when all of the extracts but the correction had come
TEMPORARY = f"{check_letter('32020132490A')}32020132490A"  # a temporary UPN ends in a letter
REGISTERED = ("school", "upn", "date", "session", "code")
Roll = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Case:
    """`said`, `right`: marks by pupil. `roll`, `right_roll`: fields of pupils that differ from the usual ones.

    `late`: drops the extract with the correction. `due_from`: the first day that must be derived again. `pupil`, `told`:
    {day: (before, now)} of one pupil, see `told_of`.
    """

    pupil: str
    late: Callable[[Path], None]
    due_from: str
    told: Mapping[str, tuple[str, str]]
    said: Mapping[str, str] = field(default_factory=dict)
    right: Mapping[str, str] = field(default_factory=dict)
    roll: Roll = field(default_factory=dict)
    right_roll: Roll = field(default_factory=dict)
    upns: Roll = field(default_factory=dict)


def amended(lines: Mapping[str, str]) -> Callable[[Path], None]:
    """A register extract of 19 October that holds just these marks."""
    return lambda home: drop(
        home, "register_2026-10-19.csv", REGISTER, rows_of({pupil: marks(line) for pupil, line in lines.items()})
    )


def listed(changes: Roll) -> Callable[[Path], None]:
    """A pupils extract of 19 October."""
    return lambda home: drop_pupils(home, "10-19", changes)


CASES = {
    "a week of absence turns out to have been illness": Case(
        pupil=ANN,
        said={ANN: "06-08 to 06-12 O"},
        late=amended({ANN: "06-08 to 06-12 I"}),
        right={ANN: "06-08 to 06-12 I"},
        due_from="06-08",
        told={
            "06-12": ("10 of 20, 10 unauthorised; national near 8", "10 of 20, 0 unauthorised; national not met 0"),
            "07-17": ("60 of 70, 10 unauthorised; national met 10", "60 of 70, 0 unauthorised; national not met 0"),
            # Six weeks into the next academic year the window of ten school weeks reaches back to June no more.
            "09-08": ("12 of 12, 0 unauthorised; national met 10", "12 of 12, 0 unauthorised; national not met 0"),
            "10-16": ("68 of 68, 0 unauthorised; national not met 0", "68 of 68, 0 unauthorised; national not met 0"),
        },
    ),
    "two days of marks are withdrawn": Case(
        pupil=BEN,
        said={BEN: "06-08 to 06-09 O"},
        late=amended({BEN: "06-08 to 06-09 blank"}),
        right={BEN: "06-08 to 06-09 -"},
        due_from="06-08",
        told={
            "07-17": ("66 of 70, 4 unauthorised; national not met 4", "66 of 66, 0 unauthorised; national not met 0")
        },
    ),
    "a holiday is moved to the week in which it was": Case(
        pupil=DAN,
        said={DAN: "06-15 to 06-19 G"},
        late=amended({DAN: "06-15 to 06-19 present; 06-22 to 06-26 G"}),
        right={DAN: "06-22 to 06-26 G"},
        due_from="06-15",
        told={
            "06-19": ("20 of 30, 10 unauthorised; national near 8", "30 of 30, 0 unauthorised; national not met 0"),
            "06-26": ("30 of 40, 10 unauthorised; national met 10", "30 of 40, 10 unauthorised; national near 8"),
            "07-17": ("60 of 70, 10 unauthorised; national met 10", "60 of 70, 10 unauthorised; national met 10"),
        },
    ),
    "marks are moved to another date, months later": Case(
        pupil=EVE,
        said={EVE: "06-03 O; 09-07 -"},
        late=amended({EVE: "06-03 present; 09-07 O"}),
        right={EVE: "09-07 O"},
        due_from="06-03",
        told={
            "07-17": ("68 of 70, 2 unauthorised; national not met 2", "70 of 70, 0 unauthorised; national not met 0"),
            "09-08": ("10 of 10, 0 unauthorised; national not met 2", "10 of 12, 2 unauthorised; national not met 2"),
        },
    ),
    "registers that were missing for a day come six weeks later": Case(
        pupil=CAT,
        said=dict.fromkeys(EVERYBODY, "09-03 -"),
        late=amended({pupil: "09-03 N" if pupil == CAT else "09-03 present" for pupil in EVERYBODY}),
        right={CAT: "09-03 N"},
        due_from="09-03",
        told={"09-04": ("6 of 6, 0 unauthorised; national not met 0", "6 of 8, 2 unauthorised; national not met 2")},
    ),
    "the whole school's mornings of a term are rewritten": Case(
        pupil=FAY,
        said=dict.fromkeys(EVERYBODY, "06-01 to 07-17 AM L"),
        late=amended(dict.fromkeys(EVERYBODY, "06-01 to 07-17 AM U")),
        right=dict.fromkeys(EVERYBODY, "06-01 to 07-17 AM U"),
        due_from="06-01",
        told={
            "07-17": ("70 of 70, 0 unauthorised; national not met 0", "35 of 70, 35 unauthorised; national met 34"),
        },
    ),
    "a pupil had entered earlier": Case(
        pupil=EVE,
        said={EVE: "06-03 O"},
        right={EVE: "06-03 O"},
        roll={EVE: {"entry": "2026-06-15"}},
        late=listed({}),
        due_from="06-01",
        told={
            "07-17": ("50 of 50, 0 unauthorised; national not met 0", "68 of 70, 2 unauthorised; national not met 2")
        },
    ),
    "a pupil entered later": Case(
        pupil=EVE,
        said={EVE: "06-03 O"},
        right={EVE: "06-03 O"},
        right_roll={EVE: {"entry": "2026-06-15"}},
        late=listed({EVE: {"entry": "2026-06-15"}}),
        due_from="06-01",
        told={
            "06-12": ("18 of 20, 2 unauthorised; national not met 2", "not on roll"),
            "07-17": ("68 of 70, 2 unauthorised; national not met 2", "50 of 50, 0 unauthorised; national not met 0"),
        },
    ),
    "a pupil had left, and the register went on": Case(
        pupil=BEN,
        said={BEN: "06-22 to 07-17 O; 09-01 to 10-16 O"},
        right={BEN: "06-22 to 07-17 O; 09-01 to 10-16 O"},
        right_roll={BEN: {"leaving": "2026-06-26"}},
        late=listed({BEN: {"leaving": "2026-06-26"}}),
        due_from="06-29",
        told={
            "06-26": ("30 of 40, 10 unauthorised; national near 8", "30 of 40, 10 unauthorised; national near 8"),
            "07-17": ("30 of 70, 40 unauthorised; national met 38", "not on roll"),
        },
    ),
    "a pupil who was to leave stayed": Case(
        pupil=BEN,
        said={BEN: "09-21 to 10-02 O"},
        right={BEN: "09-21 to 10-02 O"},
        roll={BEN: {"leaving": "2026-07-17"}},
        late=listed({}),
        due_from="09-01",
        told={"10-16": ("not on roll", "48 of 68, 20 unauthorised; national met 20")},
    ),
    "a temporary UPN became permanent": Case(
        pupil=ANN,
        said={ANN: "06-08 to 06-12 O"},
        right={ANN: "06-08 to 06-12 O"},
        roll={ANN: {"upn": TEMPORARY}},
        upns={"06-01": {ANN: TEMPORARY}},
        late=listed({}),
        due_from="06-01",
        told={"07-17": ("not on roll", "60 of 70, 10 unauthorised; national met 10")},
    ),
}


def home_of(folder: Path, said: Mapping[str, str], roll: Roll, upns: Roll) -> Path:
    home = small_home(folder)
    drop_pupils(home, "06-01", roll)
    drop_weeks(home, said, upns)
    load(home)
    derive(home)
    return home


def told_of(tables: Mapping[str, str], pupil: str, day: str) -> str:
    """What a home says of a pupil on a day: sessions attended of possible ones in the year to date, unauthorised ones,
    and the status and count of the national framework's rule (of the sessions up to the day before)."""
    where = {"upn": pupil, "date": f"2026-{day}"}
    measured = rows(tables["measures"], measure="year_to_date", **where)
    if not measured:
        return "not on roll"
    (m,), (n,) = measured, rows(tables["penalty_notices"], rule="national-framework-2024", **where)
    status = n["status"].replace("_", " ")
    return f"{m['attended']} of {m['possible']}, {m['unauthorised']} unauthorised; national {status} {n['counted']}"


def rows(text: str, **where: str) -> list[dict[str, str]]:
    """The rows of an exported table whose columns are as said."""
    return [row for row in csv.DictReader(io.StringIO(text)) if all(row[k] == v for k, v in where.items())]


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_after_a_correction_all_is_as_if_it_had_been_right_from_the_beginning(case: Case, tmp_path: Path) -> None:
    home = home_of(tmp_path / "home", case.said, case.roll, case.upns)
    right = home_of(tmp_path / "right", case.right, case.right_roll, {})
    before = exported(home, WITH_AS_AT)
    assert exported(home, WITH_AS_AT, as_at=EVENING) == before, "the evening's own tables"

    case.late(home)
    load(home)
    due = derive(home)
    assert due == [d for d in school_days() if d >= dt.date.fromisoformat(f"2026-{case.due_from}")]
    now = exported(home, AFTERWARDS)
    told = {day: tuple(told_of(tables, case.pupil, day) for tables in (before, now)) for day in case.told}
    assert told == case.told
    assert same(now, exported(right, AFTERWARDS)) == dict.fromkeys(AFTERWARDS, True)
    assert register(home) == register(right)
    assert same(exported(home, WITH_AS_AT, as_at=EVENING), before) == dict.fromkeys(WITH_AS_AT, True)
    assert derive(home) == [], "nothing is left to do"


def register(home: Path) -> list[tuple[str, ...]]:
    """The marks that count, without where each came from."""
    return [tuple(row[n] for n in REGISTERED) for row in rows(exported(home, ("register",))["register"])]


# ---------------------------------------------------------------- classes and years, which are of the day


def in_group(home: Path, kind: str, day: str) -> dict[str, int]:
    """How many pupils each class (or year, or cohort) has on a day."""
    groups = rows(exported(home, ("groups",))["groups"], group_kind=kind, date=f"2026-{day}", measure="year_to_date")
    return {row["group"]: int(row["pupils"]) for row in groups}


def test_a_pupil_who_changes_class_counts_in_each_class_while_in_it_however_late_that_is_known(tmp_path: Path) -> None:
    moved = {ANN: {"group": "5B", "fsm": "Y"}}
    on_time, late = (home_of(tmp_path / name, {ANN: "06-08 to 06-12 O"}, {}, {}) for name in ("on_time", "late"))
    drop_pupils(late, "10-12", moved)  # what is known by then of the day itself: it was said on 14 September, see below
    for home in (on_time, late):
        drop_pupils(home, "09-14", moved)
        load(home)
    assert derive(on_time) == derive(late) == [d for d in school_days() if d >= dt.date(2026, 9, 14)]
    for home in (on_time, late):
        for day, classes, fsm in (
            ("07-17", (3, 3), 0),
            ("09-11", (3, 3), 0),
            ("09-14", (2, 4), 1),
            ("10-16", (2, 4), 1),
        ):
            assert in_group(home, "class", day) == {"5A": classes[0], "5B": classes[1]}, day
            assert in_group(home, "cohort", day).get("FSM", 0) == fsm, day
    assert same(exported(late, AFTERWARDS), exported(on_time, AFTERWARDS)) == dict.fromkeys(AFTERWARDS, True)
    absent = rows(exported(late, ("groups",))["groups"], group="5A", date="2026-07-17", measure="year_to_date")
    assert [(r["attended"], r["possible"]) for r in absent] == [("200", "210")], "July is not rewritten"


def test_last_years_rates_stay_with_last_years_classes(tmp_path: Path) -> None:
    home = home_of(tmp_path / "home", {}, {}, {})
    before = exported(home, ("groups",))["groups"]
    drop_pupils(home, "09-01", {u: {"group": f"6{u[-1]}", "year": "6"} for u in EVERYBODY})
    load(home)
    assert derive(home)[0] == dt.date(2026, 9, 1)
    assert in_group(home, "year", "07-17") == {"5": 6}
    assert in_group(home, "year", "09-01") == {"6": 6}
    summer = [row for row in rows(before) if row["date"] < "2026-08"]
    assert [row for row in rows(exported(home, ("groups",))["groups"]) if row["date"] < "2026-08"] == summer


def test_of_the_days_before_a_pupil_was_first_listed_the_first_list_speaks(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    drop_pupils(home, "09-04")
    drop_pupils(home, "10-01", {FAY: {"group": "5A"}})
    drop_weeks(home, {})
    load(home)
    derive(home)
    assert [in_group(home, "class", d) for d in ("06-01", "09-30", "10-01")] == [
        {"5A": 3, "5B": 3},
        {"5A": 3, "5B": 3},
        {"5A": 4, "5B": 2},
    ]


def test_a_register_may_come_days_before_the_first_pupils(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    drop_weeks(home, {BEN: "09-07 to 09-18 O"})
    load(home)
    derive(home)
    nobody = exported(home, AFTERWARDS)
    of_pupils = [name for name in AFTERWARDS if name not in ("groups", "tasks")]  # a school has rows there without any
    assert {name: len(rows(nobody[name])) for name in of_pupils} == dict.fromkeys(of_pupils, 0)
    assert {row["upn"] for row in rows(nobody["tasks"])} <= {""}
    drop_pupils(home, "10-16")
    load(home)
    assert derive(home) == school_days()
    right = home_of(tmp_path / "right", {BEN: "09-07 to 09-18 O"}, {}, {})
    assert same(exported(home, AFTERWARDS), exported(right, AFTERWARDS)) == dict.fromkeys(AFTERWARDS, True)

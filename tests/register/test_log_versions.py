"""A living log: what of it stands when entries are added, edited, taken out, lost, or withdrawn in words."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import pytest
from school_files import ANN, BEN, CAT, SCHOOL, load_all, quarantine_rows, write

from attendance_pipeline.register.log_versions import LITTLE_LEFT, series_of
from attendance_pipeline.register.roll import GONE, current_interventions
from attendance_pipeline.store.warehouse import Warehouse

HEADER = "UPN,Date,Action,Stage,Until,Note,Withdrawn"
# Entries by their note. A capital is the same entry edited in a column that does not name it; `b'` has another date and
# so is another entry; `a!` says of `a` that it is withdrawn; `?` is a row that cannot be used.
ENTRIES = {
    "a": f"{ANN},2026-01-05,hold,,",
    "A": f"{ANN},2026-01-05,hold,,2026-01-09",
    "a!": f"{ANN},2026-01-05,hold,,",
    "b": f"{BEN},2026-01-05,phone_call,1,",
    "b'": f"{BEN},2026-01-06,phone_call,1,",
    "c": f"{CAT},2026-01-05,set_stage,2,",
    "d": f"{CAT},2026-01-07,release,,",
    "e": f"{ANN},2026-01-07,release,,",
    "?": "not-a-upn,2026-01-05,hold,,",
}


def rows_of(content: str) -> list[str]:
    return [f"{ENTRIES[name]},{name},{'Y' if name.endswith('!') else ''}" for name in content.split()]


def versions(inbox: Path, *contents: str, name: str = "") -> None:
    """Versions of a log, made day after day from 5 January on."""
    for number, content in enumerate(contents):
        write(inbox, f"interventions_2026-01-{5 + number:02}{name}.csv", HEADER, rows_of(content))


def stands(warehouse: Warehouse, as_at: dt.date | None = None) -> str:
    with warehouse.read() as conn:
        return " ".join(sorted(current_interventions(conn, SCHOOL, as_at)["note"], key=str.lower))


@pytest.mark.parametrize(
    ("said", "changes", "complete"),
    [
        (["a b", "a b c"], "a b c", "a b c"),  # as it should be
        (["a b c", "A b c"], "A b c", "A b c"),  # edited
        (["a b c", "a b"], "a b c", "a b"),  # taken out
        (["a b c", "a b", "a b c"], "a b c", "a b c"),  # and put back
        (["a b c", "a b' c"], "a b b' c", "a b' c"),  # its date corrected
        (["a b c", "a! b c"], "b c", "b c"),  # withdrawn in words
        (["a b c", "a! b c", "a b c"], "a b c", "a b c"),
        (["a b c", "a!"], "b c", "b c"),  # by a file that holds nothing else: one of three, so another log
        (["a b c d", "a b c ?"], "a b c d", "a b c d"),  # the row set aside may be d
        (["a b c d", "a b c ?", "a b c"], "a b c d", "a b c"),
        (["a b c d", "a"], "a b c d", "a b c d"),  # less than half: a file cut short, or a new year's log
        (["a b c d", "a", "a e"], "a b c d e", "a b c d e"),
        (["a b c d", "a b"], "a b c d", "a b"),  # half of it is enough
        (["a b c d", ""], "a b c d", "a b c d"),  # somebody has deleted everything
        (["", "a"], "a", "a"),
        (["a", "a b", "a b", "b"], "a b", "b"),
    ],
)
def test_what_stands_of_a_log(
    warehouse: Warehouse, tmp_path: Path, said: list[str], changes: str, complete: str
) -> None:
    versions(tmp_path / "inbox", *said)
    load_all(warehouse, tmp_path)
    assert stands(warehouse) == changes
    load_all(warehouse, tmp_path, log_complete=True)  # the setting alone has changed: no file comes again
    assert stands(warehouse) == complete
    load_all(warehouse, tmp_path)
    assert stands(warehouse) == changes


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::29], ids=str)
def test_the_order_of_loading_does_not_matter(warehouse: Warehouse, tmp_path: Path, order: tuple[int, ...]) -> None:
    said = ["a b c", "a b c d", "a b ? d", "A b d", "A b d e"]
    for place in order:
        write(tmp_path / "inbox", f"interventions_2026-01-{5 + place:02}.csv", HEADER, rows_of(said[place]))
        load_all(warehouse, tmp_path, log_complete=True)
    assert stands(warehouse) == "A b d e"
    assert stands(warehouse, dt.date(2026, 1, 7)) == "a b c d"
    assert quarantine_rows(warehouse) == ["interventions_2026-01-07.csv:4 UPN: not a UPN"]


def test_two_logs_of_one_school_take_nothing_from_each_other(warehouse: Warehouse, tmp_path: Path) -> None:
    versions(tmp_path / "inbox", "a b", "a b")
    versions(tmp_path / "inbox", "c d", "c", name="_senco")
    load_all(warehouse, tmp_path, log_complete=True)
    assert stands(warehouse) == "a b c"


def test_a_version_with_little_left_needs_a_person_and_no_more_once_it_is_whole(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    versions(tmp_path / "inbox", "a b c d", "a")
    assert load_all(warehouse, tmp_path, log_complete=True).quarantined_new == 1
    assert quarantine_rows(warehouse) == [f"interventions_2026-01-06.csv:1 (file): {LITTLE_LEFT}"]
    assert load_all(warehouse, tmp_path).quarantined_new == 0  # logs that only add cannot lose anything
    assert quarantine_rows(warehouse) == []


def test_what_the_newest_version_lacks_is_marked_where_it_counts_all_the_same(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    versions(tmp_path / "inbox", "a b c", "a b' c")
    load_all(warehouse, tmp_path)
    with warehouse.read() as conn:
        log = current_interventions(conn, SCHOOL)
    assert log.loc[log[GONE], ["upn", "date"]].astype(str).to_numpy().tolist() == [[BEN, "2026-01-05"]]


def test_a_log_of_additions_marks_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    versions(tmp_path / "inbox", "a b", "c", "d e")
    load_all(warehouse, tmp_path)
    with warehouse.read() as conn:
        assert not current_interventions(conn, SCHOOL)[GONE].any()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("interventions_2026-01-05.csv", "interventions_2026-02-13.xlsx", True),
        ("interventions_2026-01-05_senco.csv", "Interventions_2026-02-13_SENCO.csv", True),
        ("interventions_2026-01-05_senco.csv", "interventions_2026-01-05.csv", False),
        ("interventions_2026-01-05_070512_log.xlsx", "interventions_2026-01-06_231500_log.xlsx", True),
        ("Log 05.01.2026.xlsx", "Log 13.02.2026.xlsx", True),
        ("Log 20260105.xlsx", "Log 20260213.xlsx", True),
        ("Year 7 log.xlsx", "Year 8 log.xlsx", False),
        # What `attendance letters` writes of decisions is no version of what it wrote the day before.
        ("interventions_2026-01-05_decided-0001.csv", "interventions_2026-01-06_decided-0001.csv", False),
    ],
)
def test_versions_of_one_log_have_one_name_but_for_the_date(one: str, other: str, same: bool) -> None:
    assert (series_of(one) == series_of(other)) is same

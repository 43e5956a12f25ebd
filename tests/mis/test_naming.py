"""Who is named by a text or by the cells of a row: those who are meant, and nobody where the names of others meet."""

import pytest

from attendance_pipeline.mis.naming import naming_of
from attendance_pipeline.mis.without_rows import without_rows

# James Thomas and Ann Lee have left; the others stay.
GONE = [("James", "Thomas"), ("Ann", "Lee")]
STAY = [("Ella", "James"), ("Thomas", "Reed"), ("Thomas", "James"), ("Lee Ann", "Jones"), ("Sam", "Thomas")]
NAMING = naming_of(["A123456789012"], GONE, [], STAY)


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        (["James Thomas", "5A"], True),
        (["James", "Thomas", "5A"], True),
        (["Lee, Ann", "5A"], True),
        (["Lee", "2015-01-01", "Ann"], True),
        (["Ella James", "James Thomas"], True),
        (["Sam Thomas", "his brother James Thomas"], True),
        (["Ella James", "James Thomas", "Thomas Reed"], True),
        (["Ella James", "Thomas Reed", "A123456789012"], True),
        (["Ella", "James Thomas", "Reed"], True),
        # Ella James, and her father Thomas Reed
        (["Ella James", "Thomas Reed"], False),
        (["Ella", "James", "Thomas", "Reed"], False),
        (["Parent of Ella James\nThomas Reed, 1 High Street"], False),
        # somebody who stays is called so
        (["Ella James", "5A", "Mr Thomas James"], False),
        (["Ella", "James", "Thomas", "James"], False),
        (["Lee Ann Jones"], False),
        (["Lee-Ann", "Jones"], False),
    ],
)
def test_cells_of_a_row(cells: list[str], named: bool) -> None:
    assert NAMING.in_cells(cells) == named


def test_a_row_of_somebody_whose_name_meets_a_parents_stays_in_a_delivered_list() -> None:
    table = b"Pupil,Contact\nElla James,Thomas Reed\nJames Thomas,Sam Thomas\n"
    found = without_rows("list.csv", table, frozenset(), frozenset(), NAMING)
    assert found.data == b"Pupil,Contact\nElla James,Thomas Reed\n\n"
    assert found.gone == (3,)

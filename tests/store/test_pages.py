"""Pages: what goes in comes out, and the same arrays give the same bytes."""

import numpy as np
import pytest

from attendance_pipeline.store.pages import PageError, pack_page, unpack_page

COLUMNS = {
    "number": np.array([3, 1, 2], dtype=np.int32),
    "code": np.array([0, 255, 7], dtype=np.uint8),
    "ratio": np.array([0.5, np.nan, 1.0]),
    "flag": np.array([True, False, True]),
    "day": np.array(["2026-01-05", "NaT", "2026-01-07"], dtype="datetime64[s]"),
    "name": np.array(["b", None, "\\"], dtype=object),
}


NUMBERS = {name: c for name, c in COLUMNS.items() if name != "name"}
BOTH = pytest.mark.parametrize("columns", [COLUMNS, NUMBERS], ids=["with text", "numbers alone"])


@BOTH
def test_a_page_gives_back_its_arrays(columns):
    back = unpack_page(pack_page(columns))
    assert list(back) == list(columns)
    for name, column in columns.items():
        assert back[name].dtype == column.dtype
        np.testing.assert_array_equal(back[name], column)


@BOTH
def test_equal_arrays_give_equal_bytes(columns):
    again = {name: np.concatenate([c[:1], c[1:]]) for name, c in columns.items()}
    assert pack_page(columns) == pack_page(again)
    assert pack_page(columns) != pack_page({**columns, "code": np.array([0, 255, 8], dtype=np.uint8)})


def test_an_empty_page():
    back = unpack_page(pack_page({"code": np.zeros(0, dtype=np.uint8)}))
    assert back["code"].shape == (0,)


@pytest.mark.parametrize(
    "columns",
    [
        {"a": np.zeros(2), "b": np.zeros(3)},
        {"a": np.zeros((2, 2))},
        {"a": np.zeros(2, dtype=np.complex128)},
    ],
    ids=["lengths differ", "two dimensions", "a type without an Arrow form"],
)
def test_what_cannot_be_a_page_is_refused(columns):
    with pytest.raises(PageError):
        pack_page(columns)


@BOTH
@pytest.mark.parametrize("spoil", [lambda p: b"", lambda p: b"PK" + p, lambda p: p[:-5], lambda p: p[:40] + b"\0" * 40])
def test_damaged_bytes_are_refused(spoil, columns):
    with pytest.raises(PageError):
        unpack_page(spoil(pack_page(columns)))


def test_numbers_in_the_order_of_bytes_of_another_machine_give_the_same_page():
    swapped = {name: c.astype(c.dtype.newbyteorder(">")) for name, c in NUMBERS.items()}
    assert pack_page(swapped) == pack_page(NUMBERS)


def test_a_page_of_numbers_is_small():
    assert len(pack_page({"line": np.arange(3, dtype=np.int32), "record": np.arange(3, dtype=np.int32)})) < 100

"""What the text of one cell means."""

import datetime as dt

import pytest

from attendance_pipeline.mis import cells


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-05", dt.date(2026, 1, 5)),
        ("2026-01-05T12:00:00+01:00", dt.date(2026, 1, 5)),
        ("2026-01-05 00:00:00", dt.date(2026, 1, 5)),
        ("05/01/2026", dt.date(2026, 1, 5)),
        ("5/1/2026", dt.date(2026, 1, 5)),
        ("13/01/2026 09:15", dt.date(2026, 1, 13)),
        ("01/13/2026", None),
        ("2026-02-30", None),
        ("05/01/26", None),
        ("5 January 2026", None),
        ("45678", None),
        ("", None),
    ],
)
def test_dates(text, day):
    assert cells.date_of(text) == day


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("  Ann ", "Ann"),
        ("Ann\u00a0 Lee", "Ann Lee"),
        ("Year  7", "Year 7"),
        ("\u200eAnn\u202c", "Ann"),
        ("\ufeffUPN", "UPN"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("O\u2019Brien", "O\u2019Brien"),
        ("\\", "\\"),
        ("007", "007"),
    ],
)
def test_tidy_text(text, tidied):
    assert cells.tidy(text) == tidied


def test_a_upn_is_tidied_to_capitals_without_spaces():
    assert cells.tidy_upn(" q2070 0001 6049\u00a0") == "Q207000016049"


@pytest.mark.parametrize("text", ["Y", "yes", "TRUE", "1"])
def test_yes(text):
    assert cells.flag_of(text) is True


@pytest.mark.parametrize("text", ["N", "no", "False", "0"])
def test_no(text):
    assert cells.flag_of(text) is False


@pytest.mark.parametrize("text", ["", "maybe", "2"])
def test_neither(text):
    assert cells.flag_of(text) is None


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("N1", "N1"),
        ("Nursery 2", "N2"),
        ("R", "R"),
        ("Reception", "R"),
        ("Year  7".replace("  ", " "), "7"),
        ("Y13", "13"),
        ("Yr 3", "3"),
        ("10", "10"),
        ("14", None),
        ("0", None),
        ("Year", None),
        ("", None),
    ],
)
def test_year_groups(text, group):
    assert cells.year_group_of(text) == group


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("400", 400), ("12.0", 12), ("401", None), ("-1", None), ("2.5", None), ("ten", None), ("٣", None)],
)
def test_minutes_late(text, number):
    assert cells.whole_number_of(text, 0, 400) == number


@pytest.mark.parametrize(
    ("text", "amount"), [("60", 60.0), ("£160", 160.0), ("£1,200.50", 1200.5), ("60.005", None), ("sixty", None)]
)
def test_amounts(text, amount):
    assert cells.amount_of(text) == amount


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-05", "2026-01-05"),
        ("05/01/2026 07:45", "2026-01-05T07:45:00"),
        ("2026-01-05T25:00", None),
        ("yesterday", None),
    ],
)
def test_moments(text, moment):
    assert cells.moment_of(text) == moment


@pytest.mark.parametrize(
    "data",
    ["Zoë’s £".encode(), "Zoë’s £".encode("utf-8-sig"), "Zoë’s £".encode("cp1252")],
    ids=["utf-8", "utf-8 with a byte-order mark", "cp1252"],
)
def test_encodings(data):
    assert cells.decode(data) == "Zoë’s £"


@pytest.mark.parametrize("data", [b"a\0b", "UPN".encode("utf-16"), b"\x81\x8d"], ids=["NUL", "utf-16", "neither"])
def test_what_is_not_text(data):
    with pytest.raises(cells.NotText):
        cells.decode(data)

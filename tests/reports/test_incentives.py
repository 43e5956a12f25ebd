"""Who has a ticket in the raffle and the prize pot, which one wins, and what the sheet of a draw says."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pypdfium2
import pytest
import report_world

from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs, marks_from_text
from attendance_pipeline.law.rounds import Round
from attendance_pipeline.reports.incentives import (
    BEST,
    MOST_IMPROVED,
    RAFFLE,
    Prize,
    content_of,
    group_order,
    holds,
    prize_pot,
    prizes_of,
    raffle,
    ticket,
    without_year_group,
)
from attendance_pipeline.reports.incentives_sheet import DrawSheet, Entrant, sheet_files

CALENDAR = report_world.calendar()
MONDAY = CALENDAR.on_or_after(dt.date(2026, 1, 12))
WEEK = Round(MONDAY, MONDAY + 4)
HERE, ILL, GONE = "/\\", "II", "OO"


def school(pupils: dict[str, tuple[dict[str, Any], str]], first: int = MONDAY) -> SchoolInputs:
    """Pupils by UPN: what the roll says of them, and their days from `first` on, a word a day."""
    rows = [{"upn": upn, "year_group": "3", **about} for upn, (about, _) in pupils.items()]
    lines = [" ".join(["--"] * first + days.split()) for _, days in pupils.values()]
    marks = marks_from_text(CALENDAR, lines)
    log = LogTable.from_entries(len(rows), [])
    return SchoolInputs("oakfield", CALENDAR, report_world.policy(), PupilTable.from_rows(CALENDAR, rows), marks, log)


# ---------------------------------------------------------------- who has a ticket in the raffle


@pytest.mark.parametrize(
    ("about", "days", "has_one"),
    [
        ({}, "/\\ /\\ /\\ /\\ /\\", True),
        ({}, "II II II II I\\", True),  # ill, and here for one session: no bar
        ({}, "II II II II II", False),  # never here
        ({}, "OO GG NN CC EE", False),
        ({}, "VV BB PP WW V-", True),  # approved activity is attendance
        ({}, "L\\ /\\ /\\ /\\ /\\", False),  # late before the register closed
        ({}, "/\\ /\\ U\\ /\\ /\\", False),  # late after it
        ({}, "/\\ /\\ /\\ /\\ /L", False),
        ({}, "OO OO OO OO /\\", True),  # absence without leave is not lateness
        ({}, "-- -- -- -- --", False),
        ({}, "YY YY YY XX XX", False),
        ({"leave": dt.date(2026, 1, 15)}, "/\\ /\\ /\\ /\\ --", False),  # not on roll at the end
        ({"leave": dt.date(2026, 1, 16)}, "/\\ /\\ /\\ /\\ /\\", True),  # the last day is Friday
        ({"entry": dt.date(2026, 1, 16)}, "-- -- -- -- /\\", True),
        ({"entry": dt.date(2026, 1, 15)}, "L\\ /\\ /\\ /\\ /\\", True),  # the late mark is of a day before entry
        ({"entry": dt.date(2026, 1, 19)}, "/\\ /\\ /\\ /\\ /\\", False),
    ],
)
def test_a_ticket_has_who_came_and_was_never_late(about: dict[str, Any], days: str, has_one: bool) -> None:
    others = {"another": ({}, "OO OO OO OO OO")}
    (prize,) = raffle(school({"one": (about, days), **others}), WEEK, "pear")
    assert prize.tickets == ((0,) if has_one else ())


def test_late_in_another_week_is_no_bar() -> None:
    days = "L\\ L\\ L\\ L\\ L\\ /\\ /\\ /\\ /\\ /\\ L\\ L\\ L\\ L\\ L\\"
    (prize,) = raffle(school({"one": ({}, days)}, first=MONDAY - 5), WEEK, "pear")
    assert prize.tickets == (0,)


# ---------------------------------------------------------------- a draw by hand

ALL_HERE = " ".join([HERE] * 5)


def test_a_raffle_worked_by_hand() -> None:
    """The number is what `printf 'pear raffle 3' | sha256sum` prints."""
    found = raffle(
        school(
            {
                "UPN-D": ({}, ALL_HERE),
                "UPN-A": ({}, ALL_HERE),
                "UPN-C": ({}, f"L\\ {ALL_HERE[3:]}"),
                "UPN-B": ({}, " ".join([ILL] * 4 + [HERE])),
                "UPN-E": ({"year_group": "4"}, ALL_HERE),
                "UPN-F": ({"year_group": "R"}, " ".join([GONE] * 5)),
                "UPN-G": ({"year_group": ""}, ALL_HERE),
            }
        ),
        WEEK,
        "pear",
    )
    # Tickets by UPN: A is row 1, B row 3, D row 0.
    number = 0x66A507EAC01FB0DA4B2EBF4303B2A3D54C07F5C656B6E18841417C2B0EE31CF4
    three = number % 3 + 1
    assert found == [
        Prize(RAFFLE, "R", (), None, 1),
        Prize(RAFFLE, "3", (1, 3, 0), three, 4),
        Prize(RAFFLE, "4", (4,), 1, 1),
    ]
    assert found[1].winning_pupil == (1, 3, 0)[three - 1]
    assert found[0].winning_pupil is None


def test_pupils_without_a_year_group_are_counted() -> None:
    assert without_year_group(school({"a": ({"year_group": ""}, ALL_HERE), "b": ({}, ALL_HERE)}), WEEK.last) == 1


def test_no_pupils_no_prizes() -> None:
    assert raffle(school({}), WEEK, "pear") == []
    assert prize_pot(school({}), WEEK, None, 1, "pear") == []


@pytest.mark.parametrize(("tickets", "wins"), [(0, None), (1, 1)])
def test_of_no_tickets_none_wins_and_of_one_that(tickets: int, wins: int | None) -> None:
    assert ticket("pear", RAFFLE, "3", tickets) == wins


def test_a_draw_depends_on_the_order_of_nothing() -> None:
    """The order in which pupils came into the warehouse changes nobody's ticket."""
    one = {f"UPN-{i}": ({}, ALL_HERE) for i in range(9)}
    other = dict(reversed(one.items()))
    names = [list(one), list(other)]
    found = [raffle(school(pupils), WEEK, "apple")[0] for pupils in (one, other)]
    assert [n[p.winning_pupil] for n, p in zip(names, found, strict=True)] == [f"UPN-{found[0].winner - 1}"] * 2


# ---------------------------------------------------------------- is it fair?

CHI_SQUARE_999 = {1: 10.83, 6: 22.46, 28: 56.89, 16: 39.25}  # one draw of a thousand lies beyond, by degrees of freedom


@pytest.mark.parametrize("tickets", [2, 7, 29])
def test_over_many_seeds_every_ticket_wins_as_often(tickets: int) -> None:
    draws = 400 * tickets
    won = Counter(ticket(f"seed {n}", RAFFLE, "3", tickets) for n in range(draws))
    assert set(won) == set(range(1, tickets + 1))
    assert sum((count - 400) ** 2 / 400 for count in won.values()) < CHI_SQUARE_999[tickets - 1]


def test_year_groups_and_prizes_are_drawn_apart() -> None:
    """Which ticket wins in one year group says nothing about another, nor about another prize."""
    for other in ((RAFFLE, "4"), (BEST, "3")):
        pairs = Counter((ticket(f"seed {n}", RAFFLE, "3", 5), ticket(f"seed {n}", *other, 5)) for n in range(10_000))
        assert len(pairs) == 25
        assert sum((count - 400) ** 2 / 400 for count in pairs.values()) < CHI_SQUARE_999[28]


# ---------------------------------------------------------------- the prize pot

BEFORE = Round(MONDAY - 5, MONDAY - 1)
FULL = " ".join([HERE] * 5)
CASES = {
    # who: the week before, the week, and their attendance
    "A-always": (FULL, FULL),  # 10/10, 10/10
    "B-always": (FULL, FULL),
    "C-rose-most": ("OO OO OO OO OO", "/\\ /\\ /\\ /\\ OO"),  # 0/10 -> 8/10
    "D-rose": ("OO OO OO /\\ /\\", FULL),  # 4/10 -> 10/10
    "E-fell": (FULL, "OO /\\ /\\ /\\ /\\"),
    "F-few": ("YY YY YY YY /\\", "YY YY YY YY /\\"),  # two possible sessions
}


def pot(cases: dict[str, tuple[str, str]], seed: str = "pear", before: Round | None = BEFORE, minimum: int = 6) -> list[Prize]:  # fmt: skip
    pupils = {upn: ({}, f"{then} {now}") for upn, (then, now) in cases.items()}
    return prize_pot(school(pupils, first=MONDAY - 5), WEEK, before, minimum, seed)


def test_the_prize_pot_worked_by_hand() -> None:
    best, improved = pot(CASES)
    assert (best.prize, best.tickets, best.figure) == (BEST, (0, 1, 3), (1, 1))  # A, B and D were there always
    assert best.winner == ticket("pear", BEST, "3", 3)
    assert (improved.prize, improved.tickets, improved.winner) == (MOST_IMPROVED, (2,), 1)
    assert Fraction(*improved.figure) == Fraction(8, 10)
    assert best.pupils == improved.pupils == len(CASES)


def test_a_tie_of_the_most_improved_is_drawn_among_those_who_rose_exactly_as_much() -> None:
    tied = {
        "A": ("OO OO /\\ /\\ /\\", FULL),  # 6/10 -> 10/10
        "B": ("OO OO OO /\\ /\\", "OO /\\ /\\ /\\ /\\"),  # 4/10 -> 8/10: the same rise from elsewhere
        "C": ("OO OO OO OO /\\", "/\\ YY YY YY /\\"),  # 2/10 -> 4/4: more, but too few sessions
        "D": ("O\\ OO /\\ /\\ /\\", FULL),  # 7/10 -> 10/10
    }
    improved = pot(tied)[1]
    assert improved.tickets == (0, 1)
    assert Fraction(*improved.figure) == Fraction(4, 10)
    won = Counter(pot(tied, seed=f"seed {n}")[1].winner for n in range(60))
    assert set(won) == {1, 2}


def test_rises_are_compared_as_exact_fractions() -> None:
    """2/3 - 1/3 of nine sessions, and 6/9 - 3/9, are one rise; a rounded figure would make a winner of one of them."""
    tied = {
        "A": ("/\\ /O OO OO O-", "/\\ /\\ /\\ OO O-"),  # 3/9 -> 6/9
        "B": ("/\\ OO OO YY YY", "/\\ /\\ OO YY YY"),  # 2/6 -> 4/6
    }
    assert pot(tied)[1].tickets == (0, 1)


def test_nobody_is_most_improved_who_did_not_rise() -> None:
    improved = pot({"A": (FULL, FULL), "B": (FULL, "OO /\\ /\\ /\\ /\\")})[1]
    assert (improved.tickets, improved.winner, improved.figure) == ((), None, ())


def test_nobody_is_the_best_who_never_came() -> None:
    best, improved = pot({"A": ("OO OO OO OO OO", "OO OO OO OO OO")})
    assert (best.winner, improved.winner) == (None, None)


def test_at_the_beginning_of_a_year_there_is_no_most_improved() -> None:
    assert [p.prize for p in pot(CASES, before=None)] == [BEST]


def test_who_joined_has_no_part_below_the_minimum_of_sessions() -> None:
    cases = {"A": (FULL, "OO /\\ /\\ /\\ /\\"), "B": ("-- -- -- -- --", "-- -- -- -- /\\")}
    assert pot(cases)[0].tickets == (0,)
    assert pot(cases, minimum=2)[0].tickets == (1,)


# ---------------------------------------------------------------- a draw that is kept


def test_a_kept_draw_reads_back_and_proves_itself() -> None:
    prizes = pot(CASES)
    assert prizes_of(content_of(prizes, more="words")) == prizes
    assert holds("pear", prizes) and holds("pear", [])
    assert not holds("pear", [replace(prizes[0], winner=prizes[0].winner % 3 + 1)])
    assert not holds("plum", [replace(p, winner=w) for p in prizes[:1] for w in (1, 2, 3) if w != ticket("plum", BEST, "3", 3)])  # fmt: skip


def test_year_groups_stand_in_the_order_of_age() -> None:
    assert sorted(["10", "R", "2", "N2", "1", "N1", "Post"], key=group_order) == ["N1", "N2", "R", "1", "2", "10", "Post"]  # fmt: skip


# ---------------------------------------------------------------- the sheet

NAMES = {0: Entrant("Ada Ash", "3 Elm"), 1: Entrant("Ben Birch", "3 Fir"), 2: Entrant("Cal Cedar", "3 Elm"),
         3: Entrant("Dee Dale", "3 Fir", "has left the school since and stays the winner")}  # fmt: skip


def sheet(prizes: list[Prize], **more: Any) -> DrawSheet:
    given = {"school": "Oakfield Primary School", "first": dt.date(2026, 1, 12), "last": dt.date(2026, 1, 16)}
    return DrawSheet(**{**given, "seed": "pear", "prizes": prizes, "entrants": NAMES, "made_from": "policy x", **more})


def text(files: dict[str, bytes], name: str) -> str:
    with pypdfium2.PdfDocument(files[name]) as pdf:
        assert len(pdf) == 1
        return " ".join(pdf[0].get_textpage().get_text_bounded().split())


def rows(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode("utf-8-sig"))))


def test_the_sheet_of_a_raffle_names_the_winners_and_how_to_draw_again() -> None:
    prizes = [Prize(RAFFLE, "R", (), None, 5), Prize(RAFFLE, "3", (1, 3, 0), 2, 28)]
    files = sheet_files(sheet(prizes, left_out=2))
    said = text(files, "raffle-draw.pdf")
    assert "Reception Nobody had a ticket" in said
    assert "Year 3 Dee Dale 3 Fir 2 of 3 28" in said
    assert "Dee Dale: has left the school since and stays the winner." in said
    assert "Two pupils on roll had no part" in said
    assert "Seed: pear" in said and "“pear raffle 3”" in said and "It is not drawn again" in said
    listed = rows(files, "raffle-tickets.csv")
    assert [(r["Ticket"], r["Pupil"], r["Won"]) for r in listed] == [
        ("1", "Ben Birch", ""), ("2", "Dee Dale", "Yes"), ("3", "Ada Ash", "")]  # fmt: skip


def test_the_sheet_of_a_prize_pot_says_what_was_a_tie() -> None:
    prizes = [Prize(BEST, "3", (0, 1), 2, 28, (59, 60)), Prize(MOST_IMPROVED, "3", (2,), 1, 28, (1, 12)),
              Prize(BEST, "4", (3,), 1, 20, (1, 1)), Prize(MOST_IMPROVED, "4", (), None, 20)]  # fmt: skip
    before = (dt.date(2025, 12, 1), dt.date(2026, 1, 9))
    said = text(sheet_files(sheet(prizes, compared=before, school_weeks=6, minimum=20)), "prize-pot-draw.pdf")
    assert "Six school weeks, 12 Jan to 16 January 2026" in said
    assert "Ben Birch 3 Fir 98.3% 2 alike: drawn, ticket 2" in said
    assert "Cal Cedar 3 Elm +8.3 alone" in said
    assert "Year 4 Nobody" in said
    assert "1 December 2025 to 9 January 2026" in said


def test_without_weeks_before_the_sheet_says_why_nobody_is_most_improved() -> None:
    said = text(sheet_files(sheet([Prize(BEST, "3", (0,), 1, 28, (1, 1))], school_weeks=6)), "prize-pot-draw.pdf")
    assert "There is no prize for the most improved" in said and "Most improved" not in said


def test_a_pupil_whom_no_extract_names_any_more_stays_on_the_sheet() -> None:
    assert "No longer in the school's data" in text(sheet_files(sheet([Prize(RAFFLE, "3", (77,), 1, 1)])), "raffle-draw.pdf")  # fmt: skip

"""The sheet of a draw: who won, among how many, and how anybody can draw it again; and its tickets as a list.

Belongs here: words, rows and files. Not here: who has a ticket and which wins (`incentives.py`), and the certificates
(`letters/certificates.py`).

The sheet names winners and the list names who took part: both are for the attendance lead. No UPN stands on either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from attendance_pipeline.letters.report_page import DataTable, KeyFigure, Report, Section
from attendance_pipeline.reports.figures import long_date, number, percent, plural, points, short_date, tenths
from attendance_pipeline.reports.governor_figures import YEAR_NAMES
from attendance_pipeline.reports.incentives import BEST, MOST_IMPROVED, RAFFLE, Prize
from attendance_pipeline.reports.printed import as_pdf
from attendance_pipeline.spreadsheets import Column, csv_bytes

UNKNOWN = "No longer in the school's data"
PRIZE_NAMES = {RAFFLE: "Punctuality raffle", BEST: "Best attendance", MOST_IMPROVED: "Most improved"}
_COLUMNS = (
    *(Column("prize", "Prize"), Column("group", "Year group"), Column("ticket", "Ticket", "whole")),
    *(Column("pupil", "Pupil"), Column("class_name", "Class"), Column("won", "Won")),
)


@dataclass(frozen=True)
class Entrant:
    """What the sheet says of a pupil with a ticket. `remark`: what to know before the prize is handed over."""

    name: str
    class_name: str = ""
    remark: str = ""


@dataclass(frozen=True)
class DrawSheet:
    """A draw to be told: its prizes by year group, and its pupils by number (`Prize.tickets`).

    `compared`: first and last day of the weeks before, for most improved. `left_out`: pupils without a year group.
    `minimum`: possible sessions that a prize pot asks for. `made_from`: policy and extracts, for the foot of the page.
    """

    school: str
    first: dt.date
    last: dt.date
    seed: str
    prizes: Sequence[Prize]
    entrants: Mapping[int, Entrant]
    made_from: str
    compared: tuple[dt.date, dt.date] | None = None
    school_weeks: int = 1
    minimum: int = 0
    left_out: int = 0

    @property
    def is_raffle(self) -> bool:
        return all(p.prize == RAFFLE for p in self.prizes)

    def entrant(self, pupil: int | None) -> Entrant:
        return Entrant(UNKNOWN) if pupil is None else self.entrants.get(pupil, Entrant(UNKNOWN))


def year_name(group: str) -> str:
    """Year 4, Reception, Nursery 1; what a school calls a group that has no such name."""
    return YEAR_NAMES.get(group, group)


def sheet_files(sheet: DrawSheet) -> dict[str, bytes]:
    """The sheet as PDF, and every ticket as CSV."""
    prefix = "raffle" if sheet.is_raffle else "prize-pot"
    return {f"{prefix}-draw.pdf": _pdf(sheet), f"{prefix}-tickets.csv": csv_bytes(_tickets(sheet), _COLUMNS)}


def _tickets(sheet: DrawSheet) -> Iterator[Mapping[str, object]]:
    for prize in sheet.prizes:
        for ticket, pupil in enumerate(prize.tickets, 1):
            entrant = sheet.entrant(pupil)
            yield {
                "prize": PRIZE_NAMES[prize.prize],
                "group": year_name(prize.group),
                "ticket": ticket,
                "pupil": entrant.name,
                "class_name": entrant.class_name,
                "won": "Yes" if ticket == prize.winner else "",
            }


def _pdf(sheet: DrawSheet) -> bytes:
    title = "Punctuality raffle" if sheet.is_raffle else "Attendance prize pot"
    same_year = sheet.first.year == sheet.last.year
    span = f"{(short_date if same_year else long_date)(sheet.first)} to {long_date(sheet.last)}"
    weeks = "Week of" if sheet.school_weeks == 1 else plural(sheet.school_weeks, "school week").capitalize() + ","
    tables = _raffle_tables(sheet) if sheet.is_raffle else _prize_pot_tables(sheet)
    report = Report(
        school=sheet.school,
        subtitle=f"{weeks} {span}",
        sections=(
            Section(key_figures=_key_figures(sheet), tables=tables, paragraphs=_remarks(sheet)),
            Section(heading="Who took part", paragraphs=_rules(sheet)),
            Section(heading="How it was drawn", paragraphs=_method(sheet)),
        ),
        footer=f"{sheet.made_from} · names pupils: for the attendance lead",
    )
    return as_pdf(report.as_data(), title=title, day=sheet.last)


def _key_figures(sheet: DrawSheet) -> tuple[KeyFigure, ...]:
    winners = sum(p.winner is not None for p in sheet.prizes)
    groups = {p.group: p.pupils for p in sheet.prizes}
    pupils = f"of {number(sum(groups.values()))} pupils"
    if sheet.is_raffle:
        tickets = KeyFigure("Had a ticket", number(sum(len(p.tickets) for p in sheet.prizes)), pupils)
    else:
        best = sum(len(p.tickets) for p in sheet.prizes if p.prize == BEST)
        tickets = KeyFigure("Best of their year group", number(best), pupils)
    return KeyFigure("Winners", number(winners), f"in {plural(len(groups), 'year group')}"), tickets


def _raffle_tables(sheet: DrawSheet) -> tuple[DataTable, ...]:
    rows = []
    for p in sheet.prizes:
        won = sheet.entrant(p.winning_pupil) if p.winner else Entrant("Nobody had a ticket")
        ticket = f"{number(p.winner)} of {number(len(p.tickets))}" if p.winner else ""
        rows.append((year_name(p.group), won.name, won.class_name, ticket, number(p.pupils)))
    header = ("Year group", "Winner", "Class", "Winning ticket", "Pupils")
    align = ("left", "left", "left", "right", "right")
    return (DataTable(header, tuple(rows), align=align, widths=("auto", "1fr", "auto", "auto", "auto")),)


def _prize_pot_tables(sheet: DrawSheet) -> tuple[DataTable, ...]:
    tables = []
    for name, what in ((BEST, "Attendance"), (MOST_IMPROVED, "Rise in points")):
        prizes = [p for p in sheet.prizes if p.prize == name]
        rows = []
        for p in prizes:
            won = sheet.entrant(p.winning_pupil) if p.winner else Entrant("Nobody")
            figure = tenths(*p.figure) if p.figure else None
            shown = "" if figure is None else percent(figure) if name == BEST else points(figure)
            rows.append((year_name(p.group), won.name, won.class_name, shown, _tie(p)))
        if rows:
            header = ("Year group", "Winner", "Class", what, "Ties")
            align = ("left", "left", "left", "right", "left")
            widths = ("auto", "1fr", "auto", "auto", "auto")
            tables.append(DataTable(header, tuple(rows), align=align, widths=widths, caption=PRIZE_NAMES[name]))
    return tuple(tables)


def _tie(prize: Prize) -> str:
    if not prize.winner:
        return ""
    return "alone" if len(prize.tickets) == 1 else f"{len(prize.tickets)} alike: drawn, ticket {prize.winner}"


def _remarks(sheet: DrawSheet) -> tuple[str, ...]:
    """What to know before prizes are handed over."""
    winners = {p.winning_pupil: sheet.entrant(p.winning_pupil) for p in sheet.prizes if p.winner}
    said = [f"{w.name}: {w.remark}." for w in winners.values() if w.remark]
    if sheet.left_out:
        them = "it" if sheet.left_out == 1 else "them"
        said.append(
            f"{plural(sheet.left_out, 'pupil').capitalize()} on roll had no part, because the school's system gives "
            f"{them} no year group."
        )
    return tuple(said)


def _rules(sheet: DrawSheet) -> tuple[str, ...]:
    if sheet.is_raffle:
        return (
            "Everybody on roll at the end of the week who was at school for at least one session of it and was never "
            "late, neither before nor after the register closed. To have been ill in the week is no bar. One winner in "
            "each year group.",
        )
    rules = [
        f"Everybody on roll at the end with at least {sheet.minimum} possible sessions in these weeks. The best have "
        "the highest attendance of their year group. Among pupils who are exactly alike the draw decides."
    ]
    if sheet.compared is None:
        rules.append("There is no prize for the most improved: no weeks of this school year lie before these.")
    else:
        first, last = map(long_date, sheet.compared)
        rules.append(
            f"The most improved rose by most against the weeks before, {first} to {last}, in which they too had at "
            f"least {sheet.minimum} possible sessions. Whose attendance did not rise has no part."
        )
    return tuple(rules)


def _method(sheet: DrawSheet) -> tuple[str, ...]:
    drawn = [p for p in sheet.prizes if p.winner]
    if not drawn:
        return (f"Nobody had a ticket, so nothing was drawn. Seed: {sheet.seed}",)
    one = max(drawn, key=lambda p: len(p.tickets))
    return (
        f"Seed: {sheet.seed}",
        "The tickets are numbered in the list that lies beside this sheet. For each prize, the SHA-256 of the words "
        "“seed prize year-group” is read as one number and divided by the number of tickets; the rest, plus one, is "
        f"the ticket that wins. For {year_name(one.group)} the words are “{sheet.seed} {one.prize} {one.group}”, there "
        f"{'is one ticket' if len(one.tickets) == 1 else f'are {number(len(one.tickets))} tickets'}, and ticket "
        f"{number(one.winner or 0)} wins.",
        "It was drawn once. It is not drawn again, whatever is corrected later.",
    )

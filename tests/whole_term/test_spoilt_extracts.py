"""Extracts of the last day spoilt in every way that real ones are: what cannot be used is named by file, line, column
and rule, and everything else says what it would have said without it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import pytest
from nights import DERIVED, derive, digest, digests, drop, load, notifications_of, roll, school_inbox, table, tables

from attendance_pipeline.cli import main
from attendance_pipeline.demo.make import TODAY
from attendance_pipeline.mis.upn import check_letter
from attendance_pipeline.register.not_on_roll import BEFORE, UNKNOWN
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.restate import restate
from attendance_pipeline.steps.site import open_site

SPOILT = 10  # the line that is spoilt where one is
RUBBISH = random.Random(1).randbytes(3000)
NEVER_TEXT = bytes(b for b in RUBBISH if b) + b"\x81"  # neither UTF-8 nor cp1252 has this byte so

Lines = list[str]
Fault = tuple[int, str, str]


@dataclass(frozen=True)
class Case:
    """One way to spoil an extract. `faults`: line, column, rule of what is set aside. `lost`: lines that say nothing
    then, beside those; None: the file says nothing at all."""

    words: str
    kind: str
    spoil: Callable[[Lines], bytes]
    faults: tuple[Fault, ...]
    lost: range | None = range(0)
    ending: str = "csv"

    def lost_lines(self, lines: int) -> Collection[int]:
        if self.kind == "interventions":
            return ()  # the version of the log before said the same there, and what it said stands
        if self.lost is None:
            return range(1, lines + 1)
        return {line for line, _, _ in self.faults} | set(self.lost)


def encoded(lines: Lines) -> bytes:
    return "\r\n".join([*lines, ""]).encode()


def cells(edit: Callable[[Lines], Lines], line: int = SPOILT) -> Callable[[Lines], bytes]:
    """Edits the cells of one line."""
    return lambda lines: encoded([",".join(edit(t.split(","))) if n == line else t for n, t in enumerate(lines, 1)])


def cell(place: int, text: str, line: int = SPOILT) -> Callable[[Lines], bytes]:
    """Puts a text into one cell."""
    return cells(lambda row: [*row[:place], text, *row[place + 1 :]], line)


def other_letter(row: Lines) -> Lines:
    """A UPN with a wrong check letter."""
    return [("B" if row[0][0] == "A" else "A") + row[0][1:], *row[1:]]


def spoilt_morning(lines: Lines) -> bytes:
    assert lines[2].split(",")[2] == "AM"
    return cell(3, "\\", 3)(lines)


def contradicted(lines: Lines) -> str:
    """The row of the spoilt line with another code."""
    row = lines[SPOILT - 1].split(",")
    return ",".join([*row[:3], "O", *row[4:]])


def whole(data: bytes) -> Callable[[Lines], bytes]:
    return lambda lines: data


def one(column: str, rule: str, line: int = SPOILT) -> tuple[Fault, ...]:
    return ((line, column, rule),)


STRANGER = check_letter("383999925008") + "383999925008"
ROW, CELLS, CONFLICT = "(row)", "wrong number of cells", "conflicting rows"
NO_COLUMN = "a required column is missing from the header"
CASES = [
    Case("a line that is cut", "register", cells(lambda row: row[:3]), one(ROW, CELLS)),
    Case("a file that ends in a line", "register", lambda t: encoded(t)[: len(encoded(t[:39])) + 9], one(ROW, CELLS, 40), range(40, 99)),
    Case("another header", "register", cell(3, "Mark", 1), one("Code", NO_COLUMN, 1), None),
    Case("no header", "register", lambda lines: encoded(lines[1:]), one("UPN", NO_COLUMN, 1), None),
    Case("an unknown code", "register", cell(3, "ZZ"), one("Code", "unknown code")),
    Case("a date that no month has", "register", cell(1, "2026-02-30"), one("Date", "not a date")),
    Case("a date years ahead", "register", cell(1, "2036-02-13"), one("Date", "impossible date")),
    Case("a number that is no UPN", "register", cell(0, "123456"), one("UPN", "not a UPN")),
    Case("a pupil of another school", "register", cell(0, STRANGER), one("UPN", UNKNOWN)),
    Case("a mark from before the pupil came", "register", cell(1, "2012-02-13"), one("Date", BEFORE)),
    Case("no such session", "register", cell(2, "EV"), one("Session", "not AM or PM")),
    Case("the afternoon's code in the morning", "register", spoilt_morning, one("Code", "code not legal in this session", 3)),
    Case("no number of minutes", "register", cell(4, "a few"), one("Minutes Late", "minutes late not a whole number from 0 to 400")),
    Case("a quotation mark that is never closed", "register", lambda t: encoded([*t[:9], '"' + t[9], *t[10:]]), one(ROW, CELLS)),
    Case("a row twice", "register", lambda t: encoded([*t, t[SPOILT - 1]]), ()),
    Case("two rows that conflict", "register", lambda t: encoded([*t, contradicted(t)]), (*one("Code", CONFLICT), (81, "Code", CONFLICT))),
    Case("an empty file", "register", whole(b""), one("UPN", "the file is empty", 1), None),
    Case("a header and no row", "register", lambda lines: encoded(lines[:1]), (), None),
    Case("binary rubbish", "register", whole(RUBBISH), one("", "holds NUL bytes: not UTF-8 or cp1252 text", 1), None),
    Case("rubbish of no encoding", "register", whole(NEVER_TEXT), one("", "not UTF-8 or cp1252 text", 1), None),
    Case("rubbish named as a workbook", "register", whole(RUBBISH), one("", "not an XLSX workbook (BadZipFile)", 1), None, "xlsx"),
    Case("a pupil's wrong check letter", "pupils", cells(other_letter), one("UPN", "UPN check letter is wrong")),
    Case("no day of birth that there is", "pupils", cell(5, "31/11/2019"), one("Date of Birth", "not a date")),
    Case("a flag that is none", "pupils", cell(13, "perhaps"), one("FSM", "not Y or N")),
    Case("a pupil in two classes", "pupils", lambda t: encoded([*t, t[SPOILT - 1].replace(",C,", ",G,")]), (*one("UPN", CONFLICT), (42, "UPN", CONFLICT))),
    Case("a contact without a number", "contacts", cell(1, ""), one("Contact ID", "missing value")),
    Case("no action of the log", "interventions", cell(2, "went home"), one("Action", "not an action of the intervention log")),
    Case("no such stage", "interventions", cell(3, "7"), one("Stage", "not a stage from 0 to 4")),
]  # fmt: skip


@pytest.fixture(scope="module")
def evening(new_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Lines]]:
    """A home with all but the last day's extracts done, and the lines of those by kind. Its inbox is empty."""
    home = shutil.copytree(new_home, tmp_path_factory.mktemp("evening") / "home")
    last = {}
    for file in sorted(school_inbox(home).glob(f"*_{TODAY}*")):
        last[file.name.partition("_")[0]] = file.read_text(encoding="utf-8-sig").splitlines()
        file.unlink()
    assert last.keys() == {"register", "pupils", "contacts", "interventions", "notifications"}
    load(home)
    derive(home, TODAY)
    return home, last


class Homes:
    """What a copy of the evening's home says when certain files are dropped into it."""

    def __init__(self, evening: tuple[Path, dict[str, Lines]], folder: Path) -> None:
        self._home, self.last = evening
        self._folder = folder
        self._known: dict[tuple[str, tuple[int, ...]], tuple[dict[str, str], set[tuple[str, int, str, str]]]] = {}

    def with_last_day(self, name: str, without: str = "") -> Path:
        """A new home with the last day's extracts in its inbox, but for those of a kind."""
        home = shutil.copytree(self._home, self._folder / name)
        for kind, lines in self.last.items():
            if kind != without:
                drop(home, f"{kind}_{TODAY}.csv", encoded(lines))
        return home

    def without(self, kind: str, lost: Collection[int]) -> tuple[dict[str, str], set[tuple[str, int, str, str]]]:
        """What a home says when those lines of the last day's extract are empty; without the file, when all are."""
        key = kind, tuple(sorted(lost))
        if key not in self._known:
            home = self.with_last_day(f"without {len(self._known)}", kind)
            kept = ["" if n in lost else text for n, text in enumerate(self.last[kind], 1)]
            if any(kept):
                drop(home, f"{kind}_{TODAY}.csv", encoded(kept))
            self._known[key] = said(home)
        return self._known[key]


def said(home: Path) -> tuple[dict[str, str], set[tuple[str, int, str, str]]]:
    """After a load: the digests of everything but the quarantine, of derived tables the last day's, and the quarantine."""
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
        restate(site, [TODAY], DERIVED)
        found = {name: table(site, name) for name in ("register", "amendments")}
        found |= {name: table(site, name, TODAY) for name in DERIVED} | roll(site)
        found["current_notifications"] = notifications_of(site)
        # An entry whose row is spoilt stands by the version of the log before: it says the same from another place.
        log = found["current_interventions"].drop(columns=["extract", "line"])
        found["current_interventions"] = log.sort_values(log.columns.tolist(), ignore_index=True)
        aside = table(site, "quarantine")[["extract", "line", "column", "rule"]]
    return digests(found), set(aside.itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def homes(evening: tuple[Path, dict[str, Lines]], tmp_path_factory: pytest.TempPathFactory) -> Homes:
    return Homes(evening, tmp_path_factory.mktemp("homes"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.words)
def test_what_is_spoilt_is_set_aside_and_nothing_else_changes(homes: Homes, case: Case) -> None:
    lines = homes.last[case.kind]
    name = f"{case.kind}_{TODAY}.{case.ending}"
    home = homes.with_last_day(case.words, case.kind)
    drop(home, name, case.spoil(lines))
    now, aside = said(home)
    expected, known = homes.without(case.kind, case.lost_lines(len(lines)))
    assert aside == known | {(name, *fault) for fault in case.faults}
    assert now == expected
    assert list(school_inbox(home).iterdir()) == []


def test_a_comment_in_cp1252_says_what_it_says_in_utf_8(homes: Homes) -> None:
    text = encoded(homes.last["register"]).decode().replace("Parent", "Mère")
    said_in = {}
    for encoding in ("utf-8", "cp1252"):
        home = homes.with_last_day(f"a comment in {encoding}", "register")
        drop(home, f"register_{TODAY}.csv", text.encode(encoding))
        said_in[encoding] = said(home)
    assert said_in["cp1252"] == said_in["utf-8"]
    assert said_in["cp1252"] != homes.without("register", ()), "no comment was changed"


def test_a_lost_line_is_missed(homes: Homes) -> None:
    """The comparison above sees what one line says."""
    for kind in homes.last:
        assert homes.without(kind, ())[0] != homes.without(kind, {SPOILT})[0], kind


def test_a_file_that_is_no_extract_stays_where_it_is(homes: Homes) -> None:
    home = homes.with_last_day("no extract")
    drop(home, "marks of today.csv", b"UPN\r\n")
    now, aside = said(home)
    expected, known = homes.without("register", ())
    rule = "the file's name is not <kind>_<YYYY-MM-DD>[_anything].<ext>"
    assert aside - known == {("marks of today.csv", 1, "(file)", rule)}
    assert now == expected
    assert [file.name for file in school_inbox(home).iterdir()] == ["marks of today.csv"]


def test_the_command_says_how_many_rows_a_person_must_look_at(homes: Homes, capsys: pytest.CaptureFixture[str]) -> None:
    """Every spoilt copy at once, beside the sound extracts: exit code 1, and a count."""
    home = homes.with_last_day("all at once")
    own = {fault[1:] for fault in homes.without("register", ())[1] - homes.without("register", range(1, 99))[1]}
    assert len(own) == 3
    rows = len(own)
    for number, case in enumerate(c for c in CASES if c.kind in ("register", "interventions")):
        lines = homes.last[case.kind]
        drop(home, f"{case.kind}_{TODAY}_{number}.{case.ending}", case.spoil(lines))
        lost = set(case.lost_lines(len(lines)))
        rows += len(case.faults) + (len([f for f in own if f[0] not in lost]) if case.kind == "register" else 0)
    before = len(tables(home)["quarantine"])
    command = ["nightly", "--home", str(home), "--date", TODAY.isoformat()]
    assert main(command) == 1
    assert f"\n{rows} rows newly set aside ({before + rows} in all): " in capsys.readouterr().out
    clean = homes.with_last_day("clean")
    load(clean)
    derive(clean, TODAY)
    now, sound = tables(home), tables(clean)
    where = ["recorded_on", "extract", "line"]
    for name in ("register", "amendments"):
        assert digest(now[name].drop(columns=where)) == digest(sound[name].drop(columns=where)), name
    assert {n: digest(now[n]) for n in (*DERIVED, "tasks")} == {n: digest(sound[n]) for n in (*DERIVED, "tasks")}

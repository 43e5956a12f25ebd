"""The pupil's marks on paper: the year as a calendar, and as tables that say the same in figures."""

import dataclasses
import datetime as dt
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from attendance_pipeline.letters.blocks import Block, Paragraph, Picture, Run, Table, parse
from attendance_pipeline.letters.field_values import mark_rows, recent_fields
from attendance_pipeline.letters.fields import context
from attendance_pipeline.letters.language import load_language
from attendance_pipeline.letters.letter import LetterError
from attendance_pipeline.letters.marks import LOOKS, days_of, filled
from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
from attendance_pipeline.letters.templates import check_templates

ENGLISH = load_language("en")
MONDAY = dt.date(2025, 9, 1)


def week(codes: str, first: dt.date = MONDAY) -> tuple[Any, ...]:
    """Rows of marks from ten codes, morning and afternoon from Monday on; a dot has no mark, a blank no row."""
    pairs = codes.split()
    rows = []
    for day, pair in enumerate(pairs):
        morning, afternoon = (pair.split(",") if "," in pair else (pair, pair)) if pair != "-" else ("", "")
        if pair != "-":
            rows.append((first + dt.timedelta(days=day), "AM", "" if morning == "." else morning))
            rows.append((first + dt.timedelta(days=day), "PM", "" if afternoon == "." else afternoon))
    return mark_rows(rows)


def block(line: str, rows: tuple[Any, ...]) -> Block:
    (found,) = filled(parse(line), {"marks": rows}, ENGLISH)
    return found


def cells(table: Block) -> list[list[str]]:
    assert isinstance(table, Table)
    return [["".join(run.text for run in cell) for cell in row] for row in (table.header, *table.rows)]


# ---------------------------------------------------------------- what a mark looks like


@pytest.mark.parametrize(
    ("code", "day", "look"),
    [
        ("/", MONDAY, "came"),
        ("\\", MONDAY, "came"),
        ("B", MONDAY, "came"),
        ("L", MONDAY, "late"),
        ("I", MONDAY, "agreed"),
        ("E", MONDAY, "agreed"),
        ("U", MONDAY, "not_agreed"),
        ("N", MONDAY, "not_agreed"),
        ("Y4", MONDAY, "not_counted"),
        ("#", MONDAY, "not_counted"),
        ("", MONDAY, "no_mark"),
        ("X", MONDAY, "not_counted"),
        ("X", dt.date(2021, 1, 11), "not_counted"),  # then a possible session, and yet no absence
    ],
)
def test_what_a_session_looks_like_follows_from_the_code_and_the_day(code, day, look):
    (found,) = days_of(({"date": day, "am": code, "pm": ""},))
    assert found.looks[0] == look
    assert found.looks[0] in LOOKS


# ---------------------------------------------------------------- tables


def test_the_register_week_by_week():
    rows = (*week("/,\\ I O,\\ - L,\\"), *week("U,\\ .,\\", MONDAY + dt.timedelta(days=7)))
    assert cells(block("[register: marks]", rows)) == [
        ["Week of", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
        ["1 September 2025", "/\u2002\\", "I\u2002I", "O\u2002\\", "–", "L\u2002\\"],
        ["8 September 2025", "U\u2002\\", "–\u2002\\", "–", "–", "–"],
    ]


def test_months_add_up_to_the_last_row():
    rows = (*week("/,\\ I O,L Y4 N,\\"), *week("/,\\", dt.date(2025, 10, 6)))
    assert cells(block("[months: marks]", rows)) == [
        ["Month", "Sessions", "Came", "Of these late", "Missed, agreed", "Missed, not agreed"],
        ["September 2025", "8", "4", "1", "2", "2"],
        ["October 2025", "2", "2", "0", "0", "0"],
        ["All", "10", "6", "1", "2", "2"],
    ]


def test_the_codes_that_occur_with_what_the_register_means_by_them():
    assert cells(block("[codes: marks]", week("/,\\ I C1,\\"))) == [
        ["Code", "What it means in the register", "Sessions"],
        ["/", "Present at morning registration", "1"],
        ["\\", "Present at afternoon registration", "2"],
        ["C1", "Leave for a regulated performance or employment abroad", "1"],
        ["I", "Illness (not an appointment)", "2"],
    ]


def test_a_saturday_with_marks_is_in_the_register():
    rows = mark_rows([(dt.date(2025, 9, 6), "AM", "/")])
    assert cells(block("[register: marks]", rows))[0][-1] == "Saturday"
    assert cells(block("[register: marks]", rows))[1][-1] == "/\u2002–"


def test_without_marks_nothing_stands_there():
    assert filled(parse("[calendar: marks]\n\nwords\n"), {"marks": ()}, ENGLISH) == (Paragraph((Run("words"),)),)


def test_marks_may_stand_in_a_box_and_in_a_list():
    for words in ("> [months: marks]\n", "- [months: marks]\n"):
        assert "September 2025" in repr(filled(parse(words), {"marks": week("/")}, ENGLISH))


# ---------------------------------------------------------------- the calendar


def drawing(rows: tuple[Any, ...]) -> tuple[ElementTree.Element, str]:
    found = block("[calendar: marks]", rows)
    assert isinstance(found, Picture)
    return ElementTree.fromstring(found.svg), found.alt


def shapes(svg: ElementTree.Element, fill: str) -> int:
    """How many sessions are drawn in a colour."""
    paths = [p for p in svg.iter("{http://www.w3.org/2000/svg}path") if p.get("fill") == fill]
    return sum(p.get("d", "").count("M") for p in paths)


def test_each_session_is_drawn_once_and_the_picture_is_told_in_words():
    rows = week("/,\\ I O,L Y4 N,\\")
    svg, alt = drawing(rows)
    # each colour of the legend is drawn once more
    assert shapes(svg, "#8e1f38") == 2 + 1
    assert shapes(svg, "#f6e3b4") == 2 + 1
    assert len(svg.findall(".//{http://www.w3.org/2000/svg}circle")) == 1 + 1
    assert alt.startswith(
        "Calendar of each school day from 1 September 2025 to 5 September 2025. Of 8 sessions 4 were attended"
    )
    assert "1 of them late; 2 were missed with the school's agreement and 2 without" in alt


@pytest.mark.parametrize("months", [1, 4, 5, 6, 7, 8, 9, 11, 12])
def test_every_day_of_a_year_stays_inside_the_drawing(months):
    sessions = [(MONDAY + dt.timedelta(days=n), half, "O") for n in range(months * 30) for half in ("AM", "PM")]
    svg, _ = drawing(mark_rows([s for s in sessions if s[0].weekday() < 5]))
    _, _, width, height = map(float, (svg.get("viewBox") or "").split())
    for path in svg.iter("{http://www.w3.org/2000/svg}path"):
        if path.get("fill") != "none":
            for x, y, across, down in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)", path.get("d", "")):
                assert float(x) + float(across) <= width + 0.01
                assert float(y) + float(down) <= height
    for text in svg.iter("{http://www.w3.org/2000/svg}text"):
        assert 0 <= float(text.get("y", "-1")) <= height
    assert width == 166


def test_words_of_a_language_cannot_break_the_drawing():
    language = dataclasses.replace(ENGLISH, months=("<&\"'>",) * 12, fonts=('A"><script>',))
    (found,) = filled(parse("[calendar: marks]"), {"marks": week("/")}, language)
    assert isinstance(found, Picture)
    assert "<&\"'> 2025" in "".join(ElementTree.fromstring(found.svg).itertext())


# ---------------------------------------------------------------- the last sessions, and N


@pytest.mark.parametrize(
    ("codes", "asked", "sessions", "attended", "unauthorised", "first"),
    [
        ("/,\\ /,\\ O O,\\", 4, "4", "1", "3", ("O", "O")),
        ("/,\\ /,\\ O O,\\", 5, "5", "2", "3", ("", "\\")),  # begins with an afternoon
        ("/,\\ Y4 O O,\\", 6, "6", "3", "3", ("/", "\\")),  # a session that does not count is shown, and not counted
        ("/,\\ O", 60, "4", "2", "2", ("/", "\\")),  # fewer than asked for
    ],
)
def test_the_last_sessions(codes, asked, sessions, attended, unauthorised, first):
    found = recent_fields(week(codes), asked)
    assert (found["recent_sessions"], found["recent_attended"]) == (sessions, attended)
    assert (found["recent_unauthorised"], found["recent_missed"]) == (unauthorised, str(int(sessions) - int(attended)))
    rows = found["recent_marks"]
    assert isinstance(rows, tuple)
    assert (rows[0]["am"], rows[0]["pm"]) == first


@pytest.mark.parametrize("name", ["marks", "recent_marks"])
def test_a_referral_is_refused_while_a_session_has_code_n(name):
    letter = sample_letter("referral_pack")
    context(letter, sample_letterhead())
    fields = {**letter.fields, name: week("/,\\ N O,N")}
    with pytest.raises(LetterError, match=r"3 session\(s\) still have the code N: resolve them first"):
        context(dataclasses.replace(letter, fields=fields), sample_letterhead())


def test_a_line_that_asks_for_a_field_without_marks_is_a_mistake(tmp_path):
    file = tmp_path / "en" / "letter_3.md.j2"
    file.parent.mkdir()
    file.write_text("# A\n\n[calendar: absences]\n\n[months: mark]\n\n[calender: marks]\n")
    assert [str(found).removeprefix(f"{file}:") for found in check_templates(tmp_path)] == [
        "3: [calendar: absences] asks for a field of marks; those are: marks",
        "5: [months: mark] asks for a field of marks; those are: marks",
        "7: [calender: marks] is not a line that letters know; they know [signature], [new page], [new column], "
        "[line: label], [lines 4: label], [tick: label], [calendar: marks], [months: marks], [register: marks], "
        "[codes: marks]",
    ]

"""What a class teacher's list says of a pupil and of the class, and who gets which file."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pypdfium2
import pytest
import report_world

from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs, marks_from_text
from attendance_pipeline.derive.tables import to_frame
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.reports.class_lists import (
    CLASS_FILE,
    ClassListPupil,
    ClassListWeek,
    build_class_lists,
    class_list_pupils,
    class_list_week,
    next_step,
    session_word,
)
from attendance_pipeline.reports.figures import in_words, percent, plural, points, tenths

DAY = dt.date(2026, 2, 13)
WEEK = ClassListWeek(
    days=tuple(dt.date(2026, 2, d) for d in range(9, 14)),
    threshold=Decimal(90),
    school_year=(9412, 10000),
    school_week=(930, 1000),
)


def pupil(name: str, class_name: str = "3/4 Elm", **figures: Any) -> ClassListPupil:
    given = {"attended": 190, "possible": 200, "before_attended": 180, "before_possible": 190, "late": 2}
    return ClassListPupil(name, name.lower(), class_name, **{**given, "week": ("present",) * 10, **figures})


def build(pupils: list[ClassListPupil], week: ClassListWeek = WEEK) -> dict[str, dict[str, bytes]]:
    teachers = {"3/4 Elm": "Ms Rowe", "5 Oak": ""}
    return build_class_lists(
        pupils,
        week,
        school="Oakfield Primary School",
        teachers=teachers,
        policy="seed 1a2b",
        as_at="13 February 2026",
    )


def pages(content: bytes) -> list[str]:
    with pypdfium2.PdfDocument(content) as pdf:
        return [page.get_textpage().get_text_bounded() for page in pdf]


def own_list(pupils: list[ClassListPupil], week: ClassListWeek = WEEK) -> str:
    """The one page of the first class."""
    (page,) = pages(next(iter(build(pupils, week).values()))["class-list.pdf"])
    return page


def test_one_list_a_class_and_one_bundle_for_the_attendance_lead() -> None:
    files = build([pupil("Ash, Ada"), pupil("Birch, Ben", "5 Oak"), pupil("Elder, Eve", "5 Oak")])
    elm = next(audience for audience in files if audience.startswith("class-3-4 Elm~"))
    assert {a: list(names) for a, names in files.items()} == {
        elm: ["class-list.pdf"],
        "class-5 Oak": ["class-list.pdf"],
        "attendance-lead": ["class-lists.pdf"],
    }
    (own,) = pages(files["class-5 Oak"]["class-list.pdf"])
    assert "Birch, Ben" in own and "Ash, Ada" not in own
    bundle = pages(files["attendance-lead"]["class-lists.pdf"])
    assert ["Ash, Ada" in page for page in bundle] == [True, False]
    assert ["Ms Rowe" in page for page in bundle] == [True, False]


def test_a_row_and_the_class_as_a_whole() -> None:
    page = own_list(
        [
            pupil("Ash, Ada", week_late=1, week_attended=9, week_possible=10),
            pupil("Zed, Zoe", attended=90, possible=100, before_attended=0, before_possible=0, stage=2,
                  next_step="Hold the informal meeting by 4 Mar", patterns=("Fridays", "late on Mondays"),
                  week_attended=8, week_possible=10),
        ]
    )  # fmt: skip
    assert "95.0%" in page and "+0.3" in page  # Ada: 190 of 200, a week ago 180 of 190 (94.7%)
    assert "new" in page  # Zoe had no session before this week
    assert "93.3%" in page  # (190 + 90) / (200 + 100): pooled, not the mean 92.5%
    assert "–1.4 points since last week; school 94.1%" in page  # 93.3 as printed, and 94.7 of Ada alone
    assert "85.0%" in page and "school 93.0%" in page  # 17 of 20 this week
    assert "Hold the informal" in page and "Fridays; late on" in page
    assert "of two pupils" in page and "one pupil" in page


def test_sentences_stand_above_the_table_only_where_there_is_something_to_say() -> None:
    assert "fallen well behind" not in own_list([pupil("Ash, Ada")])
    assert "no mark yet" not in own_list([pupil("Ash, Ada")])
    page = own_list([pupil("Ash, Ada", week=("no mark",) * 2 + ("present",) * 8)], replace(WEEK, flagged=frozenset({"3/4 Elm"})))  # fmt: skip
    assert "this class has fallen well behind the school" in page
    assert "Two sessions of this week have no mark yet." in page


@pytest.mark.parametrize("many", [1, 24, 32, 36])
def test_a_class_has_one_page(many: int) -> None:
    rows = [
        pupil(f"Name Surname {i:02d}", stage=int(i % 5 == 0), next_step="Review 4 March" if i % 5 == 0 else "")
        for i in range(many)
    ]
    page = own_list(rows)
    assert all(row.name in page for row in rows)


def test_a_class_that_is_larger_than_a_page_goes_on_with_its_head() -> None:
    rows = [pupil(f"Pupil {i:02d}", next_step="Something long that has to be done by somebody soon", stage=1) for i in range(60)]  # fmt: skip
    first, *_, last = pages(next(iter(build(rows).values()))["class-list.pdf"])
    assert "Next step" in first and "Next step" in last
    assert "Pupil 00" in first and "Pupil 59" in last


def test_a_short_week_has_its_own_days() -> None:
    week = replace(WEEK, days=WEEK.days[1:4])
    page = own_list([pupil("Ash, Ada", week=("present",) * 6)], week)
    assert "Tue" in page and "Thu" in page and "Mon" not in page and "Fri" not in page
    assert "School week of 10 Feb to 12 February 2026" in page


def test_what_matters_shows_in_grey() -> None:
    """Present, absent and late differ in how dark their signs are, with no colour at all."""

    def darkness(word: str) -> float:
        content = next(iter(build([pupil("A", week=(word,) * 10)]).values()))["class-list.pdf"]
        with pypdfium2.PdfDocument(content) as pdf:
            grey = np.asarray(pdf[0].render(scale=4, grayscale=True).to_numpy(), dtype=float)
        found = 255 - grey
        return float(found.sum())

    present, late, absent = (darkness(word) for word in ("present", "late", "absent"))
    assert present < late < absent


def test_the_same_input_gives_the_same_bytes() -> None:
    assert build([pupil("Ash, Ada")]) == build([pupil("Ash, Ada")])


def test_a_name_in_a_script_without_a_font_does_not_keep_the_list_from_its_teacher() -> None:
    page = own_list([pupil("王, 子涵"), pupil("Łuczak, Zoë")])
    assert "?, ??" in page and "Łuczak, Zoë" in page


@pytest.mark.parametrize("name", ["ж" * 60, "Ash " + "ж" * 25, "ж" * 12 + "-" + "ж" * 30])
@pytest.mark.parametrize("stage", [0, 2])
def test_a_long_name_does_not_run_over_the_marks_beside_it(name: str, stage: int) -> None:
    (content,) = [files[CLASS_FILE] for files in build([pupil(name, stage=stage)]).values() if CLASS_FILE in files]
    with pypdfium2.PdfDocument(content) as pdf:
        words = pdf[0].get_textpage()
        drawn = [i for i in range(words.count_chars()) if words.get_text_range(i, 1) == "ж"]
        ends = [words.get_charbox(i)[2] for i in drawn]
    assert len(ends) == name.count("ж")
    assert max(ends) < (12 + 35) / 25.4 * 72, "the column of names is 35 mm wide, from 12 mm on"


def test_rows_from_what_was_derived() -> None:
    school = report_world.school(60, last=DAY)
    day = school.calendar.on_or_before(DAY)
    derived = derive_school(school, 0, day)
    names = {p: (f"Pupil {p}", f"{p:02d}") for p in range(60) if p != 9}
    rows = class_list_pupils(derived, day, names, {7: "Something to do"})
    assert len(rows) == 58  # one has left, and one is not to be listed
    one = next(r for r in rows if r.name == "Pupil 7")
    frame, before = (to_frame(derived, "measures", d, d) for d in (day, day - 5))
    year, then = (
        f[(f["upn"] == school.pupils.upn[7]) & (f["measure"] == "year_to_date")].iloc[0] for f in (frame, before)
    )
    assert (one.attended, one.possible) == (year["attended"], year["possible"])
    assert (one.before_attended, one.before_possible) == (then["attended"], then["possible"])
    assert (one.week_attended, one.week_possible) == (one.attended - one.before_attended, one.possible - one.before_possible)  # fmt: skip
    assert one.late == year["late_before_close"] + year["late_after_close"]
    assert len(one.week) == 10
    for r in rows:
        assert bool(r.next_step) == (r.stage > 0)
    assert any(r.stage for r in rows)
    week = class_list_week(derived, day)
    assert week.days == WEEK.days and week.threshold == 90
    groups = to_frame(derived, "groups", day, day)
    whole = groups[(groups["group_kind"] == "school") & (groups["measure"] == "year_to_date")].iloc[0]
    assert week.school_year == (whole["attended"], whole["possible"])


def test_the_week_of_a_pupil_session_by_session() -> None:
    calendar = report_world.calendar()
    first = calendar.on_or_after(dt.date(2026, 2, 9))
    line = " ".join([*["/\\"] * first, "L\\", "UO", "I-", "/,Y1", "X\\"])
    rows = [{"class_name": "3 Elm"}, {"class_name": "3 Elm", "entry": dt.date(2026, 2, 11)}]
    pupils = PupilTable.from_rows(calendar, rows)
    marks = marks_from_text(calendar, [line, line])
    school = SchoolInputs("oakfield", calendar, report_world.policy(), pupils, marks, LogTable.from_entries(2, []))
    whole, joined = class_list_pupils(derive_school(school, 0, first + 4), first + 4, {0: ("A", "a"), 1: ("B", "b")})
    late, absent, closed, none, away = "late", "absent", "late after the register closed", "no mark", "not expected"
    here = "present"
    assert whole.week == (late, here, closed, absent, absent, none, here, away, away, here)
    assert joined.week == ("", "", "", "", absent, none, here, away, away, here)
    assert (whole.week_late, whole.week_possible, whole.week_attended) == (2, 7, 4)
    assert joined.change is None


def test_no_session_word_tells_one_reason_from_another() -> None:
    _, flags = CODES.eras(np.array(["2026-02-09"], dtype="datetime64[D]"))
    words = {code: session_word(int(flags[0, number])) for number, code in enumerate(CODES.codes) if code}
    assert {words[code] for code in "IMCTEGNOSHF" if code in words} == {"absent"}
    assert {words[c] for c in ("/", "\\", "B", "V", "P", "W")} == {"present"}
    assert (words["L"], words["U"]) == ("late", "late after the register closed")


def test_no_pupils_no_lists() -> None:
    assert build([]) == {}


@pytest.mark.parametrize(
    ("stage", "awaiting", "due", "words"),
    [
        (0, False, None, ""),
        (1, True, None, "To start: see worklist"),
        (2, False, dt.date(2026, 3, 4), "Review 4 March"),
        (4, False, None, "Review due"),
    ],
)
def test_next_step(stage: int, awaiting: bool, due: dt.date | None, words: str) -> None:
    assert next_step(stage, awaiting, due) == words


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (189, 200, "94.5%"),
        (9445, 10000, "94.5%"),  # a half goes up, on the exact fraction
        (94449, 100000, "94.4%"),
        (1, 3, "33.3%"),
        (2, 3, "66.7%"),
        (0, 5, "0.0%"),
        (5, 5, "100.0%"),
        (0, 0, "n/a"),
    ],
)
def test_percentages_are_rounded_once_on_the_exact_fraction(part: int, whole: int, text: str) -> None:
    assert percent(tenths(part, whole)) == text


def test_differences_and_counts_in_words() -> None:
    assert [points(Decimal(x)) for x in ("1.2", "-0.4", "0.0")] == ["+1.2", "–0.4", "0.0"]
    assert points(None) == "n/a"
    assert [in_words(n) for n in (0, 9, 10, 1234)] == ["no", "nine", "10", "1,234"]
    assert [plural(n, "pupil") for n in (0, 1, 2, 12)] == ["no pupils", "one pupil", "two pupils", "12 pupils"]
    assert plural(2, "child", "children") == "two children"

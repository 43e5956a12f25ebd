"""What a class teacher's list says of a pupil and of the class, and who gets which file."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pypdfium2
import pytest
import report_world

from attendance_pipeline.derive.tables import to_frame
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.reports.class_lists import ClassListPupil, build_class_lists, class_list_pupils, next_step
from attendance_pipeline.reports.figures import in_words, percent, plural, points, tenths

DAY = dt.date(2026, 2, 13)


def pupil(name: str, class_name: str = "3/4 Elm", **figures: int) -> ClassListPupil:
    given = {"attended": 190, "possible": 200, "recent_attended": 36, "recent_possible": 40, "late": 2, "stage": 0}
    return ClassListPupil(name, name.lower(), class_name, **{**given, **figures})


def build(pupils: list[ClassListPupil]) -> dict[str, dict[str, bytes]]:
    teachers = {"3/4 Elm": "Ms Rowe", "5 Oak": ""}
    return build_class_lists(
        pupils,
        school="Oakfield Primary School",
        teachers=teachers,
        day=DAY,
        policy="seed 1a2b",
        as_at="13 February 2026",
    )


def pages(content: bytes) -> list[str]:
    return [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(content)]


def test_one_list_a_class_and_one_bundle_for_the_office() -> None:
    files = build([pupil("Ash, Ada"), pupil("Birch, Ben", "5 Oak"), pupil("Elder, Eve", "5 Oak")])
    elm = next(audience for audience in files if audience.startswith("class-3-4 Elm~"))
    assert {a: list(names) for a, names in files.items()} == {
        elm: ["class-list.pdf"],
        "class-5 Oak": ["class-list.pdf"],
        "office": ["class-lists.pdf"],
    }
    (own,) = pages(files["class-5 Oak"]["class-list.pdf"])
    assert "Birch, Ben" in own and "Ash, Ada" not in own
    bundle = pages(files["office"]["class-lists.pdf"])
    assert ["Ash, Ada" in page for page in bundle] == [True, False]
    assert ["3/4 Elm · Ms Rowe" in page for page in bundle] == [True, False]


def test_a_row_and_the_class_as_a_whole() -> None:
    rows = [
        pupil("Ash, Ada"),
        pupil("Zed, Zoe", attended=90, possible=100, recent_attended=0, recent_possible=0, stage=2),
    ]
    (page,) = pages(next(iter(build(rows).values()))["class-list.pdf"])
    lines = page.replace("\r\n", "\n")
    assert "95.0%" in lines and "90.0%" in lines and "–5.0" in lines  # Ada's year, her last weeks, the change
    assert "n/a" in lines  # Zoe has no session in the last four weeks
    assert "93.3%" in lines  # (190 + 90) / (200 + 100): pooled, not the mean 92.5%


def test_the_same_input_gives_the_same_bytes() -> None:
    assert build([pupil("Ash, Ada")]) == build([pupil("Ash, Ada")])


def test_a_name_in_a_script_without_a_font_does_not_keep_the_list_from_its_teacher() -> None:
    (page,) = pages(next(iter(build([pupil("王, 子涵"), pupil("Łuczak, Zoë")]).values()))["class-list.pdf"])
    assert "?, ??" in page and "Łuczak, Zoë" in page


def test_rows_from_what_was_derived() -> None:
    school = report_world.school(60, last=DAY)
    day = school.calendar.on_or_before(DAY)
    derived = derive_school(school, 0, day)
    rows = class_list_pupils(derived, day, {p: (f"Pupil {p}", f"{p:02d}") for p in range(60)})
    assert len(rows) == 59  # one has left
    one = next(r for r in rows if r.name == "Pupil 7")
    frame = to_frame(derived, "measures", day, day)
    mine = frame[frame["upn"] == school.pupils.upn[7]].set_index("measure")
    year, recent = mine.loc["year_to_date"], mine.loc["rolling_4_school_weeks"]
    assert (one.attended, one.possible) == (year["attended"], year["possible"])
    assert (one.recent_attended, one.recent_possible) == (recent["attended"], recent["possible"])
    assert one.late == year["late_before_close"] + year["late_after_close"]
    assert {bool(r.next_step) for r in rows if r.stage} <= {True} and any(r.stage for r in rows)


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

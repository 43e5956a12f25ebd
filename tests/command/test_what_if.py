"""`attendance what-if` and `attendance diff`: what they say of a small home, worked out by hand; that they touch nothing."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from demo_homes import Said, attendance, tree
from openpyxl import load_workbook
from small_home import ANN, BEN, LAST_DAY, REGISTER, derive, drop, drop_pupils, drop_weeks, load, small_home

from attendance_pipeline.law.policy import shipped_policy_text

# Autumn begins on Tuesday 1 September. Ann misses Tuesday 15th to Monday 21st, Ben 14th and 15th, without a reason; Ben's
# second day is put right to illness on 28 September.
LINES = {ANN: "09-15 to 09-21 O", BEN: "09-14 to 09-15 O"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small home with both terms derived. Questions change nothing."""
    folder = small_home(tmp_path_factory.mktemp("what-if") / "home")
    drop_pupils(folder, "06-01")
    drop_weeks(folder, LINES)
    load(folder)
    drop(folder, "register_2026-09-28.csv", REGISTER, [f"{BEN},2026-09-15,{half},I,," for half in ("AM", "PM")])
    load(folder)
    derive(folder)
    return folder


@pytest.fixture(scope="module")
def lower(home: Path) -> Path:
    """The shipped policy with 75% in autumn, outside the home."""
    file = home.parent / "lower.toml"
    text = shipped_policy_text().replace("autumn = 85", "autumn = 75").replace('name = "seed-school"', 'name = "lower"')
    file.write_text(text, encoding="utf-8")
    return file


def asked(home: Path, *more: object) -> dict[str, Any]:
    said = attendance("what-if", "--home", home, *more, "--json")
    assert said.code == 0, said.err
    (one,) = json.loads(said.out)
    return one


def test_side_by_side(home: Path, lower: Path) -> None:
    """Ann: 20 possible sessions on Monday 14 September's evening (1 to 14 September is 10 days). Decisions of the 17th
    see the 16th: 20 of 24 is 83.3%, below 85 (and on the 16th 20 of 22 is 90.9%). Below 75: on the 21st she has missed
    four days, 20 of 28 is 71.4%; on the 18th 20 of 26 is 76.9%. Ben: on the 16th, with both days missed, 18 of 22 is
    81.8%: below 85, and never below 75. That his second day was illness changes no figure, and the first is enough for
    the gate."""
    told = asked(home, "--policy", lower, "--from", "2026-09-01")
    assert [w["week_to"] for w in told["today"]["weeks"]][:4] == [
        "2026-09-04",
        "2026-09-11",
        "2026-09-18",
        "2026-09-25",
    ]
    assert [w["letters"] for w in told["today"]["weeks"]][:4] == [0, 0, 2, 0]
    (other,) = told["others"]
    assert other["policy"] == "lower"
    assert [w["letters"] for w in other["weeks"]][:4] == [0, 0, 0, 1]
    assert [w["stage_1"] for w in other["weeks"]][:4] == [0, 0, 0, 1]
    assert all(sum(w[f"stage_{s}"] for s in range(5)) == 6 for side in (told["today"], other) for w in side["weeks"])


def test_todays_side_by_the_log_is_what_the_stages_table_says(home: Path, lower: Path) -> None:
    told = asked(home, "--policy", lower, "--actions", "log")
    rows = attendance("export", "--home", home, "stages").out.splitlines()
    head = rows[0].split(",")
    day, stage = head.index("date"), head.index("stage")
    for week in told["today"]["weeks"]:
        on = [r.split(",") for r in rows[1:] if r.split(",")[day] == week["week_to"]]
        assert [sum(int(r[stage]) == s for r in on) for s in range(5)] == [week[f"stage_{s}"] for s in range(5)]


def test_a_sweep_has_a_row_for_each_point(home: Path) -> None:
    told = asked(home, "--sweep", "thresholds.autumn=75:85:5", "--sweep", "stalled_reviews=0,2")
    assert [o["values"] for o in told["others"]] == [
        {"thresholds.autumn": t, "stalled_reviews": s} for t in (75, 80, 85) for s in (0, 2)
    ]
    assert told["others"][-1]["totals"] == told["today"]["totals"]
    said = attendance("what-if", "--home", home, "--sweep", "thresholds.autumn=75:85:5")
    assert [line.split("  ")[0] for line in said.out.splitlines()[3:7]] == [
        "today's policy", "thresholds.autumn 75", "thresholds.autumn 80", "thresholds.autumn 85",
    ]  # fmt: skip


def test_who_moves_is_named_for_the_person_who_asked_and_in_no_log(
    home: Path, lower: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book, page = tmp_path / "moves.xlsx", tmp_path / "moves.html"
    with caplog.at_level(logging.DEBUG):
        said = attendance(
            "what-if", "--home", home, "--policy", lower, "--to", "2026-09-18", "-o", book, "-o", page
        )  # fmt: skip
    assert said.code == 0, said.err
    assert ANN in said.out
    moves = load_workbook(book)["who moves"]
    assert [row[0].value for row in moves.iter_rows(min_row=2)][:1] == [ANN]
    assert ANN not in page.read_text(encoding="utf-8") and ANN not in caplog.text and ANN not in said.err
    assert page.read_text(encoding="utf-8").count("<svg") == len(("today", "lower", "letters", "hours", "cases"))
    assert "before approvals and holds" in page.read_text(encoding="utf-8")
    assert (book.stat().st_mode & 0o777) == 0o600


def test_asking_touches_nothing_and_always_says_the_same(home: Path, lower: Path) -> None:
    before = tree(home)
    questions = (
        ("what-if", "--policy", lower),
        ("what-if", "--sweep", "thresholds=80:90:5", "--as-at", "2026-09-20"),
        ("diff", "--from-as-at", "2026-09-25", "--to-as-at", "2026-10-02", "--json"),
    )
    for question in questions:
        one, other = (attendance(*question, "--home", home) for _ in range(2))
        assert (one.code, one.out) == (0, other.out)
    assert tree(home) == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "--policy FILE, or --sweep"),
        (("--sweep", "threshold.autumn=80"), "did you mean 'thresholds.autumn'?"),
        (("--sweep", "thresholds.autumn=80:120:20"), "less than or equal to 100"),
        (("--policy", "nowhere.toml"), "nowhere.toml"),
        (("--sweep", "thresholds=80", "--actions", "soon"), "--actions soon"),
        (("--sweep", "thresholds=80", "--minutes", "tea=5"), "letter, meeting, review, referral, case"),
        (("--sweep", "thresholds=80", "-o", "x.pdf"), "ends in .xlsx or .html"),
        (("--sweep", "thresholds=80", "--from", "2026-10-01", "--to", "2026-09-01"), "is after"),
        (("--sweep", "thresholds=80", "--from", "2027-01-01"), "no school day with marks"),
    ],
)
def test_what_cannot_be_asked_is_refused(home: Path, more: tuple[str, ...], words: str) -> None:
    said = attendance("what-if", "--home", home, *more)
    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_an_empty_home_stays_empty(tmp_path: Path) -> None:
    empty = small_home(tmp_path / "home")
    before = tree(empty)
    assert attendance("what-if", "--home", empty, "--sweep", "thresholds=80").code == 2
    assert attendance("diff", "--home", empty, "--from-as-at", "2026-09-01", "--to-as-at", "2026-09-02").code == 2
    assert tree(empty) == before


# ---------------------------------------------------------------- two evenings


def differ(home: Path, first: str, last: str) -> tuple[dict[str, Any], Said]:
    said = attendance("diff", "--home", home, "--from-as-at", f"2026-{first}", "--to-as-at", f"2026-{last}")
    as_json = attendance(
        "diff", "--home", home, "--from-as-at", f"2026-{first}", "--to-as-at", f"2026-{last}", "--json"
    )
    assert said.code == as_json.code == 0
    (one,) = json.loads(as_json.out)
    return one, said


def test_a_mark_put_right_is_told_with_what_follows(home: Path) -> None:
    """On Friday 25 September's evening Ben has 34 of 38 sessions, four unauthorised; on Monday 28th two are illness. No
    week's extract came on the 28th: both evenings' nights are for Friday."""
    told, said = differ(home, "09-25", "09-28")
    assert (told["from_day"], told["to_day"]) == ("2026-09-25", "2026-09-25")
    assert [
        (m["upn"], m["date"], m["session"], m["before"], m["after"], m["file"], m["line"]) for m in told["marks"]
    ] == [
        (BEN, "2026-09-15", "AM", "O", "I", "register_2026-09-28.csv", 2),
        (BEN, "2026-09-15", "PM", "O", "I", "register_2026-09-28.csv", 3),
    ]
    (figure,) = told["figures"]
    assert figure["before"] == "34 of 38 attended, 0 authorised, 4 unauthorised"
    assert figure["after"] == "34 of 38 attended, 2 authorised, 2 unauthorised"
    assert "2 of the pupil's marks changed" in figure["why"]
    assert "O -> I" in said.out


def test_days_that_went_by_are_told_apart_from_days_restated(home: Path) -> None:
    """From 11 to 18 September nothing of earlier days changed; Ann came to stage 1 because days went by."""
    told, _ = differ(home, "09-11", "09-18")
    assert told["counts"]["marks_changed"] == 0
    assert told["counts"]["marks_of_later_days"] == 6 * 5 * 2
    (ann,) = [c for c in told["stages"] if c["upn"] == ANN]
    assert ann["before"] == ann["restated"] and ann["before"].startswith("stage 0")
    assert ann["after"] == "stage 1, awaiting action"
    assert ann["why"] == "school days up to 2026-09-18 have gone by"


def test_the_same_evening_twice_differs_in_nothing(home: Path) -> None:
    told, _ = differ(home, f"{LAST_DAY:%m-%d}", f"{LAST_DAY:%m-%d}")
    assert set(told["counts"].values()) == {0}


def test_evenings_in_the_wrong_order_are_refused(home: Path) -> None:
    said = attendance("diff", "--home", home, "--from-as-at", "2026-09-28", "--to-as-at", "2026-09-25")
    assert said.code == 2 and "is after" in said.err

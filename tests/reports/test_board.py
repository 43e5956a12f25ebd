"""What a board holds: the figures of the day, the pupils of the audience and no others, and nothing it must not say.

No browser here: the file is read as text. How it behaves in one is in test_board_in_browser.py.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import time
from collections import Counter
from dataclasses import replace

import board_world
import numpy as np
import pytest

from attendance_pipeline.derive.tables import to_frame
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.reports.board import LEAD, PAGE, PLAIN_CODES, BoardInputs, board_data, board_files
from attendance_pipeline.reports.board_page import SCRIPTS, as_json, board_script, board_style
from attendance_pipeline.reports.restricted import is_restricted
from attendance_pipeline.reports.worklist_rows import ListSheet, OwnerLists
from attendance_pipeline.spreadsheets import Column

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
GIVEN = board_world.board()
FILES = board_files(GIVEN)
CLASSES = sorted(FILES.keys() - {LEAD})


def text(audience: str = LEAD) -> str:
    return FILES[audience][PAGE].decode()


def held(audience: str = LEAD) -> dict:
    """The data that stands in a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text(audience), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def pupil(row: int, audience: str = LEAD) -> dict:
    return next(p for p in held(audience)["pupils"] if p["id"] == GIVEN.keys[row])


# ---------------------------------------------------------------- figures


def test_every_pupil_on_roll_is_there_once_with_the_figures_of_the_export() -> None:
    day = GIVEN.day
    rows = to_frame(GIVEN.derived, "measures", day, day)
    upns = {upn: GIVEN.keys[row] for row, upn in enumerate(GIVEN.derived.inputs.pupils.upn)}
    shown = {p["id"]: p for p in held()["pupils"]}
    year = rows[rows["measure"] == "year_to_date"]
    assert sorted(shown) == sorted(upns[u] for u in year["upn"])
    for r in year.to_dict("records"):
        p = shown[upns[r["upn"]]]
        assert p["k"] == [r["possible"], r["attended"], r["authorised"], r["unauthorised"],
                          r["late_before_close"] + r["late_after_close"]]  # fmt: skip
        assert p.get("a") == (None if r["possible"] == 0 else (r["attended"] * 2000 // r["possible"] + 1) // 2)


def test_stages_and_reviews_are_those_of_the_export() -> None:
    rows = to_frame(GIVEN.derived, "stages", GIVEN.day, GIVEN.day)
    upns = {upn: GIVEN.keys[row] for row, upn in enumerate(GIVEN.derived.inputs.pupils.upn)}
    shown = {p["id"]: p for p in held()["pupils"]}
    for r in rows.to_dict("records"):
        p = shown[upns[r["upn"]]]
        due = "" if r["review_due"] is None or str(r["review_due"]) == "NaT" else f"{r['review_due']:%Y-%m-%d}"
        assert (p["g"], p["st"], p.get("due", "")) == (r["stage"], r["status"], due)
    assert any(p["g"] > 1 for p in shown.values()), "somebody has to be on the ladder for this to say anything"


def test_groups_are_those_of_the_export_without_those_that_speak_of_care() -> None:
    rows = to_frame(GIVEN.derived, "groups", GIVEN.day, GIVEN.day)
    year = rows[(rows["measure"] == "year_to_date") & ~rows["group"].isin(["Looked After", "Social Worker"])]
    shown = {(g["kind"], g["name"]): (g["pupils"], g["persistent"], g["severe"]) for g in held()["groups"]}
    expected = {
        (r["group_kind"], GIVEN.school if r["group_kind"] == "school" else r["group"]): (
            r["pupils"], r["persistent"], r["severe"]
        )
        for r in year.to_dict("records")
    }  # fmt: skip
    assert shown == expected
    tile = next(t for t in held()["tiles"] if t["label"] == "Persistently absent")
    school = shown["school", GIVEN.school]
    assert (tile["of"], tile["count"], tile["note"]) == (school[0], school[1], f"{school[2]} of them severely")
    assert {"Looked After"} <= set(rows["group"]), "the school has such a pupil: without one nothing is hidden"


def tile(label: str, given: BoardInputs = GIVEN) -> dict:
    return next(t for t in board_data(given)["tiles"] if t["label"] == label)


def test_a_task_of_several_owners_is_overdue_once() -> None:
    lead, *others = GIVEN.lists
    (late,) = [r for r in lead.sheet("to_do").rows if r["tone"] == "late"]
    shared = [{**late, "owner": title} for title in ("Attendance lead", "Class teacher, 5 Oak", "Headteacher")]
    another = {**late, "owner": "Headteacher", "pupil_row": 11}
    owners = [
        OwnerLists(f"o{i}", row["owner"], (replace(lead.sheet("to_do"), rows=[row]),))
        for i, row in enumerate([*shared, another])
    ]
    assert tile("Overdue", replace(GIVEN, lists=[lead, *others]))["count"] == 1
    assert tile("Overdue", replace(GIVEN, lists=owners))["count"] == 2


def test_an_owner_with_overdue_tasks_is_not_counted_as_an_overdue_row() -> None:
    owners = ListSheet("Everyone", (Column("owner", "Owner"),), [{"owner": "Office", "tone": "late"}], key="everyone")
    given = replace(GIVEN, lists=[OwnerLists("slt", "Senior leadership team", (owners,))])
    assert "tone" not in board_data(given)["lists"][0]["sheets"][0]["rows"][0]


def test_a_threshold_that_is_met_only_if_n_counts_is_not_told_as_met() -> None:
    rows = to_frame(GIVEN.derived, "penalty_notices", GIVEN.day, GIVEN.day)
    rank = ["not_met", "near", "met_provisional", "met"]
    worst = Counter(rank[max(rank.index(s) for s in own)] for _, own in rows.groupby("upn")["status"])
    assert worst["met"] and worst["met_provisional"], "without one of each this says nothing"
    told = tile("Penalty notices")
    assert told["count"] == worst["met"]
    assert told["note"] == f"met; {worst['met_provisional']} more if N counts, {worst['near']} near"


@pytest.mark.parametrize("row", [0, 3, 4, 10, 14])
def test_the_calendar_holds_the_codes_of_the_register(row: int) -> None:
    page = held()
    marks = next((p["m"] for p in page["pupils"] if p["id"] == GIVEN.keys[row]), None)
    if row == 3:
        assert marks is None  # left at Christmas: not on roll, so not on the board
        return
    signs = [ALPHABET.index(s) for s in marks if s != " "]
    shown = [page["codes"][n]["c"] if n else "" for n in signs]
    assert shown == [code for day in board_world.codes(row, GIVEN.derived) for code in day]


def test_penalty_notice_rows_are_those_of_the_export() -> None:
    rows = to_frame(GIVEN.derived, "penalty_notices", GIVEN.day, GIVEN.day)
    upns = {upn: GIVEN.keys[row] for row, upn in enumerate(GIVEN.derived.inputs.pupils.upn)}
    words = ("not_met", "near", "met_provisional", "met")
    expected = {
        (upns[r["upn"]], r["rule"].replace("-", " ")): (r["status"], r["counted"], r["needed"])
        for r in rows.to_dict("records")
        if r["counted"]
    }
    page = held()
    shown = {(p["id"], page["rules"][n[0]]): (words[n[1]], n[2], n[3]) for p in page["pupils"] for n in p.get("pn", ())}
    assert shown == expected
    assert {status for status, _, _ in shown.values()} >= {"near", "met"}


def test_the_lead_alone_has_the_proof_and_its_sessions_are_those_that_the_export_counts() -> None:
    page = held()
    for shown in page["pupils"]:
        counted = {n[0]: n[2] for n in shown.get("pn", ())}
        cases = shown.get("proof", {}).get("rules", ())
        assert {rule: len(sessions) for rule, _, sessions, _ in cases} == counted
        assert bool(shown.get("proof", {}).get("events")) == bool(shown.get("e"))
    assert sum("proof" in shown for shown in page["pupils"]) > 3
    assert page["files"] and page["windows"] and page["policies"]
    for audience in CLASSES:
        assert not {"files", "windows", "policies", "ruleTexts"} & held(audience).keys()
        assert not any("proof" in shown for shown in held(audience)["pupils"])


def test_published_figures_stand_at_the_day_they_count_to() -> None:
    page = held()
    england = next(line for line in page["published"] if line["style"] == "national")
    day, tenths = england["points"][-1]
    assert (england["name"], page["days"][day], tenths) == ("England", "2026-02-06", 948)  # 94.82%
    assert "6 February 2026" in page["publishedBy"]
    assert {line["style"] for line in page["published"]} == {"national", "local"}
    assert [held(a)["published"] for a in CLASSES] == [[]] * len(CLASSES)


def test_a_column_says_what_the_policy_asks_for_before_its_weeks_begin() -> None:
    assert held()["stageNotes"][1:] == [
        "4 school weeks from: letter sent",
        "4 school weeks from: letter sent and meeting held",
        "4 school weeks from: meeting held",
        "4 school weeks",
    ]


# ---------------------------------------------------------------- who may read what


@pytest.mark.parametrize("audience", CLASSES)
def test_a_class_page_holds_that_class_and_no_name_of_another(audience: str) -> None:
    mine = held(audience)["ofClass"]
    of_class = GIVEN.derived.inputs.pupils.class_name
    on_roll = GIVEN.derived.inputs.pupils.on_roll(GIVEN.day)
    expected = sorted(GIVEN.keys[p] for p in np.flatnonzero(on_roll & (of_class == mine)))
    assert sorted(p["id"] for p in held(audience)["pupils"]) == expected
    others = {name for p, (name, _) in GIVEN.names.items() if of_class[p] != mine and p >= len(board_world.HOSTILE)}
    own = {name for p, (name, _) in GIVEN.names.items() if of_class[p] == mine}
    assert [name for name in others - own if name in text(audience)] == []
    assert {c["name"] for c in held(audience)["classes"]} == {mine}
    assert {g["name"] for g in held(audience)["groups"]} <= {mine}


@pytest.mark.parametrize("audience", [LEAD, *CLASSES])
def test_no_page_names_a_court_care_or_safeguarding(audience: str) -> None:
    assert not is_restricted(html.unescape(text(audience)))
    assert "DSL" not in text(audience), "free notes of the log are on no page"


def test_a_held_letter_says_that_there_is_a_reason_and_what_else_holds_it() -> None:
    held_letter = next(row for row in pupil(10)["l"] if row[5] == "OAK-2")
    assert held_letter[4] == "recently sent; Restricted: ask the attendance lead"


def test_a_case_blocked_for_care_says_only_that_something_is_in_the_way() -> None:
    rows = pupil(board_world.LOOKED_AFTER)["pn"]
    assert any(row[1] >= 2 for row in rows)
    assert {part for row in rows if row[1] >= 2 for part in row[6].split("; ")} == {
        "Restricted: ask the attendance lead", "no Notice to Improve",
    }  # fmt: skip


def test_contacts_leave_out_letters_and_say_of_others_what_may_be_said() -> None:
    lead = {row[1]: row[3:] for row in pupil(10)["h"]}
    assert lead == {
        "Hold": ["Attendance lead", ""],
        "Agency contacted": ["", "Restricted: ask the attendance lead"],
        "Phone call": ["Headteacher", "Support offered; Housing"],
    }
    audience = next(a for a in CLASSES if any(p["id"] == GIVEN.keys[10] for p in held(a)["pupils"]))
    assert {row[1]: row[3:] for row in pupil(10, audience)["h"]} == {
        "Agency contacted": ["", ""], "Phone call": ["Headteacher", ""],
    }  # fmt: skip


def test_no_page_holds_a_upn() -> None:
    upns = {str(u) for u in GIVEN.derived.inputs.pupils.upn}
    assert not upns & set(re.findall(r"\w+", text()))


def test_custody_is_one_of_the_codes_of_a_session_not_required() -> None:
    codes = held()["codes"]
    assert PLAIN_CODES.keys() == {"Y5"}
    assert codes[CODES.number("Y5")] == {"c": "Y", "t": "Unable to attend", "k": "not_possible"}
    assert "detention" not in text()


def test_a_class_that_ended_gets_a_page_without_pupils() -> None:
    files = board_files(GIVEN, ["class-9Z", LEAD, CLASSES[0]])
    assert sorted(files) == sorted([*FILES, "class-9Z"])
    found = re.search(r'id="data">(.*?)</script>', files["class-9Z"][PAGE].decode(), re.DOTALL)
    assert found is not None
    assert json.loads(found[1])["pupils"] == []


# ---------------------------------------------------------------- the file


def test_the_same_day_gives_the_same_bytes() -> None:
    assert board_files(board_world.board()) == FILES


@pytest.mark.parametrize("name", board_world.HOSTILE)
def test_no_name_can_end_the_data_or_become_html(name: str) -> None:
    page = as_json({"name": name})
    assert not set("<>&\u2028\u2029") & set(page)
    assert json.loads(page) == {"name": name}


def test_the_policy_allows_this_script_this_style_and_nothing_else() -> None:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text())
    assert found is not None
    policy = dict(part.split(" ", 1) for part in html.unescape(found[1]).split("; "))
    script, style = (
        re.search(pattern, text(), re.DOTALL)[1]  # type: ignore[index]  # there is one
        for pattern in (r"<script>(.*?)</script>", r"<style>(.*?)</style>")
    )

    def of(words: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(words.encode()).digest()).decode()}'"

    assert policy == {
        "default-src": "'none'",
        "script-src": of(script),
        "style-src": of(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert (script, style) == (board_script(), board_style())


@pytest.mark.parametrize(
    "never",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch(", "XMLHttpRequest",
     "WebSocket", "sendBeacon", "localStorage", "sessionStorage", "document.cookie", "import("],
)  # fmt: skip
def test_the_script_has_no_way_to_make_html_of_text_to_ask_or_to_keep(never: str) -> None:
    assert never not in board_script()


def test_nothing_is_fetched() -> None:
    page = text().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"(?:https?:)?//[\w.]+\.\w{2,}|url\(|@import|<link(?![^>]*data:,)|<iframe|<img ", page) == []


def test_every_part_of_the_script_is_in_it() -> None:
    from importlib.resources import files

    folder = files("attendance_pipeline.reports") / "templates" / "board"
    assert sorted(f.name for f in folder.iterdir() if f.name.endswith(".js")) == sorted(SCRIPTS)


def test_a_school_of_1500_is_built_in_ten_seconds_and_fits_in_five_megabytes() -> None:
    given = board_world.board(1500)
    begun = time.process_time()
    files = board_files(given)
    assert time.process_time() - begun < 10
    assert len(files[LEAD][PAGE]) < 5_000_000
    assert len(board_data(given)["pupils"]) == 1499

"""`attendance explain`: every figure is that of `attendance export`, whom a word means, and what stays at the terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from demo_homes import SCHOOLS, Said, attendance, environment, pupils_named, table, tree

from attendance_pipeline.reports.explained import WIDTH, as_json, as_lines
from attendance_pipeline.reports.restricted import is_restricted
from attendance_pipeline.steps.board import keys_of
from attendance_pipeline.steps.deliver import newest
from attendance_pipeline.steps.explain import explain
from attendance_pipeline.steps.find_pupil import find_pupils
from attendance_pipeline.steps.site import open_site

GUIDE = Path(__file__).parents[2] / "docs" / "explain.md"
SCHOOL = SCHOOLS[1]
Tables = dict[str, pd.DataFrame]


@pytest.fixture
def home(demonstration: tuple[Path, Said]) -> Path:
    """The demonstration's home: to explain changes nothing."""
    return demonstration[0]


@pytest.fixture(scope="module")
def tables(demonstration: tuple[Path, Said]) -> Tables:
    names = ("measures", "stages", "stage_events", "penalty_notices", "register", "letters")
    return {name: table(demonstration[0], name, "--school", SCHOOL) for name in names}


@pytest.fixture(scope="module")
def explained(demonstration: tuple[Path, Said]) -> dict[str, dict[str, Any]]:
    """What is said of everybody of one school on the newest day, by UPN, as JSON and (`lines`) for a terminal."""
    out = {}
    with open_site(demonstration[0]) as site:
        schools = site.schools(SCHOOL)
        for upn in sorted(set(table(demonstration[0], "stages", "--school", SCHOOL)["upn"])):
            told = explain(site, find_pupils(site, upn, schools)[0])
            out[upn] = json.loads(json.dumps(as_json(told))) | {"lines": as_lines(told)}
    return out


def told(home: Path, *words: object) -> dict[str, Any]:
    said = attendance("explain", *words, "--home", home, "--json")
    assert said.code == 0, said.err
    return dict(json.loads(said.out))


def ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def blank(value: object) -> str:
    return "" if value is None else str(value)


# ---------------------------------------------------------------- the figures are those of the tables


def rows(tables: Tables, name: str, upn: str, on: str | None = None) -> list[dict[str, str]]:
    frame = tables[name][tables[name]["upn"] == upn]
    frame = frame if on is None else frame[frame["date"] == on]
    return [{str(k): v for k, v in r.items()} for r in frame.to_dict("records")]


def test_measures_are_those_of_the_export(explained: dict[str, Any], tables: Tables) -> None:
    for upn, one in explained.items():
        shown = [
            {k: blank(m[k]) for k in m if k != "attendance"} | {"attendance": ratio(m["attendance"])}
            for m in one["measures"]
        ]
        wanted = rows(tables, "measures", upn, one["date"])
        assert len(wanted) == (3 if one["pupil"]["on_roll"] else 0)
        assert len(shown) == len(wanted)
        assert shown == [{k: r[k] for k in shown[0]} for r in wanted]


def test_the_stage_is_that_of_the_export(explained: dict[str, Any], tables: Tables) -> None:
    seen = set()
    for upn, one in explained.items():
        if not one["pupil"]["on_roll"]:
            assert rows(tables, "stages", upn, one["date"]) == []
            continue
        (wanted,) = rows(tables, "stages", upn, one["date"])
        at = one["stage"]
        for key in ("stage", "status", "episode", "opened_on", "review_due", "reviews"):
            assert blank(at[key]) == wanted[key], key
        assert ratio((at["checkpoint"] or {}).get("attendance")) == wanted["checkpoint"]
        seen.add(at["status"])
    assert {"none", "awaiting_action", "monitoring"} <= seen


def test_the_events_are_those_of_the_export(explained: dict[str, Any], tables: Tables) -> None:
    told = 0
    for upn, one in explained.items():
        shown = [
            {
                **{k: blank(e[k]) for k in ("date", "event", "from_stage", "to_stage", "episode")},
                "attendance": ratio(e["figure"]["attendance"]),
                "threshold": ratio(e["threshold"]),
            }
            for e in one["events"]
        ]
        wanted = rows(tables, "stage_events", upn)
        assert shown == [{k: r[k] for k in shown[0]} for r in wanted] if shown else wanted == []
        told += len(shown)
    assert told > 3


def test_penalty_notice_rules_are_those_of_the_export(explained: dict[str, Any], tables: Tables) -> None:
    counted = 0
    for upn, one in explained.items():
        wanted = {r["rule"]: r for r in rows(tables, "penalty_notices", upn, one["date"])}
        assert set(wanted) == {c["rule"] for c in one["penalty_notices"]}
        for case in one["penalty_notices"]:
            row = wanted[case["rule"]]
            assert (case["status"], str(case["counted"]), str(case["needed"])) == (
                row["status"],
                row["counted"],
                row["needed"],
            )
            assert (case["window"]["from"], case["window"]["to"]) == (row["window_from"], row["window_to"])
            assert blank(case["drops_out_on"]) == row["drops_out_on"]
            assert "; ".join(case["blocked_by"]) == row["blocked_by"]
            assert sum(w["counted"] for w in case["weeks"]) == len(case["sessions"]) == case["counted"]
            counted += case["counted"]
    assert counted > 10


def test_every_session_is_in_the_register_under_its_file_and_line(explained: dict[str, Any], tables: Tables) -> None:
    register = {(r["upn"], r["date"], r["session"]): r for r in rows_of(tables["register"])}
    shown = 0
    for upn, one in explained.items():
        sessions = [*one["absences"], *(s for e in one["events"] for s in e["relied_on"])]
        sessions += [s for c in one["penalty_notices"] for s in (*c["sessions"], *c["not_counted"])]
        for s in sessions:
            row = register[upn, s["date"], s["session"]]
            assert (s["code"], s["file"], str(s["line"])) == (row["code"], row["extract"], row["line"])
            shown += 1
        figure = one["figure"]
        assert len(one["absences"]) == figure["authorised"] + figure["unauthorised"]
        assert figure["attended"] + len(one["absences"]) == figure["possible"]
    assert shown > 50


def rows_of(frame: pd.DataFrame) -> list[dict[str, str]]:
    return [{str(k): v for k, v in r.items()} for r in frame.to_dict("records")]


def test_letters_are_those_of_the_export(explained: dict[str, Any], tables: Tables) -> None:
    letters = 0
    for upn, one in explained.items():
        wanted = sorted(rows(tables, "letters", upn), key=lambda r: r["reference"])
        shown = sorted(one["letters"], key=lambda r: r["reference"])
        for letter, row in zip(shown, wanted, strict=True):
            for key in ("reference", "kind", "stage", "contact_id", "state", "reason", "proposed_on"):
                assert blank(letter[key]) == row[key], key
        letters += len(shown)
    assert letters > 3


def test_another_day_is_that_day_s_rows(home: Path, tables: Tables, explained: dict[str, Any]) -> None:
    upn = next(upn for upn, one in explained.items() if one["events"])
    one = told(home, upn, "--date", "2025-09-28")  # a Sunday: Friday is meant
    assert one["date"] == "2025-09-26"
    (wanted,) = rows(tables, "stages", upn, "2025-09-26")
    assert (str(one["stage"]["stage"]), one["stage"]["status"]) == (wanted["stage"], wanted["status"])
    assert {x["proposed_on"] <= "2025-09-28" for x in one["letters"]} <= {True}


def test_of_a_day_to_come_nothing_is_known_but_what_is_known_now(home: Path, explained: dict[str, Any]) -> None:
    upn, one = next((u, o) for u, o in explained.items() if o["events"])
    later = told(home, upn, "--date", "2025-12-01")
    assert later["date"] == one["date"]
    assert {k: later[k] for k in ("figure", "stage", "measures", "events")} == {
        k: one[k] for k in ("figure", "stage", "measures", "events")
    }


def test_as_at_an_evening_is_the_export_as_at_that_evening(home: Path) -> None:
    then = table(home, "penalty_notices", "--school", SCHOOL, "--as-at", "2025-09-24")
    stages = table(home, "stages", "--school", SCHOOL, "--as-at", "2025-09-24")
    last = stages["date"].max()
    for upn in sorted(set(stages["upn"]))[:8]:
        one = told(home, upn, "--as-at", "2025-09-24")
        assert (one["date"], one["as_at"]) == (last, "2025-09-24")
        row = stages[(stages["upn"] == upn) & (stages["date"] == last)].iloc[0]
        assert (str(one["stage"]["stage"]), one["stage"]["status"]) == (row["stage"], row["status"])
        counted = then[(then["upn"] == upn) & (then["date"] == last)].set_index("rule")["counted"]
        assert {c["rule"]: str(c["counted"]) for c in one["penalty_notices"]} == counted.to_dict()


# ---------------------------------------------------------------- whom a word means


@pytest.fixture(scope="module")
def roll(demonstration: tuple[Path, Said]) -> pd.DataFrame:
    from attendance_pipeline.register.roll import current_pupils

    with open_site(demonstration[0]) as site, site.warehouse.read() as conn:
        return pd.concat([current_pupils(conn, s).assign(school=s) for s in SCHOOLS], ignore_index=True)


def test_a_pupil_is_meant_by_upn_admission_number_or_name(home: Path, roll: pd.DataFrame) -> None:
    roll["name"] = roll["forename"] + " " + roll["surname"]
    one = roll[(roll["school"] == SCHOOL) & ~roll["name"].duplicated(keep=False)].iloc[3]
    asked = [
        one["upn"], one["upn"].lower(), one["admission_number"], one["name"], one["name"].upper(),
        f"{one['surname']}, {one['forename']}", f" {one['surname']}  {one['forename']} ",
    ]  # fmt: skip
    assert {told(home, text, "--school", SCHOOL)["pupil"]["upn"] for text in asked} == {one["upn"]}


def test_several_pupils_are_told_by_class_alone(home: Path, roll: pd.DataFrame) -> None:
    surname = roll["surname"].value_counts()
    shared = str(surname[surname > 1].index[0])
    fit = roll[roll["surname"] == shared]
    said = attendance("explain", shared, "--home", home)
    assert (said.code, said.out) == (2, "")
    assert f"{len(fit)} pupils fit" in said.err
    assert all(f"{r['class']} ({r['school']})" in said.err for r in fit.to_dict("records"))
    assert pupils_named(home, said.err) == 0
    one = fit.iloc[0]
    narrowed = attendance(
        "explain", shared, "--home", home, "--school", one["school"], "--class", one["class"], "--json"
    )
    assert narrowed.code in (0, 2)  # two of one class stay two
    if narrowed.code == 0:
        assert json.loads(narrowed.out)["pupil"]["upn"] == one["upn"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Nobody Of That Name",), "no pupil has that UPN, admission number or name"),
        (("",), "no pupil has that"),
        (("A123456789012",), "no pupil has that"),
    ],
)
def test_nobody_is_said_and_nothing_else(home: Path, words: tuple[str, ...], said: str) -> None:
    found = attendance("explain", *words, "--home", home)
    assert (found.code, found.out) == (2, "")
    assert said in found.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--date", "2019-01-01"), "has school days from"),
        (("--as-at", "2025-01-01"), "no register is loaded that was recorded by 2025-01-01"),
        (("--date", "2025-09-10", "--as-at", "2025-01-01"), "no register is loaded that was recorded by 2025-01-01"),
        (("--school", "nowhere"), "nowhere"),
    ],
)
def test_a_day_of_which_nothing_is_known_is_refused(
    home: Path, explained: dict[str, Any], options: tuple[str, ...], said: str
) -> None:
    found = attendance("explain", min(explained), "--home", home, *options)
    assert found.code == 2
    assert said in found.err
    assert pupils_named(home, found.err) == 0


# ---------------------------------------------------------------- on the terminal, and there alone


def test_lines_fit_eighty_columns_and_say_the_sentences_first(explained: dict[str, Any]) -> None:
    for one in explained.values():
        assert max(map(len, one["lines"])) <= WIDTH
        text = " ".join(one["lines"])
        for sentence in one["sentences"]:
            assert re.sub(r"\s+", " ", sentence) in re.sub(r"\s+", " ", text)
        first = re.sub(r"\s+", " ", text).index(one["sentences"][0])
        if one["pupil"]["on_roll"]:
            assert re.sub(r"\s+", " ", text).index("FIGURES") > first


def test_the_proof_names_policy_version_and_source(explained: dict[str, Any], home: Path) -> None:
    one = next(o for o in explained.values() if o["stage"]["stage"] == 1)
    text = re.sub(r"\s+", " ", " ".join(one["lines"]))
    policy = one["policy"]
    assert policy["file"] == "policies/seed-school.toml"
    assert policy["clauses"]["thresholds.autumn"] == "85"
    assert f"{policy['name']}, version {policy['version']}" in text
    assert re.sub(r"\s+", " ", policy["source"]) in text
    assert all(c["source"] and c["source"] in text for c in one["penalty_notices"])


def test_explaining_writes_nothing(home: Path, explained: dict[str, Any]) -> None:
    without = r"warehouse\.db-(wal|shm)$"
    before = tree(home, without)
    said = attendance("explain", min(explained), "--home", home)
    assert (said.code, said.err) == (0, "")
    assert tree(home, without) == before


def test_neither_dagster_nor_what_checks_extracts_is_loaded(home: Path, explained: dict[str, Any]) -> None:
    """A quick answer: what takes longer to load than the answer to give is not loaded."""
    heavy = ("dagster", "pandera", "great_expectations", "scipy.linalg", "typst", "pikepdf", "openpyxl", "alembic")
    program = (
        "import sys; from attendance_pipeline.cli import main; "
        f"code = main(['explain', {min(explained)!r}, '--home', {str(home)!r}, '--json']); "
        f"print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, env=environment(), timeout=120
    )
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    assert json.loads(done.stdout)["pupil"]["upn"] == min(explained)


# ---------------------------------------------------------------- the guide


def keys(value: Any, at: str = "") -> set[str]:
    if isinstance(value, dict):
        # What a policy or a rule calls its own things is not for us to fix.
        if at in ("policy.clauses", "penalty_notices[].clauses", "what_would_change_it.otherwise[].penalty_notices"):
            return {at}
        return {at, *(k for name, v in value.items() for k in keys(v, f"{at}.{name}" if at else name))} - {""}
    if isinstance(value, list):
        return {at, *(k for v in value for k in keys(v, f"{at}[]"))} - {f"{at}[]"}
    return {at}


def test_the_guide_names_every_key_of_the_json(explained: dict[str, Any]) -> None:
    found = {k for one in explained.values() for k in keys({n: v for n, v in one.items() if n != "lines"})}
    guide = GUIDE.read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([^`]+)` \|", guide, re.M))
    assert sorted(found - named) == []


# ---------------------------------------------------------------- the same on the board


def sessions_of(page: dict[str, Any], rows: list[list[Any]]) -> list[tuple[object, ...]]:
    """Sessions of a page: date, session, code, file, line."""
    days, files = page["days"], page["files"]
    return [
        (days[day] if isinstance(day, int) else day, ("AM", "PM")[half], code, files[file] if file >= 0 else "", line)
        for day, half, code, file, line, *_ in rows
    ]


def test_the_attendance_leads_board_proves_what_is_explained(home: Path, explained: dict[str, dict[str, Any]]) -> None:
    html = (home / "outbox" / SCHOOL / "attendance-lead" / "board" / "index.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    page = json.loads(found[1])
    with open_site(home) as site:
        (school,) = site.schools(SCHOOL)
        newest_day = newest(site, school)
        assert newest_day is not None
        key_of = keys_of(site, newest_day[0])
        upns = {key_of[row]: upn for row, upn in enumerate(newest_day[0].inputs.pupils.upn)}
    proved = 0
    for pupil in page["pupils"]:
        said, proof = explained[upns[pupil["id"]]], pupil.get("proof", {})
        lines = " ".join(" ".join(said["lines"]).split())
        assert bool(proof) == bool(
            said["stage"]["stage"] or said["events"] or any(c["counted"] for c in said["penalty_notices"])
        )
        events = proof.get("events", [])
        assert [e[0] for e in events] == [e["date"] for e in reversed(said["events"])]
        for shown, event in zip(events, reversed(said["events"]), strict=True):
            relied = [(s["date"], s["session"], s["code"], s["file"], s["line"]) for s in event["relied_on"]]
            assert sessions_of(page, shown[4]) == relied
            assert shown[1] in lines and shown[2] in lines and shown[3] in lines
        cases = [c for c in said["penalty_notices"] if c["counted"]] if proof else []
        assert len(proof.get("rules", [])) == len(cases)
        for (rule, window, counted, left), case in zip(proof.get("rules", []), cases, strict=True):
            assert page["rules"][rule] == case["rule"].replace("-", " ")
            for rows, sessions in ((counted, case["sessions"]), (left, case["not_counted"])):
                expected = [(s["date"], s["session"], s["code"], s["file"], s["line"]) for s in sessions]
                assert sessions_of(page, rows) == expected
            weeks = [(w["number"] or 0, w["monday"], w["skipped_because"] or "") for w in case["weeks"]]
            assert [(number, monday, why) for number, monday, why, _ in page["windows"][window]] == weeks
        near = any(c["status"] != "not_met" for c in said["penalty_notices"])
        assert bool(proof.get("changes")) == (pupil["g"] > 0 or pupil["st"] == "watch" or near) if proof else True
        assert all(words in lines for words in proof.get("changes", []) if not is_restricted(words))
        proved += len(events) > 0 and len(cases) > 0
    assert proved >= 1

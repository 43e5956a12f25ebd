"""The fictitious school is the same for the same seed, is like a real one, and gives every part of a ladder something."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from attendance_pipeline.demo.extracts import Invented
from attendance_pipeline.demo.make import DemoPlan, invent_school, make_demo_home
from attendance_pipeline.demo.rates import national_rates
from attendance_pipeline.demo.staff import pupil_table
from attendance_pipeline.derive.inputs import LogTable, SchoolInputs
from attendance_pipeline.derive.ladder import EVENTS, STATUSES
from attendance_pipeline.derive.penalty_notices import PN_STATUSES
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.home import Home, open_home
from attendance_pipeline.home_check import check_home
from attendance_pipeline.law.register_codes import ATTENDED, CODES, POSSIBLE
from attendance_pipeline.mis.load import load
from attendance_pipeline.mis.upn import is_upn
from attendance_pipeline.register.history import register_as_at
from attendance_pipeline.register.roll import current_contacts, current_interventions, current_pupils
from attendance_pipeline.store import quarantine
from attendance_pipeline.store.warehouse import open_warehouse

TODAY = dt.date(2026, 2, 13)


@dataclass(frozen=True)
class Demo:
    plan: DemoPlan
    home: Home
    school: Invented
    last: int

    @property
    def inbox(self) -> Path:
        return self.home.schools[0].inbox


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    plan = make_demo_home(tmp_path_factory.mktemp("demo") / "home")
    home = open_home(plan.home)
    school = invent_school(home.schools[0], 0, 420, 1)
    return Demo(plan, home, school, school.recorded.now.shape[1] - 1)


@pytest.fixture(scope="module")
def derived(demo: Demo) -> Derived:
    return derive(demo.home, demo.school)


def derive(home: Home, school: Invented) -> Derived:
    calendar, n = school.calendar, len(school.pupils)
    marks = np.zeros((n, len(calendar), 2), np.uint8)
    marks[:, : school.recorded.now.shape[1]] = school.recorded.now
    log = LogTable.from_entries(n, [e.plain() for e in school.log.entries])
    table = pupil_table(calendar, school.pupils)
    inputs = SchoolInputs("oakfield", calendar, home.schools[0].policy, table, marks, log)
    return derive_school(inputs, 0, school.recorded.now.shape[1] - 1)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def content(home: Path) -> dict[str, bytes]:
    return {p.relative_to(home).as_posix(): p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file()}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one = make_demo_home(tmp_path / "one", pupils=90, seed=5)
    two = make_demo_home(tmp_path / "two", pupils=90, seed=5)
    other = make_demo_home(tmp_path / "other", pupils=90, seed=6)
    assert content(one.home) == content(two.home)
    assert content(one.home) != content(other.home)


def test_the_home_is_sound_and_its_plan_true(demo: Demo) -> None:
    assert [f for f in check_home(demo.plan.home, TODAY) if f.severity != "note"] == []
    assert demo.plan.today == TODAY
    assert demo.plan.term == (dt.date(2025, 9, 2), dt.date(2026, 2, 12))
    assert demo.plan.school_ids == ("oakfield",)
    assert demo.plan.pupils == len(demo.school.pupils)
    assert demo.plan.extracts == len(list(demo.inbox.iterdir()))
    days = [d for d in demo.school.calendar.days.tolist() if d <= TODAY]
    assert all((demo.inbox / f"register_{d.isoformat()}.csv").exists() for d in days)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rates_are_near_the_national_ones(demo: Demo, seed: int) -> None:
    school = invent_school(demo.home.schools[0], 0, 420, seed)
    flags = CODES.eras(school.calendar.days[:1])[1][0][school.recorded.now]
    possible, attended = (((flags & bit) > 0).sum((1, 2)) for bit in (POSSIBLE, ATTENDED))
    national = national_rates()
    assert abs(attended.sum() / possible.sum() - national["attendance"]) < 0.015
    has = possible > 0
    persistent = (possible[has] - attended[has]) * 10 >= possible[has]
    assert abs(persistent.mean() - national["persistent_absence"]) < 0.05
    share = Counter(school.recorded.now.reshape(-1).tolist())
    for code, name in (("M", "appointments"), ("C", "other_authorised"), ("G", "holiday_unauthorised")):
        assert share[CODES.number(code)] / possible.sum() == pytest.approx(national[name], rel=0.6)


def test_pupils_climb_and_recover(demo: Demo, derived: Derived) -> None:
    found = Counter((EVENTS[e["event"]], int(e["to_stage"])) for e in derived.events)
    assert found["opened", 1] >= 40
    assert found["escalated", 2] >= 10
    assert found["escalated", 3] >= 5
    assert found["escalated", 4] >= 1
    assert found["recovered", 0] >= 10
    assert found["set", 2] == found["closed", 0] == 1
    today = derived.stage_rows(demo.last)
    assert set(today["stage"].tolist()) == {0, 1, 2, 3, 4}
    assert 12 <= (today["stage"] > 0).sum() <= 60


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_every_kind_of_letter_is_due_today_and_few_enough_for_the_brake(demo: Demo, seed: int) -> None:
    school = invent_school(demo.home.schools[0], 0, 420, seed)
    today = derive(demo.home, school).stage_rows(demo.last)
    due = np.flatnonzero((today["status"] == STATUSES.index("awaiting_action")) & (today["stage"] > 0))
    due = [int(p) for p in due if school.pupils[p].leaving is None or school.pupils[p].leaving >= TODAY]
    assert sorted(due) == sorted(school.log.unanswered)
    assert {int(today["stage"][p]) for p in due} == {1, 2, 3}
    letters = sum(c.gets_letters for p in due for c in school.pupils[p].family.contacts)
    assert 3 <= letters <= 0.05 * 420


def test_penalty_notice_thresholds_are_met_by_few_and_near_for_some(demo: Demo, derived: Derived) -> None:
    here = derived.inputs.pupils.on_roll(demo.last)
    found = [
        Counter(PN_STATUSES[s] for s in derived.notice_rows(rule, demo.last)["status"][here])
        for rule in range(len(derived.plan.rule_names))
    ]
    for counts in found:
        assert 1 <= counts["met"] <= 3
        assert counts["met_provisional"] >= 1
        assert counts["near"] >= 2


def test_the_cases_that_hold_a_letter_are_met(demo: Demo) -> None:
    families = [demo.school.pupils[p].family.contacts for p in demo.school.log.unanswered]
    assert any(c.restricted for f in families for c in f)
    assert any(not c.address and not c.postcode for f in families for c in f)
    assert any(len({c.postcode for c in f if c.gets_letters}) == 2 for f in families)
    assert {"Polish", "Urdu"} <= {c.language for f in families for c in f}


def test_flags_are_about_as_frequent_as_in_the_country(demo: Demo) -> None:
    pupils = demo.school.pupils
    n = len(pupils)
    assert all(is_upn(p.upn) for p in pupils)
    assert len({p.upn for p in pupils}) == n
    for count, low, high in (
        (sum(p.fsm for p in pupils), 0.18, 0.33),
        (sum(p.pupil_premium for p in pupils), 0.20, 0.36),
        (sum(p.sen != "N" for p in pupils), 0.11, 0.25),
        (sum(p.eal for p in pupils), 0.12, 0.30),
        (sum(p.looked_after for p in pupils), 0.0, 0.02),
        (sum(p.leaving is not None for p in pupils), 0.005, 0.03),
        (sum(p.entry > dt.date(2025, 9, 2) for p in pupils), 0.005, 0.03),
    ):
        assert low <= count / n <= high
    families = Counter(p.family.number for p in pupils)
    assert max(families.values()) >= 2


def test_corrections_come_late(demo: Demo) -> None:
    after = Counter(c.recorded - c.day for c in demo.school.recorded.changes)
    assert min(after) == 1
    assert sum(n for days, n in after.items() if days > 5) >= 30
    assert sum(after.values()) >= 500
    unresolved = np.argwhere(demo.school.recorded.now == CODES.number("N"))
    assert (unresolved[:, 1] >= demo.last - 2).any()
    assert (unresolved[:, 1] < demo.last - 5).any()


def test_letters_in_the_log_went_to_people_who_may_be_written_to(demo: Demo) -> None:
    log = rows(demo.inbox / f"interventions_{TODAY.isoformat()}.csv")
    contacts = {(p.upn, c.id): c for p in demo.school.pupils for c in p.family.contacts}
    sent = [r for r in log if r["Action"] == "letter_sent"]
    assert len(sent) > 60
    named = [r for r in sent if r["Contact ID"]]
    assert len(named) > 0.8 * len(sent)
    assert all(contacts[r["UPN"], r["Contact ID"]].gets_letters for r in named)
    earlier = rows(demo.inbox / "interventions_2025-11-07.csv")
    assert all(r in log for r in earlier)
    assert len(earlier) < len(log)


def test_loaded_it_is_the_register_that_was_meant_and_faults_are_set_aside(demo: Demo, tmp_path: Path) -> None:
    wh = open_warehouse(f"sqlite:///{tmp_path / 'w.db'}")
    wh.upgrade()
    result = load(wh, "oakfield", demo.inbox, tmp_path / "kept", settle_seconds=0)
    assert result.refused == ("register_2025-11-17_summary.csv",)
    with wh.read() as conn:
        roll = current_pupils(conn, "oakfield")
        place = {upn: i for i, upn in enumerate(roll["upn"])}
        order = [place[p.upn] for p in demo.school.pupils]
        days = demo.school.calendar.days[: demo.last + 1]
        ids = roll["person_id"].to_numpy()[order]
        assert (register_as_at(conn, "oakfield", days, ids) == demo.school.recorded.now).all()
        assert len(roll) == len(demo.school.pupils)
        assert len(current_contacts(conn, "oakfield")) == sum(len(p.family.contacts) for p in demo.school.pupils)
        log = current_interventions(conn, "oakfield")
        assert len(log) >= len(demo.school.log.entries)
        found = quarantine.rows(conn, "oakfield")
    rules = Counter(str(r["rule"]) for r in found)
    for rule in (
        "unknown code",
        "UPN check letter is wrong",
        "not a date",
        "impossible date",
        "not AM or PM",
        "code not legal in this session",
        "conflicting rows",
        "missing value",
    ):
        assert rules[rule] >= 1, rule
    assert any(rule.startswith("not on roll") for rule in rules)
    assert any(str(r["extract"]) == f"register_{TODAY.isoformat()}.csv" for r in found)


def test_a_trust_of_small_schools(tmp_path: Path) -> None:
    plan = make_demo_home(tmp_path / "trust", pupils=30, schools=3, seed=9)
    home = open_home(plan.home)
    assert home.school_ids == ("oakfield", "elmbrook", "ashmere")
    assert len({s.urn for s in home.schools}) == 3
    upns = [r["UPN"] for s in home.schools for r in rows(next(iter(sorted(s.inbox.glob("pupils_*")))))]
    assert len(upns) == len(set(upns)) >= 90


@pytest.mark.parametrize("wrong", [{"pupils": 5}, {"schools": 0}, {"seed": -1}])
def test_a_school_of_nobody_is_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 30 pupils"):
        make_demo_home(tmp_path / "home", **wrong)
    assert not (tmp_path / "home").exists()

"""What if: worked by hand, against the whole derivation, and many policies at once against one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import random_school
from exam_school import day, entry, school

from attendance_pipeline.derive.ladder import EVENTS
from attendance_pipeline.derive.penalty_notices import MET_PROVISIONAL, NEAR
from attendance_pipeline.derive.what_if import KINDS, STAGES, what_if
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.policy import Policy, PolicySetting
from attendance_pipeline.law.policy_grid import parse_sweep, policy_grid, sweep_keys
from attendance_pipeline.law.settings_errors import SettingsError
from attendance_pipeline.letters.figures import EvidenceMaker
from attendance_pipeline.letters.from_ladder import OccasionReader

RULE = {"name": "ten-in-ten", "any_of": [{"sessions": 10, "school_weeks": 10}]}
REQUIRES = {
    "stages": {"1": {"requires": ["letter_sent"]}, "2": {"requires": ["letter_sent", "meeting_held"]}},
}


def grid(inputs, *sweeps):
    days = [d.item() for d in inputs.calendar.days]
    return policy_grid(inputs.policy, [parse_sweep(s) for s in sweeps], days)


def same(one, other):
    """Whether two outcomes agree in every figure."""
    for f in fields(one):
        a, b = getattr(one, f.name), getattr(other, f.name)
        if f.name == "policy":
            continue
        if f.name == "cases_of":
            assert a.keys() == b.keys()
            assert all(np.array_equal(a[k], b[k]) for k in a), f.name
        else:
            assert np.array_equal(a, b), f.name
    return True


# ---------------------------------------------------------------- by hand

# Ten days of autumn missed without a reason from 15 September: 20 of the sessions since 1 September.
TEN_DAYS = {"09-15..09-26": "O O"}
# Five days in a row: from 1 to 19 September 10 of 30 sessions missed.
FIVE_DAYS = {"09-15..09-19": "O O"}


def test_who_is_where_at_the_end_of_each_week():
    """Five days of absence from Monday 15 September. Days 1 to 10 are attended: 20 sessions. On Tuesday 16th the cut-off
    is Monday: 20 of 22 is 90.9%. On Wednesday 20 of 24 is 83.3%: below 85 and below 90. On Thursday the 25th it is 85.7%
    (30 of 36 is 83.3% on the 24th), and so on."""
    inputs = school(FIVE_DAYS, {}, until="10-24")
    first, last = 0, inputs.calendar.on_or_before(day("10-24"))
    low, high = what_if(inputs, [p.policy for p in grid(inputs, "thresholds.autumn=80,91")], first, last)
    # 80: on Thursday 18th 20 of 26 is 76.9% with 26 possible: opened. 91: on Tuesday 16th 20 of 22 is 90.9%: opened.
    assert low.stages[:, 1].tolist()[:3] == [0, 0, 1]
    assert high.stages[:, 1].tolist()[:3] == [0, 0, 1]
    assert low.stages.sum(axis=1).tolist() == [2] * 8
    opened = EVENTS.index("opened")
    assert [int(o.events[:, opened].sum()) for o in (low, high)] == [1, 1]
    # The review is four school weeks after: Thursday 16 October; 80 is reached (54 of 64), 91 is not.
    assert low.stages[-1].tolist() == [2, 0, 0, 0, 0]
    recovered = EVENTS.index("recovered")
    assert low.events[6, recovered] == 1


def test_what_a_stage_requires_is_supposed_or_looked_up():
    """A stage that waits for its letter waits for ever where the log holds none; supposed to be sent five school days
    after it opened, it is monitored from then on, and leads to stage 2."""
    often = {f"{d}..{d}": "O O" for d in ("09-15", "09-16", "09-17", "09-22", "09-29", "10-06", "10-13", "10-20", "11-03",
                                         "11-10", "11-17")}  # fmt: skip
    inputs = school(often, ladder=REQUIRES, until="11-28")
    last = inputs.calendar.on_or_before(day("11-28"))
    (by_log,) = what_if(inputs, [inputs.policy], 0, last)
    assert by_log.highest.tolist() == [1]
    assert by_log.awaiting[-1] == 1
    (at_once,) = what_if(inputs, [inputs.policy], 0, last, 0)
    (in_five,) = what_if(inputs, [inputs.policy], 0, last, 5)
    assert in_five.awaiting[-1] == 0
    # Nothing required is the same as everything done at once.
    free = school(often, until="11-28")
    assert at_once.stages.tolist() == what_if(free, [free.policy], 0, last)[0].stages.tolist()
    with_letter = school(often, ladder=REQUIRES, until="11-28", log=[entry("09-24", "letter_sent", 1)])
    opened = int(np.flatnonzero(with_letter.calendar.days == np.datetime64(day("09-17")))[0])
    sent = int(np.flatnonzero(with_letter.calendar.days == np.datetime64(day("09-24")))[0])
    assert sent - opened == 5
    assert what_if(with_letter, [inputs.policy], 0, last)[0].stages[:, 1].tolist() == in_five.stages[:, 1].tolist()


def test_the_level_of_a_rule_is_swept_as_its_sessions_are():
    """Ten sessions missed of 30 by 19 September: 66.7 percent, and of 60 by 10 October 83.3."""
    rule = {"name": "low", "any_of": [{"sessions": 10, "school_weeks": 10, "attendance_below": 80}]}
    inputs = school(FIVE_DAYS, {}, rules=[rule], until="10-10")
    last = inputs.calendar.on_or_before(day("10-10"))
    key = "penalty_notice_rules.low.any_of.1.attendance_below"
    lowest, low, high = what_if(inputs, [p.policy for p in grid(inputs, f"{key}=50,80,90")], 0, last)
    assert lowest.cases.tolist() == [0] * 6
    assert low.cases.tolist() == [0, 0, 0, 1, 1, 0]
    assert high.cases.tolist() == [0, 0, 0, 1, 1, 1]
    assert lowest.near.tolist() == [0] * 6


def test_cases_at_the_end_of_each_week():
    """Ten sessions without a reason by Friday 19 September, known on Monday 22nd: met at the end of that week. With
    twelve sessions asked for, a week of five days is not enough."""
    inputs = school(FIVE_DAYS, {}, rules=[RULE], until="10-10")
    last = inputs.calendar.on_or_before(day("10-10"))
    ten, twelve = what_if(
        inputs, [p.policy for p in grid(inputs, "penalty_notice_rules.ten-in-ten.any_of.1.sessions=10,12")], 0, last
    )
    assert ten.cases.tolist() == [0, 0, 0, 1, 1, 1]
    assert ten.new_cases.tolist() == [0, 0, 0, 1, 0, 0]
    assert ten.case_at_end.tolist() == [True, False]
    assert twelve.cases.tolist() == [0] * 6
    assert twelve.near.tolist() == [0, 0, 0, 1, 1, 1]
    assert ten.cases_of["ten-in-ten"].tolist() == ten.cases.tolist()


# ---------------------------------------------------------------- against the whole derivation


def slowly(inputs, policy, first, last):
    """The same figures from the arrays of a night, by plain sums."""
    own = replace(inputs, policy=policy)
    calendar = inputs.calendar
    whole = derive_school(own, 0, last)
    begin = whole.plan.replay_start(first)
    days = list(range(first, last + 1))
    ends = [d for d in days if d == last or calendar.week[d + 1] != calendar.week[d]]
    stages, cases = [], []
    for d in ends:
        on = own.pupils.on_roll(d)
        stages.append([int((whole.stage_rows(d)["stage"][on] == s).sum()) for s in range(STAGES)])
        met = np.zeros(len(own), dtype=bool)
        for r in range(len(whole.plan.rule_names)):
            if whole.plan.notices.in_force[r, d] and whole.plan.policy.rules[r].penalty_notice:
                met |= whole.notice_rows(r, d)["status"] >= MET_PROVISIONAL
        cases.append(int((met & on).sum()))
    week = [int(calendar.week[d]) for d in ends]
    events = Counter(
        (int(calendar.week[e["day"]]), EVENTS[e["event"]]) for e in whole.events if first <= e["day"] <= last
    )
    letters: Counter[tuple[int, str]] = Counter()
    since_start = derive_school(own, begin, last)
    reader = OccasionReader(since_start, EvidenceMaker(since_start))
    live = 0 if own.go_live is None else calendar.on_or_after(own.go_live)
    for y in sorted({int(calendar.year_end[d]) for d in days}):
        for o in reader.on(min(y, last)).occasions:
            stands = o.ended_on is None or o.ended_on > o.day
            if stands and o.kind in KINDS and first <= o.day <= last and o.day >= live:
                letters[int(calendar.week[o.day]), o.kind] += 1
    return stages, cases, week, events, letters


@pytest.mark.parametrize("seed", range(60))
def test_the_same_as_a_whole_derivation(seed):
    world = random_school.make(seed, n_pupils=4)
    inputs = world.inputs
    last = len(inputs.calendar) - 1
    first = int(inputs.calendar.year_start[last]) if seed % 2 else 0
    (found,) = what_if(inputs, [inputs.policy], first, last)
    stages, cases, week, events, letters = slowly(inputs, inputs.policy, first, last)
    assert found.stages.tolist() == stages
    assert found.cases.tolist() == cases
    by_week = {(w, e): int(found.events[i, n]) for i, w in enumerate(week) for n, e in enumerate(EVENTS)}
    assert {k: n for k, n in by_week.items() if n} == dict(events)
    asked = {(w, k): int(found.letters[i, n]) for i, w in enumerate(week) for n, k in enumerate(KINDS)}
    assert {k: n for k, n in asked.items() if n} == dict(letters)


WINDOWS = (
    {"school_weeks": 3}, {"school_weeks": 10}, {"calendar_weeks": 6}, {"terms": 1}, {"terms": 2},
    {"school_sessions": 12}, {"school_sessions": 40}, {"consecutive_sessions": True}, {"half_terms": 2},
    {"academic_years": 1}, {"school_days": 15}, {"calendar_months": 3}, {"school_weeks": 4, "attendance_below": 80},
    {"school_sessions": 20, "attendance_below": 70}, {"academic_years": 1, "attendance_below": 92.5},
    {"school_weeks": 6, "consecutive_sessions": True}, {"terms": 1, "holiday_sessions": 2},
    {"school_weeks": 10, "attendance_at_least": 70}, {"half_terms": 1, "broken_weeks": 2},
)  # fmt: skip


def notice_policy(policy: Policy, rules) -> Policy:
    plain = policy.setting.model_dump(by_alias=True, exclude_unset=True)
    return Policy(PolicySetting.model_validate({**plain, "penalty_notice_rules": rules}), "other rules")


@pytest.mark.parametrize("seed", range(300, 330))
def test_penalty_notice_rules_of_every_kind_of_window_as_a_night_has_them(seed):
    """Of pupils whose sessions a notice issued has taken away too. Each kind of window alone, and some beside others."""
    inputs = random_school.make(seed, n_pupils=4).inputs
    last = len(inputs.calendar) - 1
    first = int(inputs.calendar.year_start[last]) if seed % 2 else 0
    many = [3, 5, 7]
    choices = [[{"sessions": many[(seed + i) % 3], **window}] for i, window in enumerate(WINDOWS)]
    choices.append([{"sessions": 6, "school_sessions": 30}, {"sessions": 4, "consecutive_sessions": True}])
    choices.append([{"sessions": 9, "terms": 1}, {"sessions": 5, "school_weeks": 2}])
    policies = [notice_policy(inputs.policy, [{"name": "one", "any_of": any_of}]) for any_of in choices]
    policies.append(
        notice_policy(
            inputs.policy,
            [
                {"name": f"rule-{i}", "any_of": any_of, "codes": list("NOU")[: 1 + i % 3]}
                for i, any_of in enumerate(choices)
            ],
        )
    )
    for policy, found in zip(policies, what_if(inputs, policies, first, last), strict=True):
        whole = derive_school(replace(inputs, policy=policy), first, last)
        ends = [
            d for d in range(first, last + 1) if d == last or inputs.calendar.week[d + 1] != inputs.calendar.week[d]
        ]
        before = np.zeros(len(inputs), dtype=bool)
        for w, d in enumerate(ends):
            on = inputs.pupils.on_roll(d)
            by_name = dict.fromkeys(whole.plan.rule_names, 0)
            met, near = np.zeros(len(inputs), dtype=bool), np.zeros(len(inputs), dtype=bool)
            for r, name in enumerate(whole.plan.rule_names):
                if whole.plan.notices.in_force[r, d]:
                    status = whole.notice_rows(r, d)["status"]
                    met |= on & (status >= MET_PROVISIONAL)
                    near |= on & (status == NEAR)
                    by_name[name] += int((on & (status >= MET_PROVISIONAL)).sum())
            assert found.cases[w] == met.sum()
            assert found.near[w] == (near & ~met).sum()
            assert found.new_cases[w] == (met & ~before).sum()
            assert {name: int(weeks[w]) for name, weeks in found.cases_of.items()} == by_name
            before = met
        assert found.case_at_end.tolist() == before.tolist()


# ---------------------------------------------------------------- a sweep


def _variants(policy: Policy, days) -> list[Policy]:
    out = [policy]
    for sweep in ("thresholds.autumn=70,80,92.5,99", "minimum_possible_sessions=1,12", "reason_gate.minimum_sessions=0,3",
                  "quiet_school_weeks=0,5", "stages.1.monitoring_school_weeks=1,6",
                  "measure=term_to_date,rolling_4_school_weeks", "settle_school_days=0,3"):  # fmt: skip
        try:
            out += [p.policy for p in policy_grid(policy, [parse_sweep(sweep)], days)]
        except SettingsError:  # the stages of this ladder go by levels, and cannot have that threshold
            continue
    for rule in policy.rules[:1]:
        plain = policy.setting.model_dump(by_alias=True, exclude_unset=True)
        plain["penalty_notice_rules"] = [{"name": rule.name, "any_of": [{"sessions": 4, "school_weeks": 5}]}]
        out.append(Policy(PolicySetting.model_validate(plain), "fewer"))
    return out


@pytest.mark.parametrize("seed", range(100, 140))
@pytest.mark.parametrize("supposed", [None, 0, 4], ids=["by the log", "at once", "after four days"])
def test_a_sweep_is_what_each_policy_is_alone(seed, supposed):
    inputs = random_school.make(seed, n_pupils=5).inputs
    last = len(inputs.calendar) - 1
    policies = _variants(inputs.policy, [d.item() for d in inputs.calendar.days])
    together = what_if(inputs, policies, 0, last, supposed)
    assert [o.policy for o in together] == policies
    assert all(same(o, what_if(inputs, [p], 0, last, supposed)[0]) for o, p in zip(together, policies, strict=True))


@pytest.mark.parametrize("seed", range(200, 220))
def test_supposed_at_once_is_as_if_nothing_were_required(seed):
    inputs = random_school.make(seed, n_pupils=5).inputs
    plain = inputs.policy.setting.model_dump(by_alias=True, exclude_unset=True)
    for version in plain["ladder"]:
        for stage in (version.get("stages") or {}).values():
            stage.pop("requires", None)
    free = Policy(PolicySetting.model_validate(plain), "free")
    last = len(inputs.calendar) - 1
    one, other = what_if(inputs, [inputs.policy], 0, last, 0)[0], what_if(inputs, [free], 0, last)[0]
    assert one.stages.tolist() == other.stages.tolist()
    assert one.letters.tolist() == other.letters.tolist()


# ---------------------------------------------------------------- the grid

POLICY = Policy(
    PolicySetting.model_validate(
        {
            "name": "exam",
            "ladder": [
                {"valid_from": "2023-09-01", "thresholds": {"autumn": 85, "spring": 90, "summer": 90}},
                {"valid_from": "2026-01-01", "thresholds": {"autumn": 86, "spring": 91, "summer": 91}},
            ],
            "penalty_notice_rules": [RULE],
        }
    ),
    "exam",
    Path("exam.toml"),
)
IN_2025, IN_2026 = day("2025-10-01"), day("2026-02-01")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("thresholds.autumn=80:95:5", [80, 85, 90, 95]),
        ("thresholds.autumn=92:92.5:0.25", [92, Decimal("92.25"), Decimal("92.5")]),
        ("settle_school_days=0,1,2", [0, 1, 2]),
        ("measure=year_to_date,term_to_date", ["year_to_date", "term_to_date"]),
        ("academic_year_reset=true,false", [True, False]),
        ("x=1:2:3", [1]),
    ],
)
def test_what_a_sweep_says(text, values):
    assert list(parse_sweep(text).values) == values


@pytest.mark.parametrize("text", ["x", "=1", "x=", "x=1:2", "x=2:1:1", "x=1:2:0", "x=1:2:-1", "x=a:b:c", "x=0:1e9:1"])
def test_what_cannot_be_a_sweep(text):
    with pytest.raises(SettingsError, match="--sweep"):
        parse_sweep(text)


def test_a_key_changes_the_versions_in_force_in_the_period():
    (old,) = policy_grid(POLICY, [parse_sweep("thresholds.spring=95")], [IN_2025])
    assert [v.thresholds.spring for v in old.policy.setting.ladder] == [95, 91]
    (both,) = policy_grid(POLICY, [parse_sweep("thresholds=95")], [IN_2025, IN_2026])
    assert [v.thresholds.by_season() for v in both.policy.setting.ladder] == [(95_000,) * 3] * 2


def test_the_grid_is_every_combination_in_order():
    points = policy_grid(
        POLICY, [parse_sweep("thresholds.autumn=80,85"), parse_sweep("stalled_reviews=0,2")], [IN_2025]
    )
    assert [p.words for p in points] == [
        "thresholds.autumn 80, stalled_reviews 0",
        "thresholds.autumn 80, stalled_reviews 2",
        "thresholds.autumn 85, stalled_reviews 0",
        "thresholds.autumn 85, stalled_reviews 2",
    ]
    assert len({p.policy.version for p in points}) == 4


def test_a_wrong_key_is_refused_with_the_keys_there_are():
    with pytest.raises(SettingsError) as refused:
        policy_grid(POLICY, [parse_sweep("threshold.autumn=80")], [IN_2025])
    assert all(key in str(refused.value) for key in sweep_keys(POLICY))
    assert "did you mean 'thresholds.autumn'?" in str(refused.value)


@pytest.mark.parametrize(
    ("sweeps", "words"),
    [
        (["thresholds.autumn=120"], "thresholds.autumn: expected less than or equal to 100"),
        (["stages.1.monitoring_school_weeks=0"], "monitoring_school_weeks"),
        (["measure=weekly"], "measure: expected year_to_date"),
        (["thresholds.autumn=80", "thresholds.autumn=81"], "each key once"),
        (["thresholds.autumn=0:100:0.5", "thresholds.spring=0:100:0.5"], "at most 10,000 policies"),
    ],
)
def test_a_value_that_cannot_be_is_refused(sweeps, words):
    with pytest.raises(SettingsError, match=r"exam\.toml") as refused:
        policy_grid(POLICY, [parse_sweep(s) for s in sweeps], [IN_2025])
    assert words in str(refused.value)

"""Why another list differs: lists counted by hand in another way, and the way that is found again.

Every list is counted here session by session, from the marks as text, by a few lines that know nothing of the search.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest
from try_school import CALENDAR, School, derive, make_school

from attendance_pipeline.derive.claims import Figures, Limit, Members
from attendance_pipeline.derive.reconcile import AGREES, EXPLAINED, SEVERAL, UNEXPLAINED, Reconciliation, reconcile

COUNTS = ("possible", "attended", "authorised", "unauthorised")
_ATTENDED, _AUTHORISED, _UNAUTHORISED = "/\\LKVPWB", ("C", "C1", "C2", "I", "M", "E", "S", "T", "R", "J1"), "GNOU"
FIRST, LAST = dt.date(2025, 9, 2), dt.date(2026, 2, 13)


@pytest.fixture(scope="module")
def school() -> School:
    return make_school(60, LAST, seed=5)


@pytest.fixture(scope="module")
def inputs(school):
    return derive(school)[0].inputs


def kind(code: str, otherwise: Mapping[str, str]) -> str:
    if code in otherwise:
        return otherwise[code]
    if code and code in _ATTENDED:
        return "attended"
    if code in _AUTHORISED:
        return "authorised"
    return "unauthorised" if code and code in _UNAUTHORISED else "nothing"


def counted(school, first=FIRST, last=LAST, half=None, **otherwise) -> list[dict[str, int]]:
    """Sessions of each pupil as another program counts them. `otherwise`: code -> what it takes it for (`no_mark` for a
    session without one); `half`: the last session of the last day."""
    out = []
    for p in school.pupils:
        marked = sorted(d for d, _ in p.marks)
        on_roll = [
            d
            for d in school.days
            if marked[0] <= d <= (marked[-1] if (school.days[-1] - marked[-1]).days > 14 else LAST)
        ]
        row = dict.fromkeys((*COUNTS, "nothing", "only possible"), 0)
        for day in on_roll:
            for session in ("AM", "PM"):
                if not first <= day <= last or (half and day == last and session > half):
                    continue
                row[kind(p.code(day, session) or "no_mark", otherwise)] += 1
        row["possible"] = sum(row[k] for k in ("attended", "authorised", "unauthorised", "only possible"))
        out.append({name: row[name] for name in COUNTS})
    return out


def said(inputs, rows, names=COUNTS, decimals=None, cut=False, only=None) -> Reconciliation:
    """The list, as sessions (or as percentages with so many decimals), held against the inputs."""
    chosen = list(range(len(rows))) if only is None else only
    if decimals is None:
        counts = {n: np.array([rows[i][n] for i in chosen], dtype=np.int64) for n in names}
        claims = Figures(tuple(chosen), counts)
    else:
        scale = 10**decimals
        exact = [Fraction(rows[i]["attended"] * 100 * scale, max(rows[i]["possible"], 1)) for i in chosen]
        values = [int(e) if cut else int(e + Fraction(1, 2)) for e in exact]
        claims = Figures(tuple(chosen), {}, {"attended": np.array(values, dtype=np.int64)}, {"attended": decimals})
    last = CALENDAR.on_or_before(LAST)
    return reconcile(inputs, 0, last, claims)


NO_POSSIBLE = "though it is no possible session"
WAYS = {
    "as ours": ({}, []),
    "to a Friday in December": ({"last": dt.date(2025, 12, 12)}, ["period: 2 September 2025 to 12 December 2025"]),
    "the spring term": ({"first": dt.date(2026, 1, 6)}, ["period: 6 January 2026 to 13 February 2026"]),
    "from a Wednesday to a Tuesday": (
        {"first": dt.date(2025, 10, 8), "last": dt.date(2026, 1, 20)}, ["period: 8 October 2025 to 20 January 2026"]),
    "printed at noon": (
        {"last": dt.date(2026, 2, 5), "half": "AM"}, ["period: 2 September 2025 to 5 February 2026 (morning)"]),
    "L as absence": ({"L": "unauthorised"}, ["L counted as unauthorised absence, not as present"]),
    "U as present": ({"U": "attended"}, ["U counted as present, not as unauthorised absence"]),
    "N as authorised": ({"N": "authorised"}, ["N counted as authorised absence, not as unauthorised absence"]),
    "N not counted": ({"N": "nothing"}, ["N counted as nothing, not as unauthorised absence"]),
    "visits as absence": (
        {"V": "only possible", "B": "only possible"}, ["V B counted as possible but not attended, not as approved activity"]),
    "Y4, D and X as authorised": (
        {"Y4": "authorised", "D": "authorised", "X": "authorised"}, [f"D X Y4 counted as authorised absence, {NO_POSSIBLE}"]),
    "Y4 as authorised": ({"Y4": "authorised"}, [f"Y4 counted as authorised absence, {NO_POSSIBLE}"]),
    "medical as present": ({"M": "attended"}, ["M counted as present, not as authorised absence"]),
    "a period and a code": (
        {"last": dt.date(2025, 12, 12), "U": "attended"},
        ["period: 2 September 2025 to 12 December 2025", "U counted as present, not as unauthorised absence"]),
    "a period and two codes": (
        {"first": dt.date(2026, 1, 6), "U": "attended", "N": "authorised"},
        ["period: 6 January 2026 to 13 February 2026", "U counted as present, not as unauthorised absence",
         "N counted as authorised absence, not as unauthorised absence"]),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_the_way_a_list_was_counted_is_found(name, school, inputs):
    how, words = WAYS[name]
    found = said(inputs, counted(school, **how))
    assert sorted(w.replace("not counted at all", "counted as nothing") for w in found.way) == sorted(words)
    assert found.sure and {r.status for r in found.rows} <= {AGREES, EXPLAINED}
    assert any(r.status == EXPLAINED for r in found.rows) == bool(words)


@pytest.mark.parametrize(
    "name", [n for n in WAYS if n not in ("N as authorised", "printed at noon", "a period and two codes")]
)
def test_percentages_alone_are_enough_of_many_pupils(name, school, inputs):
    """But for what a percentage of attendance cannot show: which absence is authorised."""
    how, _ = WAYS[name]
    found = said(inputs, counted(school, **how), decimals=1)
    as_counts = said(inputs, counted(school, **how))
    assert {r.status for r in found.rows} <= {AGREES, EXPLAINED, SEVERAL}
    assert [w for w in found.way if w.startswith("period")] == [w for w in as_counts.way if w.startswith("period")]


def test_a_row_is_told_only_what_it_needs(school, inputs):
    how = {"last": dt.date(2025, 12, 12), "U": "attended"}
    found = said(inputs, counted(school, **how))
    for i, row in enumerate(found.rows):
        late = [d for (d, _), c in school.pupils[i].marks.items() if c == "U" and d <= how["last"]]
        assert ("U counted" in str(row.why)) == bool(late)


@pytest.mark.parametrize(
    ("how", "parts"),
    [
        ({}, set()),
        ({"last": dt.date(2025, 12, 12)}, {"period"}),
        ({"U": "attended", "N": "authorised"}, {"code treatment"}),
        ({"no_mark": "unauthorised"}, {"unentered marks"}),
        ({"last": dt.date(2025, 12, 12), "no_mark": "unauthorised"}, {"period", "unentered marks"}),
        ({"first": dt.date(2026, 1, 6), "U": "attended"}, {"period", "code treatment"}),
    ],
)
def test_a_difference_is_the_sum_of_its_parts(how, parts, school, inputs):
    found = said(inputs, counted(school, **how))
    assert {part for row in found.rows for part in row.parts} == parts
    for row in found.rows:
        for name in COUNTS:
            added = sum(part.get(name, 0) for part in row.parts.values()) + row.remains.get(name, 0)
            assert row.theirs[name] - row.ours[name] == added


def test_days_after_a_leaver_left_are_the_leavers_part(school, inputs):
    gone = [i for i in range(len(inputs.pupils)) if inputs.pupils.leave[i] < CALENDAR.on_or_before(LAST)]
    assert gone
    rows = [dict(r) for r in counted(school)]
    for i in gone:  # as a program does it that gives whoever has gone an absence a session
        more = 2 * (CALENDAR.on_or_before(LAST) - int(inputs.pupils.leave[i]))
        rows[i]["possible"] += more
        rows[i]["unauthorised"] += more
    found = said(inputs, rows)
    assert {part for row in found.rows for part in row.parts} == {"leavers"}
    assert {i for i, row in enumerate(found.rows) if row.parts} == set(gone)


def test_percentages_that_are_cut_off(school, inputs):
    found = said(inputs, counted(school), decimals=1, cut=True)
    assert found.way == ("percentages are cut off, not rounded",)


@pytest.mark.parametrize("decimals", [0, 1, 2, 6])
def test_a_rounded_percentage_agrees(decimals, school, inputs):
    assert {r.status for r in said(inputs, counted(school), decimals=decimals).rows} == {AGREES}


def test_a_session_without_a_mark_that_is_counted(school, inputs):
    rows = [dict(r) for r in counted(school, no_mark="only possible")]
    assert rows != counted(school)
    assert said(inputs, rows).way == ("sessions without a mark counted as possible but not attended",)


def test_a_joiner_whose_sessions_are_counted_from_september(school, inputs):
    """Pupil 4 came in October; this list counts every session of the year as possible for all, as attended."""
    rows = counted(school)
    joined = min(d for d, _ in school.pupils[4].marks)
    before = 2 * sum(d < joined for d in school.days)
    rows[4] = {**rows[4], "possible": rows[4]["possible"] + before, "unauthorised": rows[4]["unauthorised"] + before}
    found = said(inputs, rows)
    assert found.rows[4].why == (("sessions before the pupil's first day here counted as unauthorised absence",),)


def test_one_corrected_mark_is_not_explained_but_what_remains_is_said(school, inputs):
    rows = counted(school)
    someone = next(i for i, r in enumerate(rows) if r["unauthorised"] > 3 and r["authorised"] > 3)
    rows[someone] = {
        **rows[someone],
        "unauthorised": rows[someone]["unauthorised"] - 1,
        "attended": rows[someone]["attended"] + 1,
    }
    found = said(inputs, rows)
    row = found.rows[someone]
    assert found.way == () and {r.status for i, r in enumerate(found.rows) if i != someone} == {AGREES}
    assert row.alone or (row.status == UNEXPLAINED and row.remains == {"attended": 1, "unauthorised": -1})


def test_impossible_figures_are_not_explained(school, inputs):
    rows = counted(school)
    rows[0] = {**rows[0], "possible": 999, "attended": 5}
    found = said(inputs, rows)
    assert (
        found.rows[0].status == UNEXPLAINED
        and found.rows[0].remains["possible"] == 999 - counted(school)[0]["possible"]
    )


def test_one_percentage_is_never_explained_for_certain(school, inputs):
    rows = counted(school, last=dt.date(2025, 12, 12))
    someone = next(i for i, r in enumerate(rows) if 0 < r["attended"] < r["possible"] - 5)
    found = said(inputs, rows, decimals=1, only=[someone])
    assert not found.sure and found.rows[0].status == SEVERAL
    assert "other periods" in found.also[0]


def test_a_period_that_the_list_states_is_not_sought(school, inputs):
    rows = counted(school, last=dt.date(2025, 12, 12))
    stated = 2 * CALENDAR.on_or_before(dt.date(2025, 12, 12)) + 1
    counts = {n: np.array([r[n] for r in rows], dtype=np.int64) for n in COUNTS}
    claims = Figures(tuple(range(len(rows))), counts, first=np.zeros(len(rows), dtype=np.int64),
                     last=np.full(len(rows), stated, dtype=np.int64))  # fmt: skip
    found = reconcile(inputs, 0, CALENDAR.on_or_before(LAST), claims)
    assert found.way == () and {r.status for r in found.rows} == {AGREES}


# ---------------------------------------------------------------- lists of names

LIMITS = [Limit(90_000, True), Limit(90_000), *(Limit(90_000, r, d) for d in (0, 1) for r in (False, True))]


@pytest.mark.parametrize(
    ("how", "limit", "words"),
    [
        ({}, LIMITS[0], ()),
        ({}, Limit(90_000, True, 0), ("listed by attendance rounded to a whole percent at most 90%",)),
        ({"U": "attended", "L": "unauthorised"}, LIMITS[0], None),
    ],
)
def test_a_list_of_names_comes_out_exactly_or_is_not_believed(how, limit, words, school, inputs):
    rows = counted(school, **how)
    attended, possible = (np.array([r[n] for r in rows], dtype=np.int64) for n in ("attended", "possible"))
    listed = limit.holds(attended, possible)
    found = reconcile(inputs, 0, CALENDAR.on_or_before(LAST), Members(tuple(range(len(rows))), listed, LIMITS))
    if words is not None:
        assert found.way == words
    if not found.sure:
        assert {r.status for r in found.rows} <= {AGREES, SEVERAL, UNEXPLAINED}

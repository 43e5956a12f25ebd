"""What must hold of every school: nights equal a recomputed year, parts equal the whole, the compiled loops equal Python."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import random_school

from attendance_pipeline.derive import records
from attendance_pipeline.derive.counting import COUNTERS
from attendance_pipeline.derive.inputs import LogTable, SchoolInputs
from attendance_pipeline.derive.tables import TABLES, day_columns
from attendance_pipeline.derive.year import Derived, derive_school

SEEDS = range(300, 312)


def same_day(one: Derived, other: Derived, day: int) -> bool:
    return all(
        set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)
        for a, b in ((day_columns(one, table, day), day_columns(other, table, day)) for table in TABLES)
    )


def whole(inputs: SchoolInputs) -> Derived:
    return derive_school(inputs, 0, len(inputs.calendar) - 1)


def known_by(inputs: SchoolInputs, day: int) -> SchoolInputs:
    """What a person could know on the evening of a day: no later mark, no later entry (but ranges given later count)."""
    marks = inputs.marks.copy()
    marks[:, day + 1 :] = 0
    log = inputs.log
    evening = inputs.calendar.days[day]
    late = (log.day > evening) & ~np.isin(log.action, _RANGES)
    keep = ~late
    offsets = np.concatenate([[0], np.cumsum(keep)])[log.offsets]
    fields = {f.name: getattr(log, f.name)[keep] for f in dataclasses.fields(log) if f.name != "offsets"}
    return dataclasses.replace(inputs, marks=marks, log=LogTable(offsets=offsets.astype(np.int64), **fields))


def _ranges() -> list[int]:
    from attendance_pipeline.law.policy import ACTIONS

    # Their dates apply whatever the entry's own: an entry made later changes the past, as it must.
    return [ACTIONS.index("reason_questioned"), ACTIONS.index("evidence_accepted")]


_RANGES = _ranges()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_night_that_knows_no_later_mark_gives_what_the_year_gives(seed: int) -> None:
    inputs = random_school.make(seed).inputs
    year = whole(inputs)
    rng = np.random.default_rng(seed)
    for day in rng.integers(0, len(inputs.calendar), 12).tolist():
        assert same_day(derive_school(known_by(inputs, day), day, day), year, day), day


@pytest.mark.parametrize("seed", SEEDS)
def test_marks_after_the_cut_off_day_decide_nothing(seed: int) -> None:
    inputs = random_school.make(seed).inputs
    year = whole(inputs)
    for day in np.random.default_rng(seed).integers(0, len(inputs.calendar), 8).tolist():
        marks = inputs.marks.copy()
        marks[:, int(year.plan.ladder["cut"][day]) + 1 :] = 23  # holiday, not granted
        night = derive_school(dataclasses.replace(inputs, marks=marks), day, day)
        on_roll = inputs.pupils.on_roll(day)
        assert np.array_equal(night.stage_rows(day)[on_roll], year.stage_rows(day)[on_roll])
        for rule in range(len(year.plan.rule_names)):
            assert np.array_equal(night.notice_rows(rule, day), year.notice_rows(rule, day))


@pytest.mark.parametrize("seed", SEEDS)
def test_any_run_of_days_and_any_chunk_give_the_same(seed: int) -> None:
    inputs = random_school.make(seed, n_pupils=7).inputs
    year = whole(inputs)
    first, last = sorted(np.random.default_rng(seed).integers(0, len(inputs.calendar), 2).tolist())
    part = derive_school(inputs, first, last, chunk=3)
    assert all(same_day(part, year, day) for day in range(first, last + 1, 5))
    some = derive_school(inputs.part(2, 6), first, last, chunk=1)
    assert np.array_equal(some.stages, part.stages[2:6])
    assert np.array_equal(some.notices, part.notices[2:6])
    assert np.array_equal(some.counts.words, part.counts.words[2:6])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_window_that_grows_never_counts_less_and_parts_add_up(seed: int) -> None:
    inputs = random_school.make(seed).inputs
    counts = whole(inputs).counts
    last = counts.high
    lanes = counts.words.view(np.uint16).astype(np.int64)
    assert (np.diff(lanes, axis=1) >= 0).all()
    middle = last // 2
    left, right, both = counts.window(0, middle), counts.window(middle + 1, last), counts.window(0, last)
    assert np.array_equal(left.table + right.table, both.table)
    # A possible session is one of three things, but for X in 2020 to 2022.
    others = both.attended + both.authorised + both.unauthorised
    assert (both.possible >= others).all()
    assert counts.words.view(np.uint16).shape[-1] == len(COUNTERS)


def test_more_events_than_there_was_room_for_are_all_told() -> None:
    from exam_school import derive, entry, school, told

    log = [entry(f"{month}-{day:02}", "set_stage", day % 4 + 1) for month in ("09", "11") for day in range(1, 29)]
    events = told(derive(school(log=log)))
    assert sum(" set " in event for event in events) == len(log)
    assert len(events) >= 56


def test_windows_outside_what_was_counted_are_refused() -> None:
    inputs = random_school.make(1).inputs
    derived = derive_school(inputs, 40, 45)
    with pytest.raises(ValueError, match="a window inside days"):
        derived.counts.window(derived.counts.low - 1, 45)
    with pytest.raises(ValueError, match="expected school days within 0 to"):
        derive_school(inputs, 0, len(inputs.calendar))
    with pytest.raises(ValueError, match="a day from 40 to 45"):
        day_columns(derived, "stages", 46)


def digest(seeds: range) -> str:
    out = hashlib.sha256()
    for seed in seeds:
        inputs = random_school.make(seed).inputs
        last = min(len(inputs.calendar) - 1, 70)
        derived = derive_school(inputs, 0, last)
        on_roll = [inputs.pupils.on_roll(day) for day in derived.days]
        for array in (derived.counts.words, derived.events, derived.notices):
            out.update(np.ascontiguousarray(array).tobytes())
        for day in derived.days:
            out.update(derived.stage_rows(day)[on_roll[day]].tobytes())
    return out.hexdigest()


def test_the_compiled_loops_say_what_the_same_source_says_as_plain_python() -> None:
    seeds = range(400, 404)
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import numba; assert numba.config.DISABLE_JIT\n"
        f"import test_properties; print(test_properties.digest(range({seeds.start}, {seeds.stop})))"
    )
    here = Path(__file__).parent
    plain = subprocess.run(
        [sys.executable, "-c", code, str(here), str(here.parent / "support")],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert plain.stdout.strip() == digest(seeds)


def test_no_field_of_a_record_is_an_attribute_of_every_record() -> None:
    """A field called `size` reads as 1 where the loops run as plain Python, and as the field where they are compiled."""
    every = {name: record for name, record in vars(records).items() if isinstance(record, np.dtype)}
    assert len(every) == 10
    assert {name: [f for f in record.names or () if hasattr(np.void, f)] for name, record in every.items()} == {
        name: [] for name in every
    }

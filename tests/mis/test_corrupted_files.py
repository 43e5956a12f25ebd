"""Every reader against random corruption of valid files: it reads or refuses, names no pupil, and a spoilt row costs itself.

`make fuzz` runs the same with a budget of minutes, and a fuzzer that follows the code's branches; what it found stands at
the end. FUZZ_EXAMPLES is how many files are tried of each kind.
"""

import os
import random

import pytest
from corrupted import spoilt, spoilt_in_a_row, survives, valid_files
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance_pipeline.mis.reading import CONFLICT

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))
FILES = valid_files()
WITH_ROWS = [f for f in FILES if f.rows]
ANY = settings(max_examples=EXAMPLES, deadline=None, derandomize="FUZZ_EXAMPLES" not in os.environ, database=None)
SEEDS = st.integers(0, 2**32)


def contents(reading):
    """What each line says."""
    if reading.register is None:
        return {r.line: r.data for r in reading.records}
    out = {}
    r = reading.register
    for u, d, s, c, n in zip(
        r.upn.tolist(), r.day.tolist(), r.session.tolist(), r.code.tolist(), r.line.tolist(), strict=True
    ):
        out.setdefault(n, set()).add((r.upns[u], d, s, c))
    return out


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_a_valid_file_is_read_whole(file):
    reading = survives(file, file.data)
    assert reading is not None and reading.faults == () and (reading.register is None or len(reading.register.line))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
@ANY
@given(SEEDS)
def test_whatever_comes_is_read_or_refused(file, seed):
    rng = random.Random(seed)
    survives(file, spoilt(file, rng, rng.choice(FILES).data))


@pytest.mark.parametrize("file", WITH_ROWS, ids=lambda f: f.name)
@ANY
@given(SEEDS)
def test_the_neighbours_of_a_spoilt_row_load(file, seed):
    line, data = spoilt_in_a_row(file, random.Random(seed))
    before, after = survives(file, file.data), survives(file, data)
    assert after is not None
    spoilt_too = {f.line for f in after.faults if f.rule == CONFLICT}  # the row now says something of another pupil
    said, told = contents(before), contents(after)
    lost = [n for n in said if n != line and n not in spoilt_too and said[n] != told.get(n)]
    # A row that became equal to another counts once, whichever line it stands on.
    assert not [n for n in lost if said[n] not in told.values()]

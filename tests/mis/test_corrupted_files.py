"""Every reader against random corruption of valid files: it reads or refuses, names no pupil, and a spoilt row costs itself.

`make fuzz` runs the same with a budget of minutes, and a fuzzer that follows the code's branches; what it found stands at
the end. FUZZ_EXAMPLES is how many files are tried of each kind.
"""

import os
import random

import pytest
from corrupted import UPNS, spoilt, spoilt_in_a_row, survives, valid_files
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance_pipeline.mis.reading import CONFLICT, told

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


# ---------------------------------------------------------------- what was found

GLUED = "UPN,Date,Session,Code,Minutes Late,Comment" + "".join(f"{u},2026-01-05,AM,/,,Zebedee" for u in UPNS)
FOUND = [
    # (file, what of it, how it went wrong before)
    ("native register", GLUED.encode(), "the note on ignored columns quoted pupils whose rows had come to stand in the header"),
    ("a column per session", b"UPN,Name,03/05/16,13/13/2016 AM\n,,AM,PM\n", "a header that looks like a date was quoted"),
    ("sims-xml", "<SuperStarReport>\0<Record>&</Record></SuperStarReport>".encode("utf-16"), "NULs in UTF-16 came back in the kept copy"),
    ("wonde-json", b'{"attendance": {"data": [{"a": :}, {"b": 1}]}}\n{"attendance": {"data": [{"c": 1}]}}', "objects around lists, one a line, were rows once the broken one was left out"),
    ("assembly-json", b'[\n {"a": 1},\n', "an array that ends with a comma: an index beyond the text"),
    ("sims-xml", b"<SuperStarReport>\n<ecord><UPN>x</UPN></Record><Record><UPN>y</UPN></Record>", "what stood before the first whole record was lost"),
    ("native classes", "cla\u017fs,Teacher\n4A,x\n".encode(), "a long s is no s"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "how"), FOUND, ids=[f[2] for f in FOUND])
def test_what_was_found(name, data, how):
    file = next(f for f in FILES if f.name == name)
    reading = survives(file, data)
    assert reading is None or not [u for u in UPNS if u in told(reading.ignored)]

"""Published absence by reason as registers of a hundred million marks each: are our percentages DfE's, to six places?

    python benchmarks/published_counts.py [--all]

DfE publishes percentages of possible sessions with six decimals; a hundred million sessions make each of them a whole
number. For each row (England by phase; with `--all` the regions too) 125 schools of 2,500 pupils and 160 school days
are made that hold together exactly so many sessions of each code, and are counted as the nightly run counts them: by
class of code, by code, and persistent absence by pupil, summed as a trust's figures are. Printed are the largest
difference from what was published, in percentage points, and the time of counting. Where DfE's own parts do not come to
their whole in the last place (authorised and unauthorised, or the reasons of one), the whole is taken, and the
difference says by how much.
"""

from __future__ import annotations

import argparse
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from exam_school import calendar
from published_registers import AUTHORISED, UNAUTHORISED, WHOLE, ByReason, marks_of, published_by_reason, school_of

from attendance_pipeline.derive.codes import by_code
from attendance_pipeline.derive.groups import Grouping, group_columns
from attendance_pipeline.derive.year import count_school
from attendance_pipeline.law.absence_thresholds import absent_from
from attendance_pipeline.law.register_codes import CODES

PUPILS, DAYS = 2_500, 160
SESSIONS = PUPILS * DAYS * 2
SCHOOLS = WHOLE // SESSIONS
STRIDE = 61_803_399  # has no factor in common with WHOLE: every session is taken once, spread over all schools
YEAR = calendar()


def check(published: ByReason) -> tuple[int, float, float, float]:
    """Marks counted, seconds of counting, and how far the worst percentage of sessions, and of pupils, is off."""
    counts = published.counts()
    codes = list(counts)
    every = np.repeat(np.arange(len(codes), dtype=np.uint8), [counts[c] for c in codes])
    persistent = round(published.percent["persistent"] * PUPILS * SCHOOLS / 100)
    last = DAYS - 1
    shares = tuple(absent_from(name, YEAR.date(last)) for name in ("persistent", "severe"))
    sums: dict[str, int] = {}
    of_code = np.zeros(len(CODES.codes), dtype=np.int64)
    seconds = 0.0
    for k in range(SCHOOLS):
        taken = every[(np.arange(k * SESSIONS, (k + 1) * SESSIONS, dtype=np.int64) * STRIDE) % WHOLE]
        mine = dict(zip(codes, np.bincount(taken, minlength=len(codes)).tolist(), strict=True))
        here = persistent * (k + 1) // SCHOOLS - persistent * k // SCHOOLS
        inputs = school_of(marks_of(mine, PUPILS, DAYS, here, k), YEAR)
        begin = time.perf_counter()
        window = count_school(inputs, 0, last).window(0, last)
        everyone = np.ones(PUPILS, dtype=bool)
        columns = group_columns(Grouping.of("s", inputs.pupils), (window,) * 3, everyone, *shares)
        of_code += by_code(inputs, 0, last).astype(np.int64).sum(axis=0)
        seconds += time.perf_counter() - begin
        for name in ("possible", "attended", "authorised", "unauthorised", "persistent"):
            sums[name] = sums.get(name, 0) + int(columns[name][0])
    assert sums["possible"] == WHOLE and sums["persistent"] == persistent
    found = {name: Fraction(sums[name] * 100, WHOLE) for name in ("attended", "authorised", "unauthorised")}
    found |= {c: Fraction(int(of_code[CODES.number(c)]) * 100, WHOLE) for c in (*AUTHORISED, *UNAUTHORISED)}
    off = max(
        abs(value - Fraction(published.percent[n.replace("attended", "attendance")])) for n, value in found.items()
    )
    of_pupils = abs(Fraction(persistent * 100, PUPILS * SCHOOLS) - Fraction(published.percent["persistent"]))
    return int(of_code.sum()), seconds, float(off), float(of_pupils)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="the regions too")
    everything = parser.parse_args().all
    print(f"{'area and phase':<36} {'marks':>12} {'seconds':>8} {'sessions off by':>16} {'pupils off by':>14}")
    for published in published_by_reason():
        if everything or published.area == "England":
            marks, seconds, off, pupils = check(published)
            name = f"{published.area}, {published.phase}"
            print(f"{name:<36} {marks:>12,} {seconds:>8.1f} {off:>16.6f} {pupils:>14.6f}", flush=True)


if __name__ == "__main__":
    main()

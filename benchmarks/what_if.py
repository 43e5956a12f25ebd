"""What a sweep of what-ifs costs, beside one derivation of the same school-year.

    python benchmarks/what_if.py [--pupils 1000] [--policies 100] [--rounds 7]

A school of 190 school days whose pupils differ as real ones do: most attend well, some do not. Timed alternately: one
derivation (counts, measures over three windows, ladder, penalty-notice rules) as `benchmarks/derive.py` does it; and
sweeps of so many policies, with making the policies and all figures by school week. The ratio must not be above 20 for
100 policies over 1,000 pupils. Rounds alternate and the best of each is taken, in seconds of the processor: other work
on the machine makes those of a clock vary, and the longer of two things the more. Both run on one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from derive import run_loops, school

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.what_if import what_if
from attendance_pipeline.law.policy_grid import parse_sweep, policy_grid
from attendance_pipeline.law.register_codes import CODES

LIMIT = 20
RULE = "penalty_notice_rules.national-framework-2024.any_of.1"
ABSENT = {"I": 55, "O": 20, "M": 8, "G": 5, "U": 6, "C": 4, "N": 2}  # of 100 absences


def uneven_school(pupils: int, seed: int = 1) -> SchoolInputs:
    """Each pupil's own share of absence: on average 6.5%, one pupil in six above 10%, one in fifty above 30%."""
    flat = school(pupils)
    draw = np.random.default_rng(seed)
    share = np.minimum(draw.lognormal(mean=np.log(0.045), sigma=0.85, size=pupils), 0.95)
    absent = draw.random((pupils, len(flat.calendar), 2)) < share[:, None, None]
    codes = np.repeat([CODES.number(c) or 0 for c in ABSENT], list(ABSENT.values())).astype(np.uint8)
    present = np.array([CODES.number("/"), CODES.number("\\")], dtype=np.uint8)
    marks = np.where(absent, codes[draw.integers(0, len(codes), absent.shape)], present)
    return replace(flat, marks=marks.astype(np.uint8))


def steps(key: str, first: int, last: int, many: int) -> str:
    """A sweep of so many values, as even as thousandths of a percent allow."""
    return f"{key}={','.join(f'{first + (last - first) * i / max(many - 1, 1):.3f}' for i in range(many))}"


def timed(call: Callable[[], object]) -> float:
    begin = time.process_time()
    call()
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pupils", type=int, default=1000)
    parser.add_argument("--policies", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    told = parser.parse_args()
    inputs = uneven_school(told.pupils)
    last, days = len(inputs.calendar) - 1, [d.item() for d in inputs.calendar.days]
    tens = max(told.policies // 10, 1)
    sweeps = {
        "one threshold of three": [steps("thresholds.autumn", 80, 95, told.policies)],
        "all thresholds": [steps("thresholds", 80, 95, told.policies)],
        "threshold and weeks of monitoring": [
            steps("thresholds", 85, 94, tens),
            f"stages.1.monitoring_school_weeks={','.join(str(n + 1) for n in range(told.policies // tens))}",
        ],
        "measure and threshold": [
            "measure=year_to_date,term_to_date,rolling_4_school_weeks",
            steps("thresholds", 80, 95, told.policies // 3 + 1),
        ],
        "reasons asked about": [
            f"reason_gate.lookback_school_weeks={','.join(str(n + 1) for n in range(tens))}",
            f"reason_gate.minimum_sessions={','.join(str(n) for n in range(told.policies // tens))}",
        ],
        "days until a mark counts": [
            "settle_school_days=0,1,2,3,4",
            f"statutory.resolve_n_school_days={','.join(str(n) for n in range(told.policies // 5))}",
        ],
        "sessions and weeks of a notice rule": [
            f"{RULE}.sessions={','.join(str(n + 5) for n in range(tens))}",
            f"{RULE}.school_weeks={','.join(str(n + 5) for n in range(told.policies // tens))}",
        ],
    }

    def derive() -> None:
        run_loops(inputs)

    def sweep(texts: list[str]) -> int:
        grid = policy_grid(inputs.policy, [parse_sweep(t) for t in texts], days)
        return len(what_if(inputs, [point.policy for point in grid], 0, last, 5))

    derive()
    many = {name: sweep(texts) for name, texts in sweeps.items()}  # also compiles whatever is not compiled yet
    one, best = np.inf, dict.fromkeys(sweeps, np.inf)
    for _ in range(told.rounds):
        one = min(one, timed(derive))
        for name, texts in sweeps.items():
            best[name] = min(best[name], timed(lambda texts=texts: sweep(texts)))  # type: ignore[misc]  # binds now
            one = min(one, timed(derive))
    print(f"{told.pupils:,} pupils, {last + 1} school days; one derivation {one * 1000:.1f} ms")
    for name, seconds in best.items():
        ratio = seconds / one
        verdict = (
            ""
            if told.policies != 100 or told.pupils != 1000
            else f", at most {LIMIT} for 100: {'yes' if ratio * 100 / many[name] <= LIMIT else 'NO'}"
        )
        print(f"  {name:<36}{many[name]:>5} policies {seconds * 1000:8.1f} ms   ratio {ratio:5.1f}{verdict}")


if __name__ == "__main__":
    main()

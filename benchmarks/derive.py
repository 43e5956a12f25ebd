"""How fast a year is derived: compiled loops, idiomatic pandas and polars side by side, with equal digests.

    python benchmarks/derive.py [--pupils 20000] [--only loops polars pandas] [--scales 1000 10000 100000]

Each implementation runs in a process of its own, so that its peak memory can be told, from the same marks: P pupils x
190 days x AM and PM. All give, for every pupil on every day, six counts over three windows and the status and counted
sessions of two penalty-notice rules (three windows); the loops give the whole ladder besides. Every cell goes into a
digest after the clock has stopped, and the digests must be equal. The loops and pandas run on one core, polars on every
core there is. Each is the best of some rounds in one process. `--scales` times the loops alone, and prints the cost a
pupil. Other work on the machine makes seconds vary; trust the ratios.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.counting import COUNTERS, WORDS
from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs
from attendance_pipeline.derive.plan import plan_of
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.policy import policy_from_text, shipped_policy_text
from attendance_pipeline.law.register_codes import CODES, PENALTY
from attendance_pipeline.law.school_calendar import CalendarSetting, SchoolCalendar

COUNTED = COUNTERS[:6]
# Of 256 sessions, near the national rates of 2025/26: 93% attended, 2.4% unauthorised absence.
MIX = {"/": 230, "L": 6, "I": 9, "M": 2, "C": 1, "O": 3, "G": 1, "U": 1, "N": 1, "Y1": 1, "": 1}
PART = 2_000  # pupils of one school
ROUNDS, ROUNDS_OF_OTHERS = 4, 2
ALL = ("loops", "polars", "pandas")

Digest = dict[str, int]


def school(pupils: int, seed: int = 1) -> SchoolInputs:
    """A year of 190 school days; every session of every pupil drawn from MIX."""
    years = [
        {
            "name": "2025/26",
            "inset": ["2025-09-01", "2025-09-02", "2025-10-24", "2026-01-05", "2026-07-20"],
            "terms": [
                {
                    "name": name,
                    "season": season,
                    "starts": starts,
                    "ends": ends,
                    "half_terms": [{"starts": half, "ends": back}],
                }
                for name, season, starts, ends, half, back in (
                    ("Autumn", "autumn", "2025-09-01", "2025-12-19", "2025-10-27", "2025-10-31"),
                    ("Spring", "spring", "2026-01-05", "2026-03-27", "2026-02-16", "2026-02-20"),
                    ("Summer", "summer", "2026-04-13", "2026-07-20", "2026-05-25", "2026-05-29"),
                )
            ],
        }
    ]
    calendar = SchoolCalendar(CalendarSetting.model_validate({"years": years}))
    assert len(calendar) == 190, len(calendar)
    numbers = [CODES.number(code) or 0 for code in MIX]
    table = np.repeat(np.array(numbers, dtype=np.uint8), list(MIX.values()))
    assert len(table) == 256
    draws = np.random.default_rng(seed).integers(0, 256, size=(pupils, 190, 2), dtype=np.uint8)
    n = np.arange(pupils)
    nobody = np.zeros(pupils, dtype=bool)
    blank = np.full(pupils, "", dtype=object)
    first, last = np.zeros(pupils, dtype=np.int32), np.full(pupils, 189, dtype=np.int32)
    return SchoolInputs(
        school_id="benchmark",
        calendar=calendar,
        policy=policy_from_text(shipped_policy_text(), Path("seed-school.toml")),
        pupils=PupilTable(n, blank, first, last, first, last, blank, blank, nobody.astype(np.uint16), nobody),
        marks=table[draws],
        log=LogTable.from_entries(pupils, []),
    )


@numba.njit(cache=True, nogil=True)
def windows_of_days(words, starts, out):
    """Several windows that end on each day: `out` int64[P, D, W, 2] from the counts and `starts` int64[W, D]."""
    for p in range(len(out)):
        for d in range(out.shape[1]):
            for w in range(len(starts)):
                for half in range(2):
                    out[p, d, w, half] = words[p, d + 1, half] - words[p, starts[w, d], half]


def weigh(pupil: npt.NDArray[np.int64], day: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The weight of a cell in a digest: a value in the wrong cell changes it."""
    return 1 + (pupil * 31 + day * 17) % 1009


# -- the loops ---------------------------------------------------------------------------------------------------------


def run_loops(inputs: SchoolInputs, keep: Callable[..., None] | None = None) -> float:
    """Seconds to derive everything, a school at a time as a night does; `keep` gets each school's arrays."""
    starts = plan_of(inputs).window_starts
    last = len(inputs.calendar) - 1
    room = np.empty((PART, last + 1, len(starts), WORDS), dtype=np.int64)
    seconds = 0.0
    for first in range(0, len(inputs), PART):
        part = inputs.part(first, min(first + PART, len(inputs)))
        begin = time.perf_counter()
        derived = derive_school(part, 0, last)
        windows_of_days(derived.counts.words, starts, room[: len(part)])
        seconds += time.perf_counter() - begin
        if keep:
            keep(first, room[: len(part)].view(np.uint16), derived)
    return seconds


def digest_loops(inputs: SchoolInputs) -> Digest:
    out: dict[str, int] = {}

    def keep(first: int, measures: npt.NDArray[np.uint16], derived) -> None:  # type: ignore[no-untyped-def]
        pupils, days = measures.shape[:2]
        weights = weigh(first + np.arange(pupils)[:, None], np.arange(days)[None, :])
        for w, window in enumerate(("year", "term", "rolling")):
            for c, name in enumerate(COUNTED):
                out[f"{window} {name}"] = out.get(f"{window} {name}", 0) + int((measures[:, :, w, c] * weights).sum())
        rules = derived.plan.notices.rules
        for r, row in enumerate(rules):
            # Each alternative's count is not kept, only the best: compare what is reported.
            for name in ("status", "counted"):
                key = f"rule {r} {name}"
                out[key] = out.get(key, 0) + int((derived.notices[:, r][name].astype(np.int64) * weights).sum())
            assert row["stop"] > row["first"]

    run_loops(inputs, keep=keep)
    return out


# -- what pandas and polars need ---------------------------------------------------------------------------------------


def session_columns(inputs: SchoolInputs) -> dict[str, npt.NDArray[np.generic]]:
    """The register as rows: one a session."""
    pupils, days = inputs.marks.shape[:2]
    return {
        "pupil": np.repeat(np.arange(pupils, dtype=np.int32), days * 2),
        "day": np.tile(np.repeat(np.arange(days, dtype=np.int16), 2), pupils),
        "code": inputs.marks.ravel(),
    }


def code_columns() -> dict[str, npt.NDArray[np.generic]]:
    """What each code counts for, as a table to join: int8 by COUNTED, and PN and N."""
    flags = CODES.eras(np.array(["2025-09-01"], dtype="datetime64[D]"))[1][0]
    bits = [1, 2, 4, 8, 16, 32]
    out: dict[str, npt.NDArray[np.generic]] = {"code": np.arange(256, dtype=np.uint8)}
    for name, bit in zip(COUNTED, bits, strict=True):
        out[name] = ((flags & bit) != 0).astype(np.int32)
    out["counted"] = ((flags & PENALTY) != 0).astype(np.int32)
    out["unresolved"] = ((flags & 64) != 0).astype(np.int32)
    return out


def day_table(inputs: SchoolInputs) -> dict[str, npt.NDArray[np.generic]]:
    calendar = inputs.calendar
    return {
        "day": np.arange(len(calendar), dtype=np.int16),
        "term": calendar.term.astype(np.int16),
        "week": calendar.week.astype(np.int16),
    }


def statuses(counted, solid, sessions, frame):  # type: ignore[no-untyped-def]
    """Status 0 to 3 of one alternative, with the words of the library at hand."""
    needed = sessions - counted
    near = (counted > 0) & (needed <= 3)
    return frame(solid >= sessions, frame(needed <= 0, frame(near, 0, 1), 2), 3)


def run_pandas(inputs: SchoolInputs) -> tuple[float, Digest]:
    import pandas as pd

    sessions = pd.DataFrame(session_columns(inputs))
    codes, days = pd.DataFrame(code_columns()), pd.DataFrame(day_table(inputs))
    begin = time.perf_counter()
    names = [*COUNTED, "counted", "unresolved"]
    joined = sessions.merge(codes, on="code", how="left", sort=False)
    daily = joined.groupby(["pupil", "day"], sort=False)[names].sum().reset_index().merge(days, on="day", sort=False)
    del joined
    daily = daily.sort_values(["pupil", "day"], ignore_index=True)
    columns: dict[str, pd.Series] = {}
    year = daily.groupby("pupil", sort=False)[names].cumsum()
    term = daily.groupby(["pupil", "term"], sort=False)[names].cumsum()
    week = daily.groupby(["pupil", "week"], sort=False)[names].cumsum()
    weekly = daily.groupby(["pupil", "week"], sort=False)[names].sum()

    def before(weeks: int) -> pd.DataFrame:
        """Sessions of so many school weeks before each week."""
        summed = weekly.groupby(level="pupil", sort=False).rolling(weeks, min_periods=1).sum().droplevel(0)
        moved = summed.groupby(level="pupil", sort=False).shift(1).fillna(0).astype("int64")
        return daily[["pupil", "week"]].join(moved, on=["pupil", "week"])[names]

    rolling = week + before(3)
    ten = week + before(9)
    terms = daily.groupby(["pupil", "term"], sort=False)[names].sum()
    last_term = terms.groupby(level="pupil", sort=False).shift(1).fillna(0).astype("int64")
    two = term + daily[["pupil", "term"]].join(last_term, on=["pupil", "term"])[names]
    for window, frame in (("year", year), ("term", term), ("rolling", rolling)):
        for name in COUNTED:
            columns[f"{window} {name}"] = frame[name]

    def at_cut(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
        moved = frame[["counted", "unresolved"]].groupby(daily["pupil"], sort=False).shift(1).fillna(0).astype("int64")
        return moved["counted"], moved["counted"] - moved["unresolved"]

    def choose(test: pd.Series, yes: object, no: object) -> pd.Series:
        return pd.Series(np.where(test, yes, no), index=test.index)

    def when(test: pd.Series, otherwise: object, then: object) -> pd.Series:
        return choose(test, then, otherwise)

    one_term, two_terms, ten_weeks = at_cut(term), at_cut(two), at_cut(ten)
    first, second = statuses(*one_term, 10, when), statuses(*two_terms, 14, when)
    needs = [(10 - one_term[0]).clip(lower=0), (14 - two_terms[0]).clip(lower=0)]
    better = (second > first) | ((second == first) & (needs[1] < needs[0]))
    columns["rule 0 status"] = choose(better, second, first)
    columns["rule 0 counted"] = choose(better, two_terms[0], one_term[0])
    columns["rule 1 status"] = statuses(*ten_weeks, 10, when)
    columns["rule 1 counted"] = ten_weeks[0]
    seconds = time.perf_counter() - begin
    weights = weigh(daily["pupil"].to_numpy(np.int64), daily["day"].to_numpy(np.int64))
    return seconds, {name: int((values.to_numpy(np.int64) * weights).sum()) for name, values in columns.items()}


def run_polars(inputs: SchoolInputs) -> tuple[float, Digest]:
    import polars as pl

    sessions = pl.DataFrame(session_columns(inputs))
    codes, days = pl.DataFrame(code_columns()), pl.DataFrame(day_table(inputs))
    begin = time.perf_counter()
    names = [*COUNTED, "counted", "unresolved"]
    daily = (
        sessions.lazy()
        .join(codes.lazy(), on="code", how="left")
        .group_by("pupil", "day")
        .agg(pl.col(names).sum())
        .join(days.lazy(), on="day", how="left")
        .sort("pupil", "day")
    )
    weekly = daily.group_by("pupil", "week").agg(pl.col(names).sum()).sort("pupil", "week")

    def before(weeks: int, prefix: str) -> pl.LazyFrame:
        return weekly.select(
            "pupil",
            "week",
            *(
                pl.col(n).rolling_sum(weeks, min_samples=1).shift(1).over("pupil").fill_null(0).alias(f"{prefix} {n}")
                for n in names
            ),
        )

    terms = daily.group_by("pupil", "term").agg(pl.col("counted", "unresolved").sum()).sort("pupil", "term")
    last_term = terms.select(
        "pupil",
        "term",
        *(pl.col(n).shift(1).over("pupil").fill_null(0).alias(f"last {n}") for n in ("counted", "unresolved")),
    )
    wide = (
        daily.join(before(3, "three"), on=["pupil", "week"], how="left")
        .join(before(9, "nine"), on=["pupil", "week"], how="left")
        .join(last_term, on=["pupil", "term"], how="left")
        .sort("pupil", "day")
        .with_columns(
            *(pl.col(n).cum_sum().over("pupil").alias(f"year {n}") for n in COUNTED),
            *(pl.col(n).cum_sum().over("pupil", "term").alias(f"term {n}") for n in names),
            *(pl.col(n).cum_sum().over("pupil", "week").alias(f"week {n}") for n in names),
        )
        .with_columns(*((pl.col(f"week {n}") + pl.col(f"three {n}")).alias(f"rolling {n}") for n in COUNTED))
    )
    sums = {"one": "term {}", "two": "two {}", "ten": "ten {}"}
    wide = wide.with_columns(
        *((pl.col(f"term {n}") + pl.col(f"last {n}")).alias(f"two {n}") for n in ("counted", "unresolved")),
        *((pl.col(f"week {n}") + pl.col(f"nine {n}")).alias(f"ten {n}") for n in ("counted", "unresolved")),
    ).with_columns(
        *(
            pl.col(source.format(n)).shift(1).over("pupil").fill_null(0).cast(pl.Int64).alias(f"cut {key} {n}")
            for key, source in sums.items()
            for n in ("counted", "unresolved")
        )
    )

    def when(test: pl.Expr, otherwise: object, then: object) -> pl.Expr:
        def literal(value: object) -> object:
            return pl.lit(value) if isinstance(value, int) else value

        return pl.when(test).then(literal(then)).otherwise(literal(otherwise))

    def status(key: str, needed: int) -> pl.Expr:
        counted = pl.col(f"cut {key} counted")
        return statuses(counted, counted - pl.col(f"cut {key} unresolved"), needed, when)

    wide = wide.with_columns(
        status("one", 10).alias("first"), status("two", 14).alias("second"), status("ten", 10).alias("rule 1 status")
    )
    needs = [(n - pl.col(f"cut {key} counted")).clip(lower_bound=0) for key, n in (("one", 10), ("two", 14))]
    better = (pl.col("second") > pl.col("first")) | ((pl.col("second") == pl.col("first")) & (needs[1] < needs[0]))
    frame = wide.select(
        "pupil",
        "day",
        *(f"{window} {n}" for window in ("year", "term", "rolling") for n in COUNTED),
        pl.when(better).then("second").otherwise("first").alias("rule 0 status"),
        pl.when(better).then("cut two counted").otherwise("cut one counted").alias("rule 0 counted"),
        "rule 1 status",
        pl.col("cut ten counted").alias("rule 1 counted"),
    ).collect()
    seconds = time.perf_counter() - begin
    weights = weigh(frame["pupil"].to_numpy().astype(np.int64), frame["day"].to_numpy().astype(np.int64))
    values = frame.drop("pupil", "day")
    return seconds, {name: int((values[name].to_numpy().astype(np.int64) * weights).sum()) for name in values.columns}


# -- side by side ------------------------------------------------------------------------------------------------------


def child(what: str, pupils: int) -> dict[str, object]:
    """One implementation, in this process."""
    inputs = school(pupils)
    if what == "loops":
        run_loops(inputs.part(0, min(pupils, 10)))  # compile, or load what was compiled
        seconds = min(run_loops(inputs) for _ in range(ROUNDS))
        peak, digest = _peak_mb(), digest_loops(inputs) if pupils <= 200_000 else {}
    else:
        run = run_pandas if what == "pandas" else run_polars
        seconds, digest = min((run(inputs) for _ in range(ROUNDS_OF_OTHERS)), key=lambda found: found[0])
        peak = _peak_mb()
    return {"seconds": seconds, "peak_mb": peak, "digest": digest}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass(frozen=True)
class Result:
    seconds: float
    peak_mb: float
    digest: Digest


def apart(what: str, pupils: int) -> Result:
    """One implementation, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", what, "--pupils", str(pupils)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{what}: {done.stderr[-2000:]}")
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pupils", type=int, default=20_000)
    parser.add_argument("--only", nargs="+", choices=ALL, default=ALL)
    parser.add_argument("--scales", nargs="*", type=int, default=[])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(child(given.child, given.pupils)))
    elif given.scales:
        print(f"{'pupils':>10} {'seconds':>9} {'us a pupil':>11} {'ns a day':>9} {'peak MB':>8} {'marks MB':>9}")
        for pupils in given.scales:
            found = apart("loops", pupils)
            each = found.seconds / pupils
            print(
                f"{pupils:>10,} {found.seconds:>9.3f} {each * 1e6:>11.2f} {each / 190 * 1e9:>9.1f}"
                f" {found.peak_mb:>8.0f} {pupils * 380 / 1e6:>9.0f}"
            )
    else:
        compare({what: apart(what, given.pupils) for what in given.only}, given.pupils)


def compare(results: dict[str, Result], pupils: int) -> None:
    """Print the table; exit 1 when two implementations differ in any cell."""
    digests = [found.digest for found in results.values()]
    different = [name for name in digests[0] if len({d.get(name) for d in digests}) > 1]
    verdict = f"DIFFER in {', '.join(different)}" if different else "equal"
    print(f"{pupils:,} pupils x 190 days, {len(digests[0])} columns; digests {verdict}")
    print(f"{'':<8} {'seconds':>9} {'ratio':>7} {'peak MB':>8}")
    best = min(found.seconds for found in results.values())
    for what, found in results.items():
        print(f"{what:<8} {found.seconds:>9.3f} {found.seconds / best:>7.1f} {found.peak_mb:>8.0f}")
    if different:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

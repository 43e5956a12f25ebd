"""500 schools over 1, 2 and 4 workers of each engine, side by side, with equal answers; and what a pupil-day costs.

    python benchmarks/scale.py [--schools 500] [--pupils 100] [--days 40] [--letters 200] [--only processes-2 ...]
    python benchmarks/scale.py --size [--pupils 354] [--days 190]      # cost at average size

A home of 20 invented schools (`trust_year.py`) is loaded into SQLite; they are gone through in turn as often as makes
so many schools, and each is read anew. For each school the register is read, the days are
derived and every page is made, as a night does; pages are not written. Letters are invented ones, two files each. Every
contender is a process of its own with its own workers, started and warmed up before the clock: the digest of all that
came back must be the same for all.

Seconds depend on what else the machine does, and more workers than cores cannot be quicker: trust the ratios, and the
seconds of the processor. Dask is in the extra `dask`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.engine import Engine, engine_of
from attendance_pipeline.home import SETTINGS_FILE, SHIPPED_POLICY, make_home
from attendance_pipeline.law.policy import shipped_policy_text
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.restate import due_days, indexes, restate
from attendance_pipeline.steps.school_pages import Asked, pages_of, prepared
from attendance_pipeline.steps.site import Site, open_site

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
sys.path.insert(0, str(ROOT / "tests" / "support"))

import trust_year  # noqa: E402  # it lies beside this file

DISTINCT = 20
CONTENDERS = ("in-process", "processes-1", "processes-2", "processes-4", "dask-1", "dask-2", "dask-4")
MILLION = 1_000_000
_SETTINGS = '[trust]\nname = "Scale"\n[store]\ndatabase = "sqlite:///state/warehouse.db"\n'
_SCHOOL = """
[[schools]]
id = "school-{n}"
name = "School {n}"
urn = {urn}
phase = "Primary"
local_authority = "E08000035"
calendar = "calendars/year.toml"
policy = "policies/seed-school.toml"
"""
_CALENDAR = """
[[years]]
name = "2025/26"
[[years.terms]]
name = "Year"
season = "autumn"
starts = 2025-09-01
ends = 2026-07-22
half_terms = [{}]
"""


def make(home: Path, schools: int, pupils: int, days: int) -> float:
    """A loaded home. Gives the seconds that the load took."""
    breaks = ", ".join(f"{{ starts = {first}, ends = {last} }}" for first, last in trust_year.AWAY)
    ids = [f"school-{n}" for n in range(schools)]
    texts = {
        SETTINGS_FILE: _SETTINGS + "".join(_SCHOOL.format(n=n, urn=100_001 + n) for n in range(schools)),
        "calendars/year.toml": _CALENDAR.format(breaks),
        f"policies/{SHIPPED_POLICY}.toml": shipped_policy_text(SHIPPED_POLICY),
    }
    make_home(home, texts, [])
    for n, name in enumerate(ids):
        trust_year.write_school(home / "inbox" / name, n, pupils, trust_year.school_days(days))
    begin = time.perf_counter()
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
    return time.perf_counter() - begin


# -- one contender -----------------------------------------------------------------------------------------------------


def asked(site: Site, many: int, days: int) -> Iterator[Asked]:
    of_year = trust_year.school_days(days)
    for school in islice(cycle(site.schools()), many):
        yield Asked(school, tuple(indexes(school, of_year)), TABLES)


def run(name: str, home: Path, schools: int, days: int, letters: int, folder: Path) -> dict[str, object]:
    """What one contender needs: seconds, seconds of the processor (its workers' too), peak memory in MB."""
    from attendance_pipeline.letters.rendering_many import files_of_letters
    from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
    from attendance_pipeline.letters.templates import Templates

    engine_name, _, workers = name.rpartition("-") if name != "in-process" else (name, "", "1")
    with ExitStack() as stack:
        cluster = None
        if engine_name == "dask":
            from dask_cluster import Cluster

            cluster = stack.enter_context(Cluster(folder / name, workers=int(workers)))
        count = int(workers) if engine_name == "processes" else None
        address = cluster.address if cluster else None
        engine = stack.enter_context(engine_of(engine_name, count, address))
        if cluster is not None:
            engine.connected().wait_for_workers(int(workers), timeout=120)  # type: ignore[attr-defined]
        site = stack.enter_context(open_site(home))
        site.__dict__["engine"] = engine
        all_letters = [replace(sample_letter("letter_1", "en"), reference=f"L-{n:05}") for n in range(letters)]
        head, templates = sample_letterhead(), Templates()
        for _ in engine.outcomes(pages_of, asked(site, 4 * int(workers), days), prepare=prepared(site)):
            pass
        list(files_of_letters(all_letters[: 8 * int(workers)], head, "dl", templates, engine))

        out: dict[str, object] = {"name": name}
        digest = hashlib.sha256()
        begin, used = time.perf_counter(), processor(engine, cluster)
        for made in _pages(engine, site, schools, days):
            for page in made.values():
                digest.update(page)
        out |= {"seconds": time.perf_counter() - begin, "processor": processor(engine, cluster) - used}
        begin, used = time.perf_counter(), processor(engine, cluster)
        for file, data in files_of_letters(all_letters, head, "dl", templates, engine):
            digest.update(file.encode() + data)
        out |= {"letter seconds": time.perf_counter() - begin}
        out |= {"letter processor": processor(engine, cluster) - used}
        out["parent"] = peak("self")
        out["worker"] = max((peak(pid) for pid in workers_of(engine, cluster)), default=0)
        out["digest"] = digest.hexdigest()
        site.__dict__.pop("engine")
    return out


def _pages(engine: Engine, site: Site, schools: int, days: int) -> Iterator[dict[tuple[int, str], bytes]]:
    prepare = prepared(site)

    def read_anew(one: Asked) -> Asked:
        site._memory.clear()  # a worker remembers no school either
        site._weights.clear()
        return prepare(one)

    for outcome in engine.outcomes(pages_of, asked(site, schools, days), prepare=read_anew):
        yield outcome.result()


def workers_of(engine: Engine, cluster: object) -> list[int]:
    if cluster is not None:
        return [worker.pid for worker in cluster.workers]  # type: ignore[attr-defined]
    pool = getattr(engine, "_pool", None)
    return list(pool._processes) if pool is not None else []


def processor(engine: Engine, cluster: object) -> float:
    """Seconds of the processor so far: of this process, its workers and a scheduler."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    pids = workers_of(engine, cluster)
    if cluster is not None:
        pids.append(cluster.scheduler.pid)  # type: ignore[attr-defined]
    ticks = os.sysconf("SC_CLK_TCK")
    return own.ru_utime + own.ru_stime + sum(sum(map(int, _stat(pid)[11:13])) / ticks for pid in pids)


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def peak(pid: int | str) -> int:
    """The most memory that a process has had, in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


# -- all of them -------------------------------------------------------------------------------------------------------


def compare(schools: int, pupils: int, days: int, letters: int, only: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        loaded = make(home, DISTINCT, pupils, days)
        marks = DISTINCT * pupils * days * 2
        cores, load = os.cpu_count(), os.getloadavg()[0]
        print(f"loaded {marks:,} marks and corrections in {loaded:.0f} s; {cores} cores, load {load:.0f}", flush=True)
        million = schools * pupils * days / MILLION
        print(f"{schools} schools, {pupils} pupils, {days} days: {million:.2f} million pupil-days; {letters} letters")
        columns = "s", "ratio", "CPU s", "per million", "letters s", "ratio", "CPU s", "parent MB", "worker MB"
        print(f"{'':<12}" + "".join(f"{column:>12}" for column in columns), flush=True)
        found = []
        for name in only:
            given = ["--run", name, str(home), str(schools), str(days), str(letters), folder]
            done = subprocess.run([sys.executable, __file__, *given], stdout=subprocess.PIPE, check=True, text=True)
            found.append(json.loads(done.stdout.splitlines()[-1]))
            tell(found[0], found[-1], million)
    if len({one["digest"] for one in found}) != 1:
        raise SystemExit("the answers DIFFER")
    print("every page and every letter equal, byte for byte")


def tell(first: dict[str, Any], one: dict[str, Any], million: float) -> None:
    """A line of figures; ratios are to the first contender."""
    figures = (
        *(one["seconds"], first["seconds"] / one["seconds"], one["processor"], one["processor"] / million),
        *(one["letter seconds"], first["letter seconds"] / one["letter seconds"], one["letter processor"]),
    )
    memory = f"{one['parent']:>12}{one['worker']:>12}"
    print(f"{one['name']:<12}" + "".join(f"{figure:>12.2f}" for figure in figures) + memory, flush=True)


def at_size(schools: int, pupils: int, days: int) -> None:
    """In this process: a year derived for the first time, and a night after it that finds nothing changed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        loaded = make(home, schools, pupils, days)
        empty = stored(home)
        rows = {}
        with open_site(home) as site:  # compile, or load what was compiled
            due_days(site, trust_year.school_days(1)[0])
            restate(site, trust_year.school_days(1), TABLES)
        last = trust_year.school_days(days)[-1]
        for name in ("a year, first time", "a night, nothing new", "a night, one day"):
            with open_site(home) as site:
                begin, used = time.perf_counter(), time.process_time()
                due = due_days(site, last)
                restate(site, due if name != "a night, one day" else [last], TABLES)
                rows[name] = time.perf_counter() - begin, time.process_time() - used, len(due)
        reading, making, sent, back = parts(home, days)
        million = schools * pupils * days / MILLION
        load = os.getloadavg()[0]
        print(f"{schools} schools, {pupils} pupils, {days} days: {million:.2f} million pupil-days; load {load:.0f}")
        print(f"load: {loaded:.1f} s, {loaded / million:.1f} s a million pupil-days of the clock")
        for name, (seconds, used, due) in rows.items():
            each = f"{used / million:.2f} a million pupil-days of the year"
            print(f"{name:<22}{seconds:>7.1f} s, CPU {used:>7.1f} s, {each}, {due} days due")
        print(
            f"a school: reading {reading * 1000:.0f} ms, deriving and all pages {making * 1000:.0f} ms of CPU; ", end=""
        )
        print(f"sent {sent / 1000:.0f} KB, back {back / 1000:.0f} KB")
        register, pages = empty / million / MILLION, (stored(home) - empty) / million / MILLION
        print(f"bytes a pupil-day: register and people {register:.1f}, pages {pages:.1f}")


def parts(home: Path, days: int) -> tuple[float, float, int, int]:
    """Of one school: seconds of the processor to read it, and to make its pages; bytes that a worker is sent, and gives
    back."""
    with open_site(home) as site:
        engine = engine_of("dask", scheduler="tcp://127.0.0.1:1")  # prepares as for a cluster, and is never asked
        site.__dict__["engine"] = engine
        one = next(asked(site, 1, days))
        begin = time.process_time()
        given = prepared(site)(one)
        read = time.process_time()
        made = pages_of(given)
        end = time.process_time()
    return read - begin, end - read, len(pickle.dumps(given, 5)), len(pickle.dumps(made, 5))


def stored(home: Path) -> int:
    return sum(file.stat().st_size for file in (home / "state").glob("warehouse.db*"))


def main() -> None:
    if sys.argv[1:2] == ["--run"]:
        name, home, schools, days, letters, folder = sys.argv[2:]
        print(json.dumps(run(name, Path(home), int(schools), int(days), int(letters), Path(folder))))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--schools", type=int)
    parser.add_argument("--pupils", type=int)
    parser.add_argument("--days", type=int)
    parser.add_argument("--letters", type=int, default=200)
    parser.add_argument("--only", nargs="*", default=CONTENDERS, choices=CONTENDERS)
    parser.add_argument("--size", action="store_true")
    given = parser.parse_args()
    if given.size:
        at_size(given.schools or DISTINCT, given.pupils or 354, given.days or 190)
    else:
        compare(given.schools or 500, given.pupils or 100, given.days or 40, given.letters, given.only)


if __name__ == "__main__":
    main()

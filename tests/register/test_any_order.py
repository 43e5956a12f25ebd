"""Whatever the order, the portions and the repetitions in which extracts come, the warehouse says the same; and it says
what the plain model of the register says."""

import datetime as dt
import hashlib
import random
import shutil
from pathlib import Path

import pytest
from register_model import File, Pupil, tell
from school_files import everything, load_all, pupils, register, register_rows, upn, write

from attendance_pipeline.store.warehouse import Warehouse

PUPILS = [upn(n) for n in range(1, 8)]
STRANGER = upn(99)
DAYS = [f"2026-01-{d:02d}" for d in (5, 6, 7)]
ROLL = {
    **{u: Pupil("5A", "2020-09-01") for u in PUPILS[:4]},
    **{u: Pupil("5B", "2020-09-01") for u in PUPILS[4:6]},
    PUPILS[6]: Pupil("5B", "2026-01-06", "2026-01-06"),
}


def some_files(rng: random.Random, folder: Path) -> list[File]:
    """Register extracts of three days, made on six, some with rows that contradict each other."""
    files = []
    for n in range(rng.randint(3, 9)):
        recorded = f"2026-01-{rng.randint(5, 10):02d}"
        rows = []
        for upn_ in [*PUPILS, STRANGER]:
            for day in rng.sample(DAYS, rng.randint(1, 3)):
                for session, present in (("AM", "/"), ("PM", "\\")):
                    if rng.random() < 0.75:
                        rows.append((upn_, day, session, rng.choice([present, present, "N", "I", ""])))
        if rng.random() < 0.3 and rows:
            rows.append((*rows[0][:3], "O"))
        rng.shuffle(rows)
        suffix = rng.choice(["", "_a", f"_{n}"])
        path = register(folder / str(n), recorded, *(",".join(r) for r in rows), suffix=suffix)
        files.append(File(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), rows))
    return files


def others(folder: Path) -> None:
    """The rest of a school's extracts, in two portions that overlap."""
    roll = [f"{u},{p.group},{p.entry},{'' if p.leave > '9' else p.leave}" for u, p in ROLL.items()]
    pupils(folder / "p1", "2025-09-01", *roll[:5])
    pupils(folder / "p2", "2025-09-02", *roll[2:])
    contacts = "UPN,Contact ID,Surname"
    write(
        folder / "c1", "contacts_2025-09-01.csv", contacts, [f"{PUPILS[0]},1,A", f"{PUPILS[0]},2,B", f"{PUPILS[1]},3,C"]
    )
    write(folder / "c2", "contacts_2025-10-01.csv", contacts, [f"{PUPILS[0]},2,B"])
    write(folder / "k1", "classes_2025-09-01.csv", "Class,Teacher", ["5A,T", "5A,U", "5B,V"])
    write(folder / "k2", "classes_2025-10-01.csv", "Class,Teacher", ["5A,W"])
    log = "UPN,Date,Action,Note"
    write(folder / "i1", "interventions_2026-01-05.csv", log, [f"{PUPILS[0]},2026-01-05,phone_call,first"])
    write(
        folder / "i2",
        "interventions_2026-01-06.csv",
        log,
        [
            f"{PUPILS[0]},2026-01-05,phone_call,put right",
            f"{PUPILS[0]},2026-01-05,phone_call,again",
            f"{PUPILS[1]},2026-01-04,hold,",
        ],
    )


def load_in(order: list[Path], portions: int, warehouse: Warehouse, home: Path, complete: bool) -> None:
    inbox = home / "inbox"
    inbox.mkdir(parents=True)
    size = max(1, len(order) // portions)
    for start in range(0, len(order), size):
        for path in order[start : start + size]:
            if (inbox / path.name).exists():  # another content of the same name: comes with the next portion
                load_all(warehouse, home, complete=complete)
            shutil.copy(path, inbox / path.name)
        load_all(warehouse, home, complete=complete)


@pytest.mark.parametrize("complete", [False, True], ids=["changes", "complete"])
@pytest.mark.parametrize("seed", range(5))
def test_any_order_and_the_plain_model(request, tmp_path, seed, complete):
    rng = random.Random(seed)
    files = some_files(rng, tmp_path / "made")
    others(tmp_path / "made")
    paths = sorted((tmp_path / "made").rglob("*.csv"))
    said = []
    # SQLite twice; PostgreSQL once, for some.
    urls = [f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/two.db"]
    if seed < 2:
        urls.append(request.getfixturevalue("postgres_url"))
    for n, url in enumerate(urls):
        order = paths + rng.sample(paths, 3)
        rng.shuffle(order)
        warehouse = Warehouse(url)
        warehouse.upgrade()
        load_in(order, rng.randint(1, len(order)), warehouse, tmp_path / f"home{n}", complete)
        said.append(everything(warehouse))
        expected = tell(files, ROLL, complete)
        assert register_rows(warehouse) == sorted(f"{u} {d} {s} {c}" for (u, d, s), c in expected.marks.items())
        assert sorted((*row[1:6], row[7]) for row in said[-1]["amendments"]) == sorted(expected.amendments)
        assert sorted(r[1] for r in said[-1]["quarantine"] if "complete register" in r[4]) == sorted(expected.left_out)
        for evening in ("2026-01-05", "2026-01-07"):
            early = tell(files, ROLL, complete, as_at=evening)
            assert register_rows(warehouse, as_at=dt.date.fromisoformat(evening)) == sorted(
                f"{u} {d} {s} {c}" for (u, d, s), c in early.marks.items()
            ), evening
        warehouse.close()
    assert all(s == said[0] for s in said)
    assert [(row[0], row[1]) for row in said[0]["contacts"]] == sorted([(PUPILS[0], "2"), (PUPILS[1], "3")])
    assert sorted(row[1] for row in said[0]["classes"]) == ["V", "W"]
    assert len(said[0]["interventions"]) == 3

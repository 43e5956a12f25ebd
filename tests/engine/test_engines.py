"""One function, three engines: the same answers in the same order, and what is said when a worker or an engine is lost.

The processes and the Dask cluster are real; all traffic is on the loopback.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dask
import psutil
import pytest
import random_school
from dask_cluster import SUPPORT, Cluster
from distributed.security import Security
from engine_work import (
    ends_its_process,
    fails_with_a_name,
    process_of,
    slow_pages,
    slow_square,
    square,
)
from small_home import small_home

import attendance_pipeline
import letter_templates
from attendance_pipeline import engine as engines
from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.engine import DaskCluster, Engine, EngineError, InProcess, Processes, WorkFailed
from attendance_pipeline.home import School, open_home
from attendance_pipeline.letters.letter import Letter
from attendance_pipeline.letters.pdf import render_batch
from attendance_pipeline.letters.rendering_many import engine_for, files_of_letters
from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
from attendance_pipeline.letters.templates import Templates
from attendance_pipeline.steps.school_pages import Asked, digest, first_other, pages_of

ELSEWHERE = ("processes", "dask")
EVERY = ("in-process", *ELSEWHERE)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="module")
def every_engine(cluster: Cluster) -> Iterator[dict[str, Engine]]:
    """Each with two workers."""
    with InProcess() as here, Processes(2) as processes, DaskCluster(cluster.address) as dask:
        yield {"in-process": here, "processes": processes, "dask": dask}


@pytest.fixture(params=EVERY)
def engine(request: pytest.FixtureRequest, every_engine: dict[str, Engine]) -> Engine:
    return every_engine[request.param]


@pytest.fixture(params=ELSEWHERE)
def elsewhere(request: pytest.FixtureRequest, every_engine: dict[str, Engine]) -> Engine:
    return every_engine[request.param]


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> School:
    return open_home(small_home(tmp_path_factory.mktemp("home") / "small")).schools[0]


def asked_of(school: School, seed: int, pupils: int = 12) -> Asked:
    """All pages of the last forty days of a random school."""
    inputs = random_school.make(seed, pupils).inputs
    end = len(inputs.calendar)
    mine = replace(school, id=f"random-{seed}", calendar=inputs.calendar, policy=inputs.policy)
    return Asked(mine, range(max(0, end - 40), end), TABLES, source=inputs)


# ---------------------------------------------------------------- the same answers


def test_results_come_in_the_order_given(engine: Engine) -> None:
    assert list(engine.each(square, range(20))) == [n * n for n in range(20)]
    assert list(engine.each(square, ())) == []


def test_pages_of_random_schools_are_the_same_bytes(elsewhere: Engine, school: School) -> None:
    asked = [asked_of(school, seed) for seed in range(8)]
    here = list(map(pages_of, asked))
    assert list(elsewhere.each(pages_of, asked)) == here
    assert sum(len(page) for pages in here for page in pages.values()) > 100_000


def test_the_first_page_that_is_another_is_the_same_day(elsewhere: Engine, school: School) -> None:
    asked = []
    for seed in range(4):
        one = asked_of(school, seed)
        kept = {key: digest(page) for key, page in pages_of(one).items()}
        if seed:
            kept[one.days[seed * 5], "stages"] = b"another"
        asked.append(replace(one, kept=kept))
    first = [None if seed == 0 else one.days[seed * 5] for seed, one in enumerate(asked)]
    assert list(map(first_other, asked)) == first
    assert list(elsewhere.each(first_other, asked)) == first


def test_no_more_is_taken_than_a_few_ahead(elsewhere: Engine) -> None:
    taken = furthest = 0

    def numbers() -> Iterator[int]:
        nonlocal furthest
        for n in range(40):
            furthest = max(furthest, n - taken)
            yield n

    for made in elsewhere.each(square, numbers()):
        assert made == taken**2
        taken += 1
    assert taken == 40
    assert furthest <= 2 * engines.AHEAD


def test_both_workers_work(elsewhere: Engine) -> None:
    assert len(set(elsewhere.each(process_of, range(30))) - {os.getpid()}) == 2


HEAD = sample_letterhead()


def letters(count: int) -> list[Letter]:
    kinds = ("letter_1", "letter_3", "improved", "letter_2")
    return [
        replace(sample_letter(kinds[n % 4], "ur" if n % 5 == 0 else "en"), reference=f"OAK-{n:04}-K3")
        for n in range(count)
    ]


def test_letters_are_the_same_bytes(elsewhere: Engine) -> None:
    alone = list(files_of_letters(letters(10), HEAD, "dl", Templates(), InProcess()))
    assert [name for name, _ in alone[:3]] == ["OAK-0000-K3.pdf", "OAK-0000-K3.docx", "OAK-0001-K3.pdf"]
    assert list(files_of_letters(letters(10), HEAD, "dl", Templates(), elsewhere)) == alone


def test_a_print_file_is_the_same_bytes(elsewhere: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance_pipeline.letters.pdf.LETTERS_PER_CHUNK", 4)
    alone = render_batch(letters(10), HEAD, templates=Templates())
    assert render_batch(letters(10), HEAD, templates=Templates(), engine=elsewhere) == alone


@pytest.mark.parametrize(
    ("engine_name", "own_templates", "letters_of_batch", "made_on"),
    [
        ("dask", False, 20, "dask"),
        ("dask", True, 20, "in-process"),  # another machine does not have the school's own words
        ("processes", True, 20, "processes"),
        ("dask", False, 3, "in-process"),
        ("in-process", True, 20, "in-process"),
    ],
)
def test_where_letters_are_made(
    every_engine: dict[str, Engine],
    tmp_path: Path,
    engine_name: str,
    own_templates: bool,
    letters_of_batch: int,
    made_on: str,
) -> None:
    if own_templates:
        (tmp_path / "en").mkdir()
        (tmp_path / "en" / "letter_1.md.j2").write_text("# Ours")
    chosen = engine_for(every_engine[engine_name], Templates(tmp_path), letters_of_batch)
    assert type(chosen) is type(every_engine[made_on])


# ---------------------------------------------------------------- what fails


@pytest.mark.parametrize("name", EVERY)
def test_an_error_is_that_items_alone(every_engine: dict[str, Engine], name: str) -> None:
    outcomes = list(every_engine[name].outcomes(fails_with_a_name, ["Ann", "Zoe Zebedee", "Ben"]))
    assert [o.made for o in outcomes] == [3, None, 3]
    assert outcomes[1].error is not None
    with pytest.raises(ValueError if name == "in-process" else WorkFailed):
        outcomes[1].result()


def test_what_failed_elsewhere_says_kind_and_place_and_nobody(
    elsewhere: Engine, cluster: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    (outcome,) = elsewhere.outcomes(fails_with_a_name, ["Zoe Zebedee"])
    assert isinstance(outcome.error, WorkFailed)
    assert outcome.error.kind == "ValueError"
    assert str(outcome.error).startswith("ValueError in engine_work.py, line ")
    said = capfd.readouterr()
    assert "Zebedee" not in repr(outcome) + said.out + said.err + cluster.logs()


@pytest.mark.parametrize("name", EVERY)
def test_what_cannot_be_read_here_is_that_items_failure(every_engine: dict[str, Engine], name: str) -> None:
    def prepare(number: int) -> int:
        if number == 2:
            raise KeyError("a page that cannot be read")
        return number

    outcomes = list(every_engine[name].outcomes(square, range(4), prepare=prepare))
    assert [o.made for o in outcomes] == [0, 1, None, 9]
    assert isinstance(outcomes[2].error, KeyError)


def test_the_first_error_ends_each(engine: Engine) -> None:
    with pytest.raises((ValueError, WorkFailed)):
        list(engine.each(fails_with_a_name, ["Ann", "Zoe", *["Ben"] * 1000]))


def test_an_item_that_ends_its_process_holds_up_nobody_else() -> None:
    with Processes(2) as processes:
        outcomes = list(processes.outcomes(ends_its_process, range(8)))
        assert [o.made for o in outcomes] == [0, 1, 2, None, 4, 5, 6, 7]
        assert isinstance(outcomes[3].error, WorkFailed)
        assert "its process ended twice" in str(outcomes[3].error)
        assert list(processes.each(square, range(3))) == [0, 1, 4]


def test_a_process_that_is_killed_costs_nothing_but_time() -> None:
    with Processes(2) as processes:
        results = processes.each(slow_square, range(30))
        begun = [next(results) for _ in range(5)]
        victim = next(iter(processes._pool._processes))  # type: ignore[union-attr]
        os.kill(victim, signal.SIGKILL)
        assert begun + list(results) == [n * n for n in range(30)]


def test_processes_end_with_whoever_gave_them_work() -> None:
    code = (
        "import time\n"
        "from engine_work import process_of\n"
        "from attendance_pipeline.engine import Processes\n"
        "print(*set(Processes(2).each(process_of, range(20))), flush=True)\n"
        "time.sleep(600)\n"
    )
    path = os.pathsep.join(filter(None, (str(SUPPORT), os.environ.get("PYTHONPATH"))))
    giver = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert giver.stdout is not None
    workers = [int(word) for word in giver.stdout.readline().split()]
    assert workers
    assert all(map(psutil.pid_exists, workers))
    giver.kill()
    giver.wait()
    _, alive = psutil.wait_procs([psutil.Process(w) for w in workers if psutil.pid_exists(w)], timeout=30)
    assert alive == []


# ---------------------------------------------------------------- two nodes, one killed


def test_a_worker_killed_in_the_middle_changes_no_byte(tmp_path: Path, school: School) -> None:
    asked = [asked_of(school, seed) for seed in range(24)]
    here = list(map(pages_of, asked))
    with Cluster(tmp_path / "cluster") as two, DaskCluster(two.address) as dask:
        client = dask.connected()
        client.wait_for_workers(2, timeout=30)
        results = dask.each(slow_pages, asked)
        made = [next(results) for _ in range(4)]
        busy = next(name for name, keys in named(client).items() if keys)
        two.workers[int(busy.removeprefix("worker-"))].kill()
        made += list(results)
        assert len(client.scheduler_info(n_workers=-1)["workers"]) == 1
        assert made == here


def named(client) -> dict[str, int]:
    """How many items each worker has, by its name; looked at until one has some."""
    begin = time.monotonic()
    while not any(client.processing().values()) and time.monotonic() - begin < 30:
        time.sleep(0.01)
    names = {address: w["name"] for address, w in client.scheduler_info(n_workers=-1)["workers"].items()}
    return {names[address]: len(keys) for address, keys in client.processing().items()}


def test_an_item_that_ends_every_worker_holds_up_nobody_else(tmp_path: Path) -> None:
    # As `dask worker` is started without options: what watches a worker starts it again.
    with Cluster(tmp_path / "cluster", workers=1, nanny=True) as one, DaskCluster(one.address) as dask_engine:
        outcomes = list(dask_engine.outcomes(ends_its_process, range(6)))
    assert [o.made for o in outcomes] == [0, 1, 2, None, 4, 5]
    assert "every worker that tried it ended" in str(outcomes[3].error)


def test_without_a_scheduler_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_CONNECT_SECONDS", 1)
    with (
        DaskCluster("tcp://127.0.0.1:9") as dask,
        pytest.raises(EngineError, match="no Dask scheduler answers"),
    ):
        list(dask.each(square, range(3)))


def test_a_scheduler_that_goes_is_said_and_nothing_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_CONNECT_SECONDS", 10)
    monkeypatch.setattr(engines, "_LOOK_SECONDS", 1)
    with Cluster(tmp_path / "cluster", workers=1) as one, DaskCluster(one.address) as dask:
        results = dask.each(slow_square, range(50))
        assert next(results) == 0
        one.scheduler.kill()  # type: ignore[union-attr]
        begin = time.monotonic()
        with pytest.raises(EngineError, match="has gone"):
            list(results)
        assert time.monotonic() - begin < 180


def test_no_worker_left_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_LOOK_SECONDS", 1)
    monkeypatch.setattr(engines, "_LOOKS_WITHOUT_WORKERS", 3)
    with Cluster(tmp_path / "cluster", workers=1) as one, DaskCluster(one.address) as dask:
        results = dask.each(slow_square, range(50))
        assert next(results) == 0
        one.workers[0].kill()
        with pytest.raises(EngineError, match="no worker is left"):
            list(results)


# ---------------------------------------------------------------- encrypted


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    """What Dask's own configuration says of TLS, with a certificate that is made for this test, by Dask's keys."""
    made = Security.temporary()
    folder = tmp_path / "tls"
    folder.mkdir()
    for name in ("tls_ca_file", "tls_scheduler_cert", "tls_scheduler_key"):
        (folder / f"{name}.pem").write_text(getattr(made, name))
    found = {"distributed.comm.tls.ca-file": str(folder / "tls_ca_file.pem")}
    for role in ("scheduler", "worker", "client"):
        found[f"distributed.comm.tls.{role}.cert"] = str(folder / "tls_scheduler_cert.pem")
        found[f"distributed.comm.tls.{role}.key"] = str(folder / "tls_scheduler_key.pem")
    return found


def test_a_cluster_over_tls_is_set_up_by_dasks_own_configuration(
    tmp_path: Path, certificates: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        f"DASK_{key.replace('.', '__').replace('-', '_').upper()}": value for key, value in certificates.items()
    }
    with Cluster(tmp_path / "cluster", workers=1, tls=environment) as one:
        assert one.address.startswith("tls://127.0.0.1:")
        with dask.config.set(certificates), DaskCluster(one.address) as engine:
            assert list(engine.each(square, range(5))) == [0, 1, 4, 9, 16]
        # Without the certificate nobody gets in.
        monkeypatch.setattr(engines, "_CONNECT_SECONDS", 2)
        with DaskCluster(one.address) as engine, pytest.raises(EngineError, match="no Dask scheduler answers"):
            list(engine.each(square, range(5)))


@pytest.fixture(scope="module")
def other_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as a newer version of it might be: one line of one module is another."""
    folder = tmp_path_factory.mktemp("newer")
    for package in (attendance_pipeline, letter_templates):
        source = Path(package.__path__[0])
        copied = shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        assert copied.is_dir()
    with (folder / "attendance_pipeline" / "derive" / "tiers.py").open("a") as module:
        module.write("\n# newer\n")
    return folder


def test_a_worker_with_other_code_is_refused(tmp_path: Path, other_code: Path) -> None:
    with Cluster(tmp_path / "cluster", workers=1) as one, DaskCluster(one.address) as dask:
        assert list(dask.each(square, range(3))) == [0, 1, 4]
        one.add_worker(PYTHONPATH=f"{other_code}{os.pathsep}{SUPPORT}")
        dask.connected().wait_for_workers(2, timeout=60)
        # It came when the work had begun: the first item that it gets says so.
        with pytest.raises(EngineError, match="a worker has another version"):
            list(dask.each(slow_square, range(20)))
        with DaskCluster(one.address) as next_night, pytest.raises(EngineError) as refused:
            list(next_night.each(square, range(3)))
    said = str(refused.value)
    assert "would not give the same bytes" in said
    assert said.count("tcp://127.0.0.1:") == 1
    assert "its code" in said
    assert "pandas" not in said


def test_a_program_that_was_replaced_under_way_is_refused(
    every_engine: dict[str, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "code_version", lambda: "another")
    with pytest.raises(EngineError, match="another version"):
        list(every_engine["processes"].each(square, range(3)))

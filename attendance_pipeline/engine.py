"""Where work over schools is done: in this process, in processes of this machine, or on the workers of a Dask cluster.

Belongs here: handing one item after another to a function on an engine that others wrote, results in order, no more of
them ahead than a few; what is said when a worker or the whole engine fails; and the refusal of workers whose code is
another. Not here: what is done to an item, where it is read from, or what an error of a school means.

The function is given by its name (a function of a module, or a `functools.partial` of one) and sees its item alone, so
that it gives the same answer wherever it runs. An item may hold pupils' data. It travels to the worker and its result
travels back; nothing of either is in an exception or in a log: what fails elsewhere comes back as its kind and place.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import logging
import multiprocessing
import os
import platform
import signal
import threading
import uuid
import zlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from attendance_pipeline.advice import OWN_WORDS, place_of

IN_PROCESS, PROCESSES, DASK = ENGINES = ("in-process", "processes", "dask")
AHEAD = 2  # items for each worker that are under way or wait to be taken
_WORKER_ENDED = "WorkerEnded"
_PACKAGES = ("attendance_pipeline", "letter_templates")
_PARTS = {".py", ".csv", ".toml", ".md", ".j2", ".typ", ".ttf", ".otf", ".txt", ".css", ".js", ".svg"}
# Libraries that a figure or a byte may depend on.
_LIBRARIES = ("numpy", "numba", "pandas", "pyarrow", "typst", "pikepdf")
_CONNECT_SECONDS = 30
_LOOK_SECONDS = 5
_LOOKS_WITHOUT_WORKERS = 12  # a minute: a cluster that is being restarted has that long

Item = TypeVar("Item")
Given = TypeVar("Given")
Made = TypeVar("Made")


class EngineError(RuntimeError):
    """The engine cannot be used, or was lost on the way; the message says what to do. What is stored is whole."""


class WorkFailed(RuntimeError):
    """The function failed on one item, elsewhere. `kind`: the error's class. The message holds nothing of the item."""

    def __init__(self, kind: str, place: str = "", words: str = "") -> None:
        super().__init__(kind, place, words)
        self.kind, self.place, self.words = kind, place, words

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}" if self.words else f"{self.kind}{self.place}"


@dataclass(frozen=True)
class Outcome(Generic[Made]):
    """What became of one item: `result` gives what was made of it, or raises what went wrong with it alone."""

    made: Made | None = None
    error: Exception | None = None

    def result(self) -> Made:
        if self.error is not None:
            raise self.error
        return self.made  # type: ignore[return-value]  # what was made may well be None


class Engine(ABC):
    """Does a function to many items. Use as a context manager, or call `close`."""

    elsewhere = True  # in other processes: what is given has to be sent there
    remote = False  # perhaps on other machines, which see neither the files of this one nor its SQLite database

    def outcomes(
        self,
        function: Callable[[Given], Made],
        given: Iterable[Item],
        *,
        prepare: Callable[[Item], Given] | None = None,
        threads: int = 1,
    ) -> Iterator[Outcome[Made]]:
        """What became of each item, in the order given. Items are taken as there is room for them.

        `prepare`: makes of an item what the function is given, here, just before it is sent; where that fails, it is
        that item's failure. `threads`: how many the function is worth where it runs in this process. Raises EngineError
        when the engine itself is lost.
        """
        prepared: Any = prepare or _as_it_is
        yield from self._outcomes(function, given, prepared, threads)

    @abstractmethod
    def _outcomes(
        self, function: Callable[[Given], Made], given: Iterable[Item], prepare: Callable[[Item], Given], threads: int
    ) -> Iterator[Outcome[Made]]: ...

    def each(self, function: Callable[[Given], Made], given: Iterable[Given], *, threads: int = 1) -> Iterator[Made]:
        """What was made of each item, in the order given; the first error is raised, and the rest is left."""
        outcomes = self.outcomes(function, given, threads=threads)
        try:
            for outcome in outcomes:
                yield outcome.result()
        finally:
            outcomes.close()  # type: ignore[attr-defined]  # a generator, that may have work under way

    @abstractmethod
    def close(self) -> None:
        """End what this object started. It may be used again."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def engine_of(name: str, workers: int | None = None, scheduler: str | None = None) -> Engine:
    """The engine of the settings. Nothing is started before there is work. `workers`: processes, None: one a core."""
    if name == PROCESSES:
        return Processes(workers or os.cpu_count() or 1)
    if name == DASK:
        return DaskCluster(scheduler or "")
    return InProcess()


# ---------------------------------------------------------------- in this process


class InProcess(Engine):
    """One item after the other, here; or by threads, where the function lets other threads run."""

    elsewhere = False

    def _outcomes(
        self, function: Callable[[Given], Made], given: Iterable[Item], prepare: Callable[[Item], Given], threads: int
    ) -> Iterator[Outcome[Made]]:
        here = functools.partial(_tried, function, prepare)
        if threads <= 1:
            yield from map(here, given)
            return
        with ThreadPoolExecutor(threads, thread_name_prefix="work") as pool:
            submitted = functools.partial(pool.submit, here)
            yield from _in_order(given, AHEAD * threads, _as_it_is, submitted, lambda _, future: future.result())

    def close(self) -> None:
        """Threads end with the work they were for."""


def _as_it_is(one: Any) -> Any:
    return one


def _tried(function: Callable[[Given], Made], prepare: Callable[[Item], Given], one: Item) -> Outcome[Made]:
    try:
        return Outcome(made=function(prepare(one)))
    except Exception as error:
        return Outcome(error=error)


def _in_order(
    given: Iterable[Item],
    ahead: int,
    prepare: Callable[[Item], Given],
    submit: Callable[[Given], Any],
    settle: Callable[[Given, Any], Outcome[Made]],
) -> Iterator[Outcome[Made]]:
    """Outcomes in the order given, with at most `ahead` items submitted (or not to be prepared) and not yet taken."""
    waiting: deque[tuple[Any, Any]] = deque()  # what was sent and its future; what could not be prepared: its outcome

    def next_one() -> Outcome[Made]:
        one, future = waiting.popleft()
        return future if isinstance(future, Outcome) else settle(one, future)

    try:
        for item in given:
            try:
                one = prepare(item)
            except Exception as error:
                waiting.append((None, Outcome(error=error)))
            else:
                waiting.append((one, submit(one)))
            if len(waiting) >= ahead:
                yield next_one()
        while waiting:
            yield next_one()
    finally:
        for _, left in waiting:
            if not isinstance(left, Outcome):
                with suppress(Exception):  # of an engine that has gone nothing is left to be cancelled
                    left.cancel()


# ---------------------------------------------------------------- elsewhere: what is sent, and what comes back


def _called(function: Callable[[Given], Made], one: Given, code: str) -> tuple[Made | None, tuple[str, ...] | None]:
    """Runs in a worker: what was made, or kind, place and words of what went wrong. It raises nothing: an engine would
    log what the function was given together with the error."""
    if code != code_version():
        return None, ("OtherVersion", "", "")
    try:
        return function(one), None
    except Exception as error:
        kind = type(error).__name__
        words = str(error) if kind in OWN_WORDS else ""
        place = place_of(error)
        return None, (kind, f" in {place}" if place else "", words)


def _outcome(answer: tuple[Made | None, tuple[str, ...] | None]) -> Outcome[Made]:
    made, failed = answer
    if failed is None:
        return Outcome(made=made)
    if failed[0] == "OtherVersion":
        raise EngineError("a worker has another version of attendance-pipeline than this machine; install the same")
    return Outcome(error=WorkFailed(*failed))


@cache
def about_this() -> Mapping[str, str]:
    """What has to be the same wherever one home's work is done, by name."""
    found = {"attendance-pipeline": importlib.metadata.version("attendance-pipeline"), "its code": _code()}
    found |= {name: importlib.metadata.version(name) for name in _LIBRARIES}
    found["Python"] = ".".join(platform.python_version_tuple()[:2])
    found["zlib"] = zlib.ZLIB_RUNTIME_VERSION  # editable letters are packed with it
    return found


@cache
def code_version() -> str:
    """A hash of all that has to be the same."""
    return hashlib.sha256(repr(sorted(about_this().items())).encode()).hexdigest()[:16]


def _code() -> str:
    """A hash of our own files, the words and layouts of letters and the dated tables included."""
    found = hashlib.sha256()
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in map(Path, (spec.submodule_search_locations or ()) if spec else ()):
            files = [p for p in folder.rglob("*") if p.suffix in _PARTS and "__pycache__" not in p.parts]
            for file in sorted(files, key=lambda p: p.relative_to(folder).as_posix()):
                found.update(f"{package}/{file.relative_to(folder).as_posix()}\0".encode())
                found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:16]


# ---------------------------------------------------------------- processes of this machine


class Processes(Engine):
    """`concurrent.futures`: so many processes of this machine, started afresh (spawn), as every system can."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def _outcomes(
        self, function: Callable[[Given], Made], given: Iterable[Item], prepare: Callable[[Item], Given], threads: int
    ) -> Iterator[Outcome[Made]]:
        code = code_version()

        def submit(one: Given) -> Future[Any]:
            if self._pool is None:
                self._pool = _processes(self.workers)
            try:
                return self._pool.submit(_called, function, one, code)
            except BrokenProcessPool as broken:
                failed: Future[Any] = Future()
                failed.set_exception(broken)
                self._begin_again()
                return failed

        def settle(one: Given, future: Future[Any]) -> Outcome[Made]:
            try:
                return _outcome(future.result())
            except BrokenProcessPool:
                self._begin_again()
            # A process was killed or had no memory left. Each item that was lost with it is done once more, alone, so
            # that one that ends its process again is known, and holds up nobody else.
            with _processes(1) as alone:
                try:
                    return _outcome(alone.submit(_called, function, one, code).result())
                except BrokenProcessPool:
                    return Outcome(error=WorkFailed("WorkerEnded", words="its process ended twice: out of memory?"))

        yield from _in_order(given, AHEAD * self.workers, prepare, submit, settle)

    def _begin_again(self) -> None:
        if self._pool is not None and _broken(self._pool):
            self.close()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _broken(pool: Executor) -> bool:
    try:
        pool.submit(os.getpid).cancel()
    except BrokenProcessPool:
        return True
    return False


def _processes(workers: int) -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin_worker)


def _begin_worker() -> None:
    """Ctrl-C is for the process that gave the work; and a worker does not outlive it, however it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def end_with_it() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_it, name="parent", daemon=True).start()


# ---------------------------------------------------------------- a Dask cluster


class DaskCluster(Engine):
    """`dask.distributed`: the workers that are connected to a scheduler. TLS is set in Dask's own configuration.

    Dask gives the items of a worker that is lost to the others. Items are part of the request for work and are kept by
    the scheduler until it is done, so that no item is lost with a worker.
    """

    remote = True

    def __init__(self, scheduler: str) -> None:
        self.scheduler = scheduler
        self._client: Any = None

    def _outcomes(
        self, function: Callable[[Given], Made], given: Iterable[Item], prepare: Callable[[Item], Given], threads: int
    ) -> Iterator[Outcome[Made]]:
        code = code_version()
        client = self.connected()
        ahead = AHEAD * max(1, sum(client.nthreads().values()))
        word = getattr(function, "func", function).__name__.strip("_")

        def submit(one: Given) -> Any:
            # A key of its own: Dask would otherwise make one of a hash of the item, and look for it in what is done.
            return self._client.submit(_called, function, one, code, key=f"{word}-{uuid.uuid4().hex}", pure=False)

        def settle(one: Given, future: Any) -> Outcome[Made]:
            outcome = self._settled(future)
            if isinstance(outcome.error, WorkFailed) and outcome.error.kind == _WORKER_ENDED:
                # Perhaps it only lay on the workers that another item ended: that one is settled by now.
                return self._settled(submit(one))
            return outcome

        yield from _in_order(given, ahead, prepare, submit, settle)

    def connected(self) -> Any:
        """The client, connected, all of whose workers have the code of this machine. Raises EngineError."""
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _connect(self) -> Any:
        try:
            from distributed import Client
        except ImportError:
            raise EngineError(
                'work.engine = "dask" needs Dask here and on every worker: pip install "attendance-pipeline[dask]"'
            ) from None
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.ERROR)  # what it would say of a lost worker, we say
        try:
            client = Client(self.scheduler, timeout=_CONNECT_SECONDS, set_as_default=False, name="attendance")
        except (OSError, TimeoutError, ValueError, TypeError):
            raise EngineError(
                f"no Dask scheduler answers at {self.scheduler} (work.scheduler). Start it, or set "
                f'work.engine = "{IN_PROCESS}". Nothing half-done is left; the next run goes on from here'
            ) from None
        try:
            client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
            self._refuse_others(client)
        except TimeoutError:
            client.close(timeout=1)
            raise EngineError(f"no worker is connected to the Dask scheduler at {self.scheduler}: start one") from None
        except BaseException:
            client.close(timeout=1)
            raise
        return client

    def _refuse_others(self, client: Any) -> None:
        try:
            answers = client.run(about_this)
        except Exception as error:
            raise EngineError(
                f"a worker of {self.scheduler} does not know attendance-pipeline ({type(error).__name__}): "
                "install the version of this machine there"
            ) from None
        mine, faults = about_this(), []
        for address, theirs in sorted(answers.items()):
            differ = [name for name in mine if theirs.get(name) != mine[name]]
            other = [f"{name} {theirs.get(name, 'none')}, here {mine[name]}" for name in differ]
            if other:
                faults.append(f"{address}: {'; '.join(other)}")
        if faults:
            raise EngineError("workers that would not give the same bytes as this machine: " + " | ".join(faults))

    def _settled(self, future: Any) -> Outcome[Any]:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        without = 0
        while True:
            try:
                return _outcome(future.result(timeout=_LOOK_SECONDS))
            except TimeoutError:
                if self._client.status != "running":
                    break
                workers = self._client.scheduler_info(n_workers=-1)["workers"]
                without = 0 if workers else without + 1
                if without >= _LOOKS_WITHOUT_WORKERS:
                    raise EngineError(
                        f"no worker is left at the Dask scheduler {self.scheduler}. Nothing half-done is left; "
                        "the next run goes on from here"
                    ) from None
            except KilledWorker:
                words = "every worker that tried it ended: out of memory?"
                return Outcome(error=WorkFailed(_WORKER_ENDED, words=words))
            except (CancelledError, OSError):
                break
        raise EngineError(
            f"the Dask scheduler at {self.scheduler} has gone. Nothing half-done is left; the next run goes on from "
            "here"
        )

    def close(self) -> None:
        if self._client is not None:
            self._client.close(timeout=5)
            self._client = None

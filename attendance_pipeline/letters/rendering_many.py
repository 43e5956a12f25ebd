"""Many things of one batch made by two threads, in order: the same bytes as by one.

Belongs here: how many threads a batch is worth, and handing work to them so that memory does not grow with the batch.
Does not belong here: what is made (`pdf`, `docx`), or who gets it.

Threads, not processes: Typst and the packing of files let other threads run, so two use two cores; nothing has to be
started, copied or sent, and it works wherever a run runs.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

MANY = 100  # letters; fewer are made before a second thread has its fonts loaded
WORKERS = 2  # each holds the pages of one chunk; a school's machine has other things to do
_WAITING = 2  # results for each worker that may wait to be taken

Given = TypeVar("Given")
Made = TypeVar("Made")


def workers_for(letters: int) -> int:
    """How many threads so many letters are worth."""
    return WORKERS if letters >= MANY else 1


def in_order(make: Callable[[Given], Made], given: Iterable[Given], workers: int) -> Iterator[Made]:
    """`make` of each, in the order given; what is not yet taken is at most a few. The first error is raised."""
    if workers <= 1:
        yield from map(make, given)
        return
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="letters") as pool:
        try:
            for one in given:
                waiting.append(pool.submit(make, one))
                if len(waiting) >= _WAITING * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()

"""Many letters by two threads: in order, the same bytes as by one, and never more waiting than a few. On other engines:
tests/engine."""

import dataclasses
import hashlib
import subprocess
import sys
import threading

import pytest

from attendance_pipeline.engine import InProcess
from attendance_pipeline.letters.pdf import render_batch, render_letter
from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
from attendance_pipeline.letters.templates import Templates
from attendance_pipeline.letters.threads import MANY, WORKERS, workers_for

HEAD = sample_letterhead()
KINDS = ("letter_1", "letter_3", "improved", "letter_2")


def letters(count: int):
    return [
        dataclasses.replace(
            sample_letter(KINDS[n % len(KINDS)], "ur" if n % 5 == 0 else "en"), reference=f"OAK-{n:04}-K3"
        )
        for n in range(count)
    ]


def test_two_threads_print_the_same_bytes_as_one(monkeypatch):
    monkeypatch.setattr("attendance_pipeline.letters.pdf.LETTERS_PER_CHUNK", 4)
    one, two = (render_batch(letters(18), HEAD, templates=Templates(), workers=n) for n in (1, 2))
    assert one == two


def test_two_threads_make_the_same_single_letters_as_one():
    def make(one):
        return hashlib.sha256(render_letter(one, HEAD, templates=templates)).hexdigest()

    templates = Templates()
    alone = list(map(make, letters(12)))
    templates = Templates()  # nothing checked or remembered before
    assert list(InProcess().each(make, letters(12), threads=2)) == alone


@pytest.mark.parametrize(("count", "workers"), [(0, 1), (1, 1), (MANY - 1, 1), (MANY, WORKERS), (5000, WORKERS)])
def test_how_many_threads_a_batch_is_worth(count, workers):
    assert workers_for(count) == workers


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_in_order_and_no_further_ahead_than_a_few(workers):
    taken = 0
    furthest = 0

    def numbers():
        nonlocal furthest
        for n in range(60):
            furthest = max(furthest, n - taken)
            yield n

    for n in InProcess().each(lambda n: n * n, numbers(), threads=workers):
        assert n == taken**2
        taken += 1
    assert taken == 60
    assert furthest <= 2 * workers


def test_an_error_is_raised_and_the_rest_is_left():
    made = []

    def make(n):
        made.append(n)
        if n == 5:
            raise ValueError("five")
        return n

    with pytest.raises(ValueError, match="five"):
        list(InProcess().each(make, range(1000), threads=2))
    assert len(made) < 20
    assert not [one for one in threading.enumerate() if one.name.startswith("work")]


def test_a_whole_batch_is_the_same_bytes_in_another_process():
    code = (
        "import sys; sys.path[:0] = ['tests/support', 'tests/letters']\n"
        "import hashlib\n"
        "from test_batch import PUPILS, row\n"
        "from attendance_pipeline.letters import batch, rendering_many\n"
        "rendering_many.workers_for = lambda n: {workers}\n"
        "import datetime as dt\n"
        "from attendance_pipeline.letters.sample import sample_letterhead\n"
        "from attendance_pipeline.letters.templates import Templates\n"
        "rows = [row(str(n), 1 + n % 4, kind=f'letter_{{1 + n % 3}}') for n in range(8)]\n"
        "held = (row('9', 1, state='held', reason='no address'),)\n"
        "made = batch.build_batch(batch.BatchInputs('oakfield', dt.date(2025, 12, 4), rows, held, PUPILS,\n"
        "                         sample_letterhead(), Templates()))\n"
        "for name, data in sorted(made.office.items()): print(name, hashlib.sha256(data).hexdigest())\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code.format(workers=workers)], capture_output=True, text=True, check=True
        ).stdout
        for workers in (1, 2)
    ]
    assert said[0] == said[1]
    assert {"print-ready.pdf", "batch.xlsx", "batch.csv", "mail-merge.csv", "held.csv", "evidence.xlsx"} <= {
        line.rpartition(" ")[0] for line in said[0].splitlines()
    }

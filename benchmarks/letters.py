"""Speed of letters: single tagged files and one print file, against WeasyPrint and headless Chromium.

    python benchmarks/letters.py                   100 letters; --letters 1000 for the figures of docs/performance.md
    python benchmarks/letters.py --only ours       without the others (extra `benchmarks`; Chromium is the system's)
    python benchmarks/letters.py --memory 250 5000   peak memory of batches of so many letters, delivered

The same words on the same A4 page for all: letter 1 without its leaflet, of as many invented pupils. The others are
given the letter's own HTML (`letters/html.py`) with the same two fonts embedded, once as a file for each letter and
once as one document of all. One process each, bound to one core, after one letter to warm up; CPU seconds of the
process and its children beside the time on the wall, since other work may share the machine; `times` compares CPU. Ours
reads its templates and sets every letter anew; theirs begin with finished HTML, and what preparing that costs is not
counted against them.

`--rounds` has all take turns several times, so that other work meets them alike, and shows the best of each.
The others are slow: where there are more letters than `--sample` (100), they make so many of them, and the line says
so; what is compared is the time of one letter.

The last lines are ours with one thread and with two, on all cores. Nothing is written but to a temporary folder.
"""

import argparse
import dataclasses
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from attendance_pipeline.engine import InProcess
from attendance_pipeline.letters.html import render_html
from attendance_pipeline.letters.language import SHIPPED
from attendance_pipeline.letters.letter import Letter
from attendance_pipeline.letters.pdf import render_batch, render_letter
from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
from attendance_pipeline.letters.templates import Templates

HEAD = sample_letterhead()
ENGINES = ("ours", "weasyprint", "chromium")
_FACES = {"NotoSans-Regular": "normal", "NotoSans-Bold": "bold"}


def letters(count: int) -> list[Letter]:
    one = dataclasses.replace(sample_letter("letter_1"), enclosures=())
    return [
        dataclasses.replace(one, reference=f"OAK-{n:04}-K3", fields={**one.fields, "first_name": f"Pupil{n}"})
        for n in range(count)
    ]


def pages(count: int) -> list[str]:
    """The letters as HTML with the shipped fonts, on a page as ours is."""
    templates = Templates()
    faces = "".join(
        f"@font-face{{font-family:'Noto Sans';font-weight:{weight};src:url({(SHIPPED / 'fonts' / name).as_uri()}.ttf)}}"
        for name, weight in _FACES.items()
    )
    style = (
        f"<style>{faces}@page{{size:A4;margin:18mm 22mm}}article{{padding:0;margin:0;max-width:none;box-shadow:none}}"
    )
    found = []
    for one in letters(count):
        text = render_html(one, HEAD, templates=templates).decode()
        text = re.sub(r"<meta http-equiv=[^>]*>", "", text)  # it would keep the fonts away
        found.append(text.replace("</head>", style + "</style></head>"))
    return found


def merged(found: list[str]) -> str:
    head, _, _ = found[0].partition("<body>")
    bodies = [one.partition("<body>")[2].partition("</body>")[0] for one in found]
    return f"{head}<body>{''.join(bodies)}</body></html>".replace(
        "</head>", "<style>article{break-after:page}</style></head>"
    )


def _ours(count: int, whole: bool, folder: Path, workers: int = 1) -> None:
    templates, every = Templates(), letters(count)
    if whole:
        (folder / "all.pdf").write_bytes(render_batch(every, HEAD, templates=templates, workers=workers))
        return
    made = InProcess().each(lambda one: render_letter(one, HEAD, templates=templates), every, threads=workers)
    for one, data in zip(every, made, strict=True):
        (folder / f"{one.reference}.pdf").write_bytes(data)


def _weasyprint(found: list[str], whole: bool, folder: Path) -> None:
    from weasyprint import HTML
    from weasyprint.text.fonts import FontConfiguration

    fonts, cache = FontConfiguration(), {}
    variant = {} if whole else {"pdf_variant": "pdf/ua-1"}
    for number, text in enumerate([merged(found)] if whole else found):
        HTML(string=text).write_pdf(folder / f"{number}.pdf", font_config=fonts, cache=cache, **variant)


def _chromium(found: list[str], whole: bool, folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    program = next(
        p for p in ("/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser") if os.path.exists(p)
    )
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--allow-file-access-from-files"])
        page = browser.new_page()
        for number, text in enumerate([merged(found)] if whole else found):
            file = folder / "letter.html"
            file.write_text(text, "utf-8")
            page.goto(file.as_uri())
            page.pdf(path=folder / f"{number}.pdf", tagged=not whole, prefer_css_page_size=True)
        browser.close()


def measure(engine: str, count: int, whole: bool, workers: int) -> None:
    """In a process of its own: makes the letters and prints seconds and bytes as JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder, found = Path(name), pages(count) if engine != "ours" else []

        def run(n: int, whole: bool) -> None:
            if engine == "ours":
                _ours(n, whole, folder, workers)
            else:
                (_weasyprint if engine == "weasyprint" else _chromium)(found[:n], whole, folder)

        run(1, False)
        for file in folder.glob("*.pdf"):
            file.unlink()
        before, wall = _cpu(), time.perf_counter()
        run(count, whole)
        seconds, cpu = time.perf_counter() - wall, _cpu() - before
        size = sum(file.stat().st_size for file in folder.glob("*.pdf"))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall": seconds, "cpu": cpu, "bytes": size / count, "peak": peak}))


def deliver_batch(count: int) -> None:
    """In a process of its own: a whole batch of invented pupils' first letters, made and delivered; prints its peak."""
    import datetime as dt

    from attendance_pipeline.delivery import deliver
    from attendance_pipeline.letters.batch import BatchInputs, build_batch
    from attendance_pipeline.letters.batch_lists import PupilOnPaper
    from attendance_pipeline.letters.evidence import LetterEvidence
    from attendance_pipeline.letters.ledger_rows import LedgerRow
    from attendance_pipeline.letters.recipients import Recipient

    day = dt.date(2025, 12, 4)
    missed = tuple((dt.date(2025, 11, 10 + n), "AM", "O") for n in range(5))
    figures = LetterEvidence(101, 122, 14, dt.date(2025, 9, 2), dt.date(2025, 12, 3), 85_000, missed, weeks=4)
    to = Recipient("c1", title="Ms", forename="A", surname="Example", address=("1 Mill Lane", "Leeds", "LS1 1AA"))
    pupils = {n: PupilOnPaper(f"Pupil{n}", "Example", f"{n % 40}A", "Mr T Teacher", f"{n:06}") for n in range(count)}
    rows = [
        LedgerRow(
            **{"reference": f"OAK-{n:05}", "person_id": n, "contact_id": "c1", "kind": "letter_1", "day": 60},
            **{"opening_day": day, "proposed_on": day, "entered": day, "state": "proposed", "stage": 1},
            **{"batch": "oakfield", "recipient": to.as_json(), "evidence": figures.as_json()},
        )
        for n in pupils
    ]

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    start, began = peak(), _cpu()
    batch = build_batch(BatchInputs("oakfield", day, rows, (), pupils, HEAD, Templates()))
    assert not batch.unprintable
    built = peak()
    with tempfile.TemporaryDirectory() as drive:
        made = deliver(
            Path(drive), "oakfield", "office", "2025/26", day, "letters", batch.office, run="", policy="", as_at=""
        )
        size = sum(file.stat().st_size for file in made.path.iterdir())
    print(
        f"{count:>6} letters: peak {start:.0f} MB at the start, {built:.0f} with print file and lists, {peak():.0f} "
        f"when delivered; {len(batch.office)} files of {size / 1e6:.0f} MB; {_cpu() - began:.0f} s of the processor",
        flush=True,
    )


def _cpu() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def asked(engine: str, count: int, whole: bool, workers: int = 1, cores: str = "0") -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", engine, "--letters", str(count), "--workers", str(workers)]
    bound = ["taskset", "-c", cores] if cores else []
    done = subprocess.run(
        [*bound, *command, *(["--whole"] if whole else [])], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{engine}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=100)
    parser.add_argument("--only", choices=ENGINES)
    parser.add_argument("--sample", type=int, default=100, help="letters that the others make, at most")
    parser.add_argument("--rounds", type=int, default=1, help="take turns so often; of each the best counts")
    parser.add_argument("--memory", type=int, nargs="+", metavar="LETTERS")
    parser.add_argument("--deliver", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--whole", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.letters, given.whole, given.workers)
        return
    if given.deliver:
        deliver_batch(given.deliver)
        return
    if given.memory:
        for count in given.memory:
            subprocess.run([sys.executable, __file__, "--deliver", str(count)], check=True)
        return
    print(f"{given.letters} letters, one core each; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"{'':42}{'wall/s':>10}{'cpu/s':>10}{'times':>8}{'KB each':>10}{'peak MB':>10}")
    for whole in (False, True):
        best: dict[str, dict[str, float]] = {}
        for _ in range(given.rounds):
            for engine in [given.only] if given.only else ENGINES:
                count = given.letters if engine == "ours" else min(given.letters, given.sample)
                made = {**asked(engine, count, whole), "count": count}
                if engine not in best or made["cpu"] < best[engine]["cpu"]:
                    best[engine] = made
        for engine, made in best.items():
            count = int(made["count"])
            sampled = f" ({count} of them)" if count < given.letters else ""
            name = f"{engine}, {'one print file' if whole else 'single tagged'}{sampled}"
            _line(name, count, made, {e: m["cpu"] / m["count"] for e, m in best.items()})
    if given.only in (None, "ours"):
        for whole in (False, True):
            for workers in (1, 2):
                made = asked("ours", given.letters, whole, workers, cores="")
                _line(f"{'print file' if whole else 'single'}, {workers} thread(s)", given.letters, made, {})


def _line(name: str, count: int, made: dict[str, float], theirs: dict[str, float]) -> None:
    times = f"{made['cpu'] / count / theirs['ours']:.1f}" if "ours" in theirs else ""
    print(
        f"{name:42}{count / made['wall']:10.1f}{count / made['cpu']:10.1f}{times:>8}"
        f"{made['bytes'] / 1000:10.1f}{made['peak']:10.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()

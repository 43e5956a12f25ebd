"""Takes the pictures of docs/handbook.md: a demonstration's home, the real page, a real browser.

Run it as a script, with a Chromium, Chrome or Edge on the machine; it takes some four minutes:

    python tests/support/take_pictures.py [PICTURE ...]

It makes a home in a folder of its own, has a term corrected late and run again through the page, and writes
docs/pictures/*.png anew. Look at each before it is committed: nothing here knows whether a picture shows what the
handbook says of it.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from browser import open_browser
from dagster_page import served
from demo_homes import REGISTER_HEADER, attendance, drop, table
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from attendance_pipeline.demo import make
from attendance_pipeline.home import open_home
from attendance_pipeline.running import Runner

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SIZE = {"width": 1280, "height": 760}
COLOURS = 128
PATIENCE = 180_000  # ms
SCHOOL = "oakfield"
TERM_ENDS = "2025-12-19"


class Taker:
    """The page and the names of the pictures that are wanted; `taken` writes one."""

    def __init__(self, page: Page, port: int, days: list[str], corrected: list[str], wanted: list[str]) -> None:
        self.page, self.days, self.corrected, self.wanted = page, days, corrected, wanted
        self.at = f"http://127.0.0.1:{port}"

    def go(self, path: str, until: str) -> None:
        self.page.goto(f"{self.at}{path}")
        expect(self.page.get_by_text(until).first).to_be_visible()
        self.page.wait_for_timeout(2500)  # charts and graphs move into their place

    def taken(self, name: str, clip: tuple[int, int, int, int] | None = None, mark: Locator | None = None) -> None:
        """Write a picture. `clip`: left, top, width, height. `mark`: what a red frame is drawn around."""
        if self.wanted and name not in self.wanted:
            return
        if mark is not None:
            mark.first.evaluate("e => { e.style.outline = '3px solid #c8102e'; e.style.outlineOffset = '3px' }")
        box = dict(zip(("x", "y", "width", "height"), clip, strict=True)) if clip else None
        image = Image.open(io.BytesIO(self.page.screenshot(clip=box))).convert("RGB")
        PICTURES.mkdir(exist_ok=True)
        file = PICTURES / f"{name}.png"
        image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
        print(f"{file.name}: {file.stat().st_size // 1000} kB")
        if mark is not None:
            mark.first.evaluate("e => { e.style.outline = '' }")


def lineage(t: Taker) -> None:
    t.go("/locations/attendance_pipeline.definitions/jobs/nightly", "nightly")
    t.page.get_by_text("View as Asset Graph").wait_for()
    t.go("/asset-groups", "Global asset lineage")
    t.taken("lineage", (240, 0, 1040, 560))


def days(t: Taker) -> None:
    day = t.days[-1]
    t.go(f"/assets/register?view=partitions&partition={day}", "marks")
    t.taken("days", (240, 50, 1040, 620))


def checks(t: Taker) -> None:
    t.go("/assets/register?view=checks&checkDetail=no_corrected_day_waits", "Latest execution")
    expect(t.page.get_by_text("which", exact=True)).to_be_visible()
    t.taken("check", (240, 50, 1040, 560), t.page.get_by_text(t.corrected[0]))


def unsynced(t: Taker) -> None:
    t.go(f"/assets/register?view=partitions&partition={t.corrected[0]}", "marks")
    t.taken("unsynced", (240, 50, 1040, 620), t.page.get_by_text("Unsynced ("))


def jobs(t: Taker) -> None:
    t.go("/jobs", "backfill")
    t.taken("jobs", (0, 0, 1280, 700), t.page.get_by_text("backfill", exact=True))


def rerun(t: Taker) -> None:
    """The days of a term are chosen and launched; when they are done, what the page says of them."""
    page = t.page
    t.go("/jobs", "backfill")
    page.get_by_text("backfill", exact=True).click()
    page.get_by_role("tab", name="Partitions").click()
    page.get_by_role("button", name="Materialize").first.wait_for()
    page.wait_for_timeout(1500)
    t.taken("rerun-1", (240, 0, 1040, 420), page.get_by_role("button", name="Materialize"))
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("button", name="Launch backfill").wait_for()
    page.wait_for_timeout(1500)
    older = page.get_by_text("Show all partitions")  # where there are days within 90 days of today, and older ones
    if older.is_visible():
        older.click()
    box = page.get_by_role("textbox").last
    box.fill(f"[{t.days[0]}...{t.days[-1]}]")
    box.press("Enter")
    expect(page.get_by_text(f"{len(t.days)} partitions", exact=True)).to_be_visible()
    t.taken("rerun-2", (280, 30, 720, 700), page.get_by_role("button", name="Launch backfill"))
    page.get_by_role("button", name="Launch backfill").click()
    expect(page.get_by_text("Created backfill")).to_be_visible()
    # The list of backfills is as it was when the page was opened.
    for _ in range(20):
        page.wait_for_timeout(10_000)
        page.reload()
        page.get_by_text("Backfill history").wait_for()
        page.wait_for_timeout(4000)
        if page.get_by_text("Succeeded").first.is_visible():
            break
    t.taken("rerun-3", (240, 0, 1040, 480), page.get_by_text("Succeeded"))


def runs(t: Taker) -> None:
    t.go("/runs", "backfill")
    t.taken("runs", (0, 0, 1280, 620))


STEPS: tuple[Callable[[Taker], None], ...] = (lineage, days, checks, unsynced, jobs, rerun, runs)


def corrected_home(folder: Path) -> tuple[Path, list[str], list[str]]:
    """A demonstration of which two days were corrected late; the days of its term, and those two."""
    said = attendance("demo", folder, "--pupils", 60)
    assert said.code == 0, said.err
    end_the_calendar(folder / "calendars" / "demo.toml")
    every = sorted({*table(folder, "measures")["date"]})
    term = [day for day in every if day <= TERM_ENDS]
    corrected = [term[-12], term[-9]]
    marks = table(folder, "register")
    rows = [
        f"{m.upn},{m.date},{m.session},I,,\n"
        for day in corrected
        for m in marks[(marks["date"] == day) & marks["code"].isin(["/", "\\"])].head(4).itertuples()
    ]
    drop(folder, f"register_{every[-1]}_late.csv", REGISTER_HEADER + "".join(rows), SCHOOL)
    Runner(open_home(folder), "handbook").run("take_in_extracts")
    return folder, term, corrected


def end_the_calendar(file: Path) -> None:
    """Let the calendar end with the demonstration's last day: no picture shows months of days that have no marks."""
    text = file.read_text(encoding="utf-8")
    text = text.partition('[[years.terms]]\nname = "Summer"')[0].replace("ends = 2026-03-27", f"ends = {make.TODAY}")
    text = text.replace("{ starts = 2026-02-16, ends = 2026-02-20 }", "").replace(", 2026-05-22, 2026-07-20]", "]")
    file.write_text(text, encoding="utf-8")


def main(wanted: list[str]) -> None:
    os.environ.pop("ATTENDANCE_HOME", None)
    with tempfile.TemporaryDirectory() as folder:
        home, of_term, corrected = corrected_home(Path(folder) / "home")
        with served(home) as port, open_browser() as browser:
            page = browser.new_page(viewport=SIZE, timezone_id="Europe/London", locale="en-GB")
            page.set_default_timeout(PATIENCE)
            expect.set_options(timeout=PATIENCE)
            taker = Taker(page, port, of_term, corrected, wanted)
            for step in STEPS:
                step(taker)


if __name__ == "__main__":
    main(sys.argv[1:])

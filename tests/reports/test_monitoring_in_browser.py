"""The two pages of the monitoring in a real browser: they open from a folder, fetch nothing, fit a phone, and have no
serious fault of accessibility.

Skipped where there is no browser (tests/support/browser.py says what to install).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import open_browser
from monitoring_world import monitored
from playwright.sync_api import Browser
from report_world import school

from attendance_pipeline.derive.tried import Entry
from attendance_pipeline.reports.monitoring_page import PAGE, lead_page, leadership_page

PAGES = {"attendance-lead": lead_page, "slt": leadership_page}
HOSTILE = "<script>document.title = 'taken'</script>"


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both pages, with a barrier that somebody wrote as a script."""
    entries = [Entry(p, dt.date(2025, 10, 6), "phone_call", barrier=HOSTILE) for p in range(20)]
    found, folder = monitored(school(210), entries), tmp_path_factory.mktemp("monitoring")
    for audience, make in PAGES.items():
        (folder / audience).mkdir()
        (folder / audience / PAGE).write_bytes(make(found)[PAGE])
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


@pytest.mark.parametrize("audience", PAGES)
def test_no_serious_fault_of_accessibility(browser: Browser, drive: Path, audience: str) -> None:
    context = browser.new_context(bypass_csp=True)  # what looks for faults brings a script of its own
    try:
        page = context.new_page()
        page.goto((drive / audience / PAGE).as_uri())
        found = Axe().run(page)
    finally:
        context.close()
    serious = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["target"] for n in v["nodes"][:3]]) for v in serious] == []


@pytest.mark.parametrize("audience", PAGES)
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_fetches_nothing_and_takes_words_as_words(
    browser: Browser, drive: Path, audience: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    try:
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto((drive / audience / PAGE).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.title() == "Attendance monitoring: Oakfield"
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == [] and said == []
        assert HOSTILE in page.locator("main").inner_text()
    finally:
        page.close()


def test_charts_beside_one_another_have_type_of_one_size(browser: Browser, drive: Path) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    try:
        page.goto((drive / "attendance-lead" / PAGE).as_uri())
        scales = page.evaluate(
            "[...document.querySelectorAll('.charts svg')].map(s => s.clientWidth / s.viewBox.baseVal.width)"
        )
        rows = page.evaluate("[...document.querySelectorAll('.charts svg')].map(s => s.getBoundingClientRect().top)")
    finally:
        page.close()
    assert len(scales) == 2 and rows[0] == rows[1]
    assert scales[0] == pytest.approx(scales[1], rel=0.02)

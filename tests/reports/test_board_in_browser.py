"""The board in a real browser: it opens from a folder, is usable without a mouse or without sight, prints, and shows
people's words as words.

Skipped where there is no browser (tests/support/browser.py says what to install); test_board.py needs none.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator
from pathlib import Path

import board_world
import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import open_browser
from playwright.sync_api import Browser, Error, Page

from attendance_pipeline.reports.board import LEAD, PAGE, board_files

GIVEN = board_world.board()
ON_THE_LADDER = GIVEN.keys[10]
HOSTILE = GIVEN.keys[0]
VIEWS = ("", "#/ladder", "#/lists", "#/pupils", "#/notices", "#/charts", f"#/pupil/{ON_THE_LADDER}")
WIDTHS = (360, 768, 1440)


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as they lie on a shared drive, whose path has a space and a letter that is not ASCII."""
    folder = tmp_path_factory.mktemp("board") / "shared drive é"
    for audience, files in board_files(GIVEN).items():
        (folder / audience / "board").mkdir(parents=True)
        (folder / audience / "board" / PAGE).write_bytes(files[PAGE])
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose script errors and refusals fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    context.close()
    assert said == []


def visit(page: Page, drive: Path, view: str = "", audience: str = LEAD, width: int = 1440) -> Page:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto((drive / audience / "board" / PAGE).as_uri() + view)
    page.wait_for_selector("main h1")
    return page


# ---------------------------------------------------------------- for everybody


@pytest.mark.parametrize(
    ("audience", "view", "width"),
    [
        *((LEAD, view, 1440) for view in VIEWS),
        *((LEAD, view, 360) for view in ("", "#/lists", f"#/pupil/{ON_THE_LADDER}")),
        ("class-5 Oak", "", 1440),
        (LEAD, f"#/pupil/{HOSTILE}", 768),
        (LEAD, "#/pupil/unknown", 768),
    ],
)
def test_no_serious_fault_of_accessibility(browser: Browser, drive: Path, audience: str, view: str, width: int) -> None:
    # What looks for faults brings a script of its own, which the page's policy would refuse.
    context = browser.new_context(bypass_csp=True)
    try:
        found = Axe().run(visit(context.new_page(), drive, view, audience, width))
    finally:
        context.close()
    serious = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["target"] for n in v["nodes"][:3]]) for v in serious] == []


@pytest.mark.parametrize("view", VIEWS)
def test_no_page_is_wider_than_its_window(page: Page, drive: Path, view: str) -> None:
    for width in WIDTHS:
        visit(page, drive, view, width=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_is_a_head_parts_and_one_main_with_one_heading_of_the_first_level(page: Page, drive: Path) -> None:
    for view in VIEWS:
        visit(page, drive, view)
        counts = page.evaluate(
            "['header#top','nav','main','footer','h1'].map(s => document.querySelectorAll(s).length)"
        )
        assert counts == [1, 1, 1, 1, 1], view


def test_without_a_mouse(page: Page, drive: Path) -> None:
    visit(page, drive)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("emile")  # found without the accent
    page.keyboard.press("ArrowDown")
    chosen = page.locator('#found [aria-selected="true"]').inner_text()
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash.startsWith('#/pupil/')")
    assert "Émile" in chosen
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert page.locator("h1").inner_text() in chosen
    assert page.title().startswith(page.locator("h1").inner_text())


def test_focus_is_seen(page: Page, drive: Path) -> None:
    visit(page, drive)
    for _ in range(6):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", page.evaluate("document.activeElement.outerHTML")


def test_a_table_is_sorted_by_its_heads(page: Page, drive: Path) -> None:
    visit(page, drive, "#/pupils")
    button = page.get_by_role("button", name="This year")
    button.press("Enter")
    assert page.locator("thead th", has=button).get_attribute("aria-sort") == "descending"
    button.press("Enter")
    assert page.locator("thead th", has=button).get_attribute("aria-sort") == "ascending"
    shown = [float(t.rstrip("%")) for t in page.locator("tbody td:nth-child(4)").all_inner_texts() if t != "n/a"]
    assert shown == sorted(shown)
    assert len(shown) > 20


def test_a_list_of_pupils_is_cut_down_by_class_stage_and_name(page: Page, drive: Path) -> None:
    visit(page, drive, "#/pupils")
    page.get_by_label("Class").select_option(label="5 Oak")
    page.get_by_label("Stage").select_option(label="On the ladder")
    rows = page.locator("tbody tr")
    assert {row.locator("td").nth(0).inner_text() for row in rows.all()} == {"5 Oak"}
    assert all("stage" in row.locator("td").nth(1).inner_text() for row in rows.all())
    # The way back leads to the same choice.
    url = page.url
    rows.first.locator("a").click()
    page.wait_for_function("location.hash.startsWith('#/pupil/')")
    page.go_back()
    page.wait_for_selector("tbody")
    assert page.url == url
    assert page.get_by_label("Class").input_value() != ""


def test_nothing_moves_for_who_asked_for_stillness(browser: Browser, drive: Path) -> None:
    context = browser.new_context(reduced_motion="reduce")
    opened = visit(context.new_page(), drive)
    assert opened.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert opened.evaluate("document.getAnimations().length") == 0
    context.close()


# ---------------------------------------------------------------- what it shows


def test_the_ladder_has_a_column_a_stage_with_a_card_for_each_pupil_on_it(page: Page, drive: Path) -> None:
    visit(page, drive, "#/ladder")
    stages = GIVEN.derived.stage_rows(GIVEN.day)["stage"][GIVEN.derived.inputs.pupils.on_roll(GIVEN.day)]
    for stage in range(1, 5):
        column = page.locator(f".rung-{stage}")
        wanted = int((stages == stage).sum())
        assert column.locator(".count").inner_text() == str(wanted)
        assert column.locator(".card").count() == min(wanted, 40)


def test_todays_lists_link_to_the_pupils_and_say_where_there_is_nothing(page: Page, drive: Path) -> None:
    visit(page, drive, "#/lists")
    links = page.locator("main tbody a").all()
    assert [link.get_attribute("href") for link in links] == [f"#/pupil/{GIVEN.keys[p]}" for p in (10, 11)]
    assert page.get_by_text("Nobody to phone").is_visible()
    assert page.get_by_text("Call <b>home</b>").is_visible()


def test_a_pupils_page_has_marks_line_why_and_what_was_done(page: Page, drive: Path) -> None:
    visit(page, drive, f"#/pupil/{ON_THE_LADDER}")
    marks = [s for day in board_world.codes(10, GIVEN.derived) for s in day]
    shown = page.locator(".calendar .s:not(.s-none)").all_inner_texts()
    assert sorted(shown) == sorted({"/": "·", "\\": "·", "": "?"}.get(code, code) for code in marks)
    assert page.locator(".why li").count() >= 3
    assert page.locator("svg[role=img] .threshold").count() >= 1
    changes = [e for e in GIVEN.derived.events if e["pupil"] == 10 and e["from_stage"] != e["to_stage"]]
    assert page.locator("svg[role=img] .sign").count() == len(changes) >= 1
    assert page.locator(".decisions > li").count() == len([e for e in GIVEN.derived.events if e["pupil"] == 10])
    page.locator(".decisions summary").first.click()
    assert re.search(
        r"\d+ \w+ 20\d\d [AP]M \w .*register_[\d-]+\.csv, line 12", page.locator(".relied").first.inner_text()
    )
    history = page.locator(".history").inner_text()
    assert "Letter 1 to Mr P Arent: sent" in history
    assert "Phone call, stage 2: Support offered; Housing" in history


def test_every_drawing_says_what_it_shows_and_has_its_figures_beside_it(page: Page, drive: Path) -> None:
    visit(page, drive, "#/charts")
    page.wait_for_selector("svg[role=img]")
    drawings = page.locator("svg[role=img]")
    assert drawings.count() >= 5
    assert all("%" in (drawing.get_attribute("aria-label") or "") for drawing in drawings.all())
    assert page.locator("figure details table").count() == drawings.count()


# ---------------------------------------------------------------- what it must not do


def test_names_that_would_like_to_be_code_stay_names(page: Page, drive: Path) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for row, name in enumerate(board_world.HOSTILE):
        if row != 3:  # left
            visit(page, drive, f"#/pupil/{GIVEN.keys[row]}")
            assert page.evaluate("document.querySelector('h1').textContent").startswith(name)
    visit(page, drive, "#/pupils")
    assert page.evaluate("document.querySelectorAll('main img, main script, main iframe').length") == 0
    assert page.evaluate("typeof pwned") == "undefined"
    assert dialogs == []


def test_nothing_but_the_file_is_read(page: Page, drive: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for view in VIEWS:
        visit(page, drive, view)
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    assert {url.partition("#")[0] for url in asked if url.startswith("file")} == {
        (drive / LEAD / "board" / PAGE).as_uri()
    }


def test_the_browser_refuses_other_scripts_html_from_text_and_requests(browser: Browser, drive: Path) -> None:
    context = browser.new_context()
    opened = visit(context.new_page(), drive)
    opened.evaluate(
        "() => { const s = document.createElement('script'); const t = document.createTextNode('window.other = 1');"
        " s.append(t); document.body.append(s) }"
    )
    with pytest.raises(Error, match="TrustedHTML"):
        opened.evaluate("() => { document.body.innerHTML = '<p>x</p>' }")
    assert opened.evaluate("window.other") is None
    assert opened.locator("main").count() == 1
    refused = opened.evaluate("() => fetch('data:text/plain,x').then(() => 'read', () => 'refused')")
    assert refused == "refused"
    context.close()


# ---------------------------------------------------------------- paper and speed


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("", ("The ladder", "Overdue", "Stage 4")),
        (f"#/pupil/{ON_THE_LADDER}", (GIVEN.names[10][0], "Why", "What was done")),
    ],
)
def test_it_prints(page: Page, drive: Path, view: str, words: tuple[str, ...]) -> None:
    visit(page, drive, view)
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator(".search").is_visible()
    pdf = pypdfium2.PdfDocument(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    text = "".join(pdf[i].get_textpage().get_text_range() for i in range(len(pdf)))
    assert [word for word in words if word not in text] == []
    assert 1 <= len(pdf) <= 6
    assert round(pdf[0].get_width()) == 595  # A4


@pytest.mark.parametrize("view", VIEWS[:-1])
def test_a_class_that_ended_has_every_part_with_nobody_in_it(page: Page, tmp_path: Path, view: str) -> None:
    (tmp_path / "gone/board").mkdir(parents=True)
    (tmp_path / "gone/board" / PAGE).write_bytes(board_files(GIVEN, ["class-9Z"])["class-9Z"][PAGE])
    visit(page, tmp_path, view, audience="gone")
    assert page.locator("main a[href^='#/pupil/']").count() == 0


@pytest.mark.parametrize("day", ["2025-09-02", "2025-09-08"])
def test_the_first_days_of_a_year_have_a_board_too(page: Page, tmp_path: Path, day: str) -> None:
    (tmp_path / "early/board").mkdir(parents=True)
    files = board_files(board_world.board(day=dt.date.fromisoformat(day)))
    (tmp_path / "early/board" / PAGE).write_bytes(files[LEAD][PAGE])
    for view in (*VIEWS[:-1], f"#/pupil/{ON_THE_LADDER}"):
        visit(page, tmp_path, view, audience="early")
        assert "NaN" not in page.locator("main").inner_text()
        assert "undefined" not in page.locator("main").inner_text()


def test_a_school_of_1500_is_there_at_once(browser: Browser, tmp_path: Path) -> None:
    """A second is what it takes at most on a quiet machine (docs/board.md); a busy one is given three."""
    file = tmp_path / PAGE
    file.write_bytes(board_files(board_world.board(1500))[LEAD][PAGE])
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(file.as_uri())
    opened.wait_for_selector(".card")
    took = opened.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    assert took < 3000
    context.close()

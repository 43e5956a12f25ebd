"""A real browser for the tests of pages: one that is on this machine already, or the one that Playwright brought.

Nothing is fetched here. Where there is none, the tests that need it are skipped and say what to install.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

VARIABLE = "BOARD_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge", "chrome")
NONE = (
    "no browser: install Chromium, Chrome or Edge so that it is on the PATH, or run `playwright install chromium`, or "
    f"name one in {VARIABLE}"
)


def installed() -> str | None:
    """The path of a browser of the machine, as told or found."""
    return os.environ.get(VARIABLE) or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless browser, for as long as the context lasts. Skips the test where there is none."""
    with sync_playwright() as play:
        path = installed() or play.chromium.executable_path
        if not Path(path).exists():
            pytest.skip(NONE)
        try:
            browser = play.chromium.launch(executable_path=path)
        except Error as error:
            pytest.skip(f"{NONE} ({path} does not start: {error.message.splitlines()[0]})")
        yield browser
        browser.close()

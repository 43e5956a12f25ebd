"""For modules with a home of their own, `loaded`: a copy of it that a test may change, and the copy opened."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from attendance_pipeline.steps.site import Site, open_site


@pytest.fixture
def home(loaded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(loaded, tmp_path / "home")


@pytest.fixture
def site(home: Path) -> Iterator[Site]:
    with open_site(home) as site:
        yield site

"""The demonstration's home, made once for all tests of commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from demo_homes import LAST_NIGHT, PUPILS, SCHOOLS, Said, attendance

from attendance_pipeline.demo import make
from attendance_pipeline.home import HOME_VARIABLE


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    """A trust of two schools as `attendance demo` leaves it, and what that said. Not to be changed."""
    folder = tmp_path_factory.mktemp("demonstration") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "TODAY", LAST_NIGHT)
        said = attendance("demo", folder, "--pupils", PUPILS, "--schools", len(SCHOOLS))
    return folder, said


@pytest.fixture
def home(demonstration: tuple[Path, Said], tmp_path: Path) -> Path:
    """A copy of the demonstration's home that a test may change."""
    return shutil.copytree(demonstration[0], tmp_path / "home")


@pytest.fixture(autouse=True)
def _no_home_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that a developer works with is not a test's business."""
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)

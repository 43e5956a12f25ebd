"""The demo home that these tests share: new, and with its whole term taken in and done in one night. Copy before use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from nights import night

from attendance_pipeline.demo.make import TODAY, make_demo_home


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A school of forty with every extract of a term and a half still in its inbox."""
    return make_demo_home(tmp_path_factory.mktemp("new") / "home", pupils=40).home


@pytest.fixture(scope="session")
def term_at_once(new_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same home after one night that found all of it."""
    home = shutil.copytree(new_home, tmp_path_factory.mktemp("at_once") / "home")
    night(home, TODAY)
    return home

"""A drive that goes away, or a kill, between two folders of one delivery: the next night delivers the rest, also on
another day."""

from __future__ import annotations

import datetime as dt
import errno
import shutil
from pathlib import Path
from typing import Any

import pytest
from nights import decide, derive, drive, folders, hidden, load, night, recorded_on, school_inbox

from attendance_pipeline import delivery
from attendance_pipeline.home import SETTINGS_FILE
from attendance_pipeline.steps import deliver
from attendance_pipeline.steps.classes import class_lists
from attendance_pipeline.steps.plan import class_lists_due
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.steps.telling import Failed, night_failed

# A Thursday whose letters go to the office and to a class, and the next day.
THURSDAY, NEXT = dt.date(2025, 11, 20), dt.date(2025, 11, 21)


class DriveGone(OSError):
    """What the test's drive says when it is not there."""


@pytest.fixture
def gone_after(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the drive take so many folders, then go away."""
    real = delivery.finish

    def limit(number: int) -> None:
        taken = 0

        def finishing(*arguments: Any, **more: Any) -> Any:
            nonlocal taken
            if taken == number:
                raise DriveGone(errno.ENODEV, "the drive is gone")
            taken += 1
            return real(*arguments, **more)

        monkeypatch.setattr(delivery, "finish", finishing)

    return limit


@pytest.fixture(scope="module")
def thursday(new_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose letter day is Thursday, with that day's letters decided; the next day's extracts are in the inbox."""
    home = shutil.copytree(new_home, tmp_path_factory.mktemp("thursday") / "home")
    settings = home / SETTINGS_FILE
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("[delivery]", '[delivery]\nletter_day = "Thursday"', 1), encoding="utf-8")
    inbox, later = school_inbox(home), home.with_name("later")
    later.mkdir()
    for file in sorted(inbox.iterdir()):
        if recorded_on(file) > THURSDAY:
            file.rename(later / file.name)
    load(home)
    derive(home, THURSDAY)
    decide(home)
    for file in later.iterdir():
        if recorded_on(file) <= NEXT:
            file.rename(inbox / file.name)
    return home


@pytest.mark.parametrize("taken", [1, 3, 7])
def test_class_lists_stay_due_until_every_class_has_its_own(
    thursday: Path, tmp_path: Path, gone_after: Any, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    home, whole = (shutil.copytree(thursday, tmp_path / name) for name in ("home", "whole"))
    with open_site(whole) as site:
        class_lists(site, "a run")
    gone_after(taken)
    with open_site(home) as site, pytest.raises(DriveGone):
        class_lists(site, "a run")
    assert len(folders(home)) == taken < len(folders(whole)) == 8
    monkeypatch.undo()
    with open_site(home) as site:
        assert class_lists_due(site)
        class_lists(site, "another run")
        assert not class_lists_due(site)
    assert drive(home) == drive(whole)


@pytest.mark.parametrize("taken", [0, 1])
def test_a_letter_day_cut_short_is_completed_by_the_night_of_another_day(
    thursday: Path, tmp_path: Path, gone_after: Any, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    home, whole = (shutil.copytree(thursday, tmp_path / name) for name in ("home", "whole"))
    with open_site(whole) as site:
        deliver.letters(site, "a run")
    expected = folders(whole)
    gone_after(taken)
    with open_site(home) as site, pytest.raises(DriveGone):
        deliver.letters(site, "a run")
    assert len(folders(home)) == taken < len(expected) == 2
    monkeypatch.undo()
    night(home, NEXT)
    lies = drive(home)
    wanted = {path: sha for path, sha in drive(whole).items() if f"/{THURSDAY}/letters/" in path}
    assert sum("/class-" in path and path.endswith(".pdf") for path in wanted) == 1
    assert {path: lies.get(path) for path in wanted} == wanted
    assert set(expected) <= set(folders(home))
    assert hidden(home) == []


@pytest.mark.parametrize("taken", [0, 1])
def test_where_each_day_is_a_letter_day_no_letter_lies_in_two_batches(
    thursday: Path, tmp_path: Path, gone_after: Any, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """The batch that was cut short is made whole as it was, and the next day's has what came since."""
    home, whole = (shutil.copytree(thursday, tmp_path / name) for name in ("home", "whole"))
    for each in (home, whole):
        settings = each / SETTINGS_FILE
        settings.write_text(settings.read_text(encoding="utf-8").replace('letter_day = "Thursday"', ""), "utf-8")
    with open_site(whole) as site:
        deliver.letters(site, "a run")
    night(whole, NEXT)
    gone_after(taken)
    with open_site(home) as site, pytest.raises(DriveGone):
        deliver.letters(site, "a run")
    monkeypatch.undo()
    night(home, NEXT)
    assert drive(home) == drive(whole)
    assert hidden(home) == []


def test_a_folder_that_was_taken_away_before_it_had_its_name_is_made_again(
    thursday: Path, tmp_path: Path, gone_after: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, whole = (shutil.copytree(thursday, tmp_path / name) for name in ("home", "whole"))
    with open_site(whole) as site:
        deliver.letters(site, "a run")
    gone_after(0)
    with open_site(home) as site, pytest.raises(DriveGone):
        deliver.letters(site, "a run")
    monkeypatch.undo()
    (one, *_) = hidden(home)
    shutil.rmtree(home / "outbox" / one)
    with open_site(home) as site:
        deliver.letters(site, "another run")
    assert drive(home) == drive(whole)


@pytest.mark.parametrize("other_day", ["Wednesday", "Tuesday"])
def test_another_letter_day_does_not_print_again_what_lies_in_a_later_batch(
    thursday: Path, tmp_path: Path, other_day: str
) -> None:
    home = shutil.copytree(thursday, tmp_path / "home")
    with open_site(home) as site:
        deliver.letters(site, "a run")
    lies = drive(home)
    settings = home / SETTINGS_FILE
    settings.write_text(settings.read_text(encoding="utf-8").replace('"Thursday"', f'"{other_day}"'), encoding="utf-8")
    load(home)
    derive(home, NEXT)
    decide(home)
    with open_site(home) as site:
        (made,) = deliver.letters(site, "another run")
    assert (made.count, made.folders, made.note) == (0, (), "no letter day")
    assert drive(home) == lies


def test_telling_of_a_killed_run_takes_nothing_away_that_waits_for_its_name(
    thursday: Path, tmp_path: Path, gone_after: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = shutil.copytree(thursday, tmp_path / "home")
    files = {audience: {"list.txt": b"what is to do"} for audience in ("attendance-lead", "data-manager")}
    gone_after(0)
    with open_site(home) as site, pytest.raises(DriveGone):
        deliver.put(site, site.schools()[0], 0, "a-list", files, "a run")
    monkeypatch.undo()
    monkeypatch.setattr(delivery, "_waiting", set())  # the run was another process, and has ended
    night_failed(home, [Failed("nightly", "nightly", [("", "the run was killed")])], dt.datetime.now(dt.UTC))
    with open_site(home) as site:
        found = deliver.finish_begun(site, site.schools()[0].id)
    assert [folder.parts[-4] for folder in found] == ["attendance-lead", "data-manager"]
    assert hidden(home) == []

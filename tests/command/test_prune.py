"""`attendance prune` as a person gives it, and killed in the middle: what it says, its exit codes, and that it ends."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys

import pytest
from demo_homes import attendance
from leavers_home import ANN, BEFORE, BEN, DAN_NOW, EVE, GUS, NOBODY, exported, leavers_home, night

from attendance_pipeline.commands import prune
from attendance_pipeline.home import open_home
from attendance_pipeline.law.retention import kept_since, years_kept
from attendance_pipeline.one_at_a_time import alone
from attendance_pipeline.steps.removal import plan_of, unfinished
from attendance_pipeline.steps.removal_drive import JOURNAL
from attendance_pipeline.steps.site import open_site

TODAY = dt.date(2027, 1, 10)
SCRIPT = """
import datetime as dt, sys
from attendance_pipeline.home import open_home
from attendance_pipeline.one_at_a_time import alone
from attendance_pipeline.steps.removal import plan_of, remove, unfinished
from attendance_pipeline.steps.site import open_site
day = dt.date.fromisoformat
print("ready", flush=True)
# As the command does, which clears away what a killed run left unfinished.
with alone(open_home(sys.argv[1]), "prune"), open_site(sys.argv[1]) as site:
    begun = unfinished(site) or plan_of(site, day(sys.argv[2]), day(sys.argv[3]))
    done = remove(site, begun, day(sys.argv[3]), lambda text: print(text, flush=True))
print("proved" if done.is_proved else "left", done.tables, done.files.rows, flush=True)
"""


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A home after some nights, before anybody was removed; tests work on copies."""
    home = leavers_home(tmp_path_factory.mktemp("prune") / "home")
    night(home, dt.date(2026, 7, 3))
    return home


@pytest.fixture
def home(ready, tmp_path, monkeypatch):
    monkeypatch.setattr(prune, "today", lambda: TODAY)
    return shutil.copytree(ready, tmp_path / "home")


def tree(home):
    return {p.relative_to(home): p.read_bytes() for p in home.rglob("*") if p.is_file() and "at-work" not in p.name}


def test_a_dry_run_says_it_all_and_changes_nothing(home):
    before = exported(home)
    said = attendance("prune", "--home", home, "--before", BEFORE, "--dry-run")
    assert said.code == 0
    assert "WOULD BE REMOVED (nothing was changed)" in said.out
    assert "oakfield: 5 pupils whose last day was before 2026-07-01" in said.out
    assert "LESS THAN 6 YEARS OLD: 5 of these pupils" in said.out and "choose an earlier day" in said.out
    assert exported(home) == before and not (home / "state" / JOURNAL).exists()
    told = json.loads(attendance("prune", "--home", home, "--before", BEFORE, "--dry-run", "--json").out)
    assert told["pupils"]["oakfield"]["removed"] == 5 and told["kept_extracts"]["rows"] > 0


def test_it_removes_and_says_what_a_person_has_to_look_at(home):
    said = attendance("prune", "--home", home, "--before", BEFORE)
    assert said.code == 1, said.err
    assert "Nothing that the program keeps or delivered names one of them any more" in said.out
    assert "Rows about somebody else name one of them" in said.out
    assert "Quillfeather" not in said.out + said.err
    again = attendance("prune", "--home", home, "--before", BEFORE)
    assert (again.code, again.out) == (
        0,
        "Nobody left before 2026-07-01: nothing to remove, and nothing was changed.\n",
    )
    assert attendance("subject-access", BEN, "--home", home).code == 2
    assert attendance("nightly", "--home", home, "--date", "2026-07-03").code in (0, 1)


def test_what_the_program_keeps_and_could_not_clean_is_named_until_it_is_gone(home):
    log = home / "state" / "dagster" / "logs" / "some.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"a line that should not be there: {BEN}")
    said = attendance("prune", "--home", home, "--before", BEFORE)
    assert said.code == 3
    assert "NOT FINISHED" in said.out and "state/dagster/logs/some.log" in said.out
    with open_site(home) as site:
        assert unfinished(site) is not None
    log.unlink()
    again = attendance("prune", "--home", home, "--before", BEFORE)
    assert "Going on with the removal" in again.err and "Nothing that the program keeps" in again.out
    assert again.code == 1, "what a person has to look at is still there"
    assert not (home / "state" / JOURNAL).exists()


WHOM = {
    "one who left": (BEN, {"oakfield": 1}),
    "one under the UPN of later": (DAN_NOW, {"oakfield": 1}),
    "one who never was on roll": (NOBODY, {"oakfield": 1}),
    "one who stays": (ANN, {}),
    "one who left later": (GUS, {}),
}


@pytest.mark.parametrize("case", WHOM)
def test_whom_the_option_pupil_means(ready, case):
    upn, removed = WHOM[case]
    with open_site(ready) as site:
        assert {one.school: one.pupils for one in plan_of(site, BEFORE, TODAY, upn).schools} == removed


def test_one_pupil_alone_who_went_on_to_the_other_school(home):
    refused = attendance("prune", "--home", home, "--before", BEFORE, "--pupil", ANN)
    assert refused.code == 2 and "the register has to be kept" in refused.err
    before = exported(home)
    said = attendance("prune", "--home", home, "--before", BEFORE, "--pupil", EVE.lower(), "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert {school: n["removed"] for school, n in told["pupils"].items()} == {"oakfield": 1} and told["proved"]
    after = exported(home)
    for name in ("register", "stages", "measures"):
        assert after[name] == [x for x in before[name] if not (EVE in x and "oakfield" in x)]
        assert any(EVE in x for x in after[name]), "elmbrook keeps what is its own"


def test_a_day_to_come_and_a_home_at_work_are_refused(home, monkeypatch):
    assert attendance("prune", "--home", home, "--before", TODAY + dt.timedelta(days=1)).code == 2
    monkeypatch.setattr("attendance_pipeline.one_at_a_time.WAIT_SECONDS", 0)
    waiting = "import sys; from attendance_pipeline.home import open_home\n"
    waiting += "from attendance_pipeline.one_at_a_time import alone\n"
    waiting += "with alone(open_home(sys.argv[1]), 'nightly'):\n    print('in', flush=True)\n    sys.stdin.read()\n"
    other = subprocess.Popen([sys.executable, "-c", waiting, home], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(Exception, match="at work"), alone(open_home(home), "prune", wait=0.1):
            pass
    finally:
        other.stdin.close()
        other.wait(timeout=30)


def test_killed_at_any_moment_the_next_run_ends_it(home, ready, tmp_path):
    whole = shutil.copytree(ready, tmp_path / "whole")
    arguments = [sys.executable, "-c", SCRIPT]
    days = [BEFORE.isoformat(), TODAY.isoformat()]
    subprocess.run([*arguments, whole, *days], check=True, capture_output=True, timeout=120)
    kills, wait = 0, 0.05
    while True:
        process = subprocess.Popen([*arguments, home, *days], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        try:
            process.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
            wait *= 1.6
            continue
        break
    assert process.returncode == 0 and "proved" in process.stdout.read()
    assert kills >= 4
    assert exported(home) == exported(whole)
    with open_site(home) as site:
        assert unfinished(site) is None
    one, other = ({k: len(v) for k, v in tree(h).items() if "extracts" in str(k)} for h in (home, whole))
    assert one == other


def test_what_a_killed_removal_had_half_written_down_does_not_stay(home):
    """Whom it is about is written first; killed there, a file of another name holds it."""
    half = home / "state" / f".{JOURNAL}.{os.getppid()}"
    half.write_text(f'[["{BEN}"')
    assert attendance("prune", "--home", home, "--before", BEFORE).code == 1
    assert not half.exists()


LAW = {"2024-08-18": 3, "2024-08-19": 6, "2032-02-29": 6}


@pytest.mark.parametrize("day", LAW)
def test_for_how_long_entries_are_kept(day):
    assert years_kept(dt.date.fromisoformat(day)) == LAW[day]


def test_since_when_entries_are_kept():
    assert kept_since(dt.date(2033, 1, 10)) == dt.date(2027, 1, 10)
    assert kept_since(dt.date(2032, 2, 29)) == dt.date(2026, 2, 28)

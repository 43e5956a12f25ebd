"""Pupils who left are removed from everything; what is left of others is what it was; on SQLite and PostgreSQL."""

import datetime as dt
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from leavers_home import (
    ANN,
    BEFORE,
    BEN,
    CAT,
    DAN,
    DAN_NOW,
    EVE,
    GONE,
    HAL,
    NOBODY,
    drop,
    exported,
    leavers_home,
    night,
)

from attendance_pipeline.mis.inbox import kept_path, tombstone_path
from attendance_pipeline.steps.find_pupil import find_pupils
from attendance_pipeline.steps.intake import corrected_days, day_versions
from attendance_pipeline.steps.readable import readable
from attendance_pipeline.steps.removal import plan_of, rehearse, remove, unfinished
from attendance_pipeline.steps.removal_drive import JOURNAL
from attendance_pipeline.steps.restate import restate
from attendance_pipeline.steps.site import open_site

TODAY = dt.date(2033, 1, 10)
LAST_NIGHT = dt.date(2026, 7, 3)
ORDER = ("register", "pupils", "contacts")


class World:
    """A home, and what it said before and after a removal."""

    def __init__(self, folder: Path, database: str):
        self.home = leavers_home(folder, database)
        self.received = {
            hashlib.sha256(f.read_bytes()).hexdigest(): f.read_bytes() for f in (self.home / "inbox").rglob("*.csv")
        }
        later = [f for f in (self.home / "inbox").rglob("*.csv") if f.stem.split("_")[1] > str(LAST_NIGHT)]
        for file in later:
            file.rename(folder.parent / f"{file.parent.name} {file.name}")
        night(self.home, dt.date(2026, 6, 17))
        night(self.home, LAST_NIGHT)
        (self.home / "outbox" / "oakfield" / "office" / "my notes.txt").write_text("Ring about Ben Quillfeather")
        self.before = exported(self.home)
        self.letters = {p.stem: p for p in (self.home / "outbox").rglob("*.pdf")}
        with open_site(self.home) as site:
            self.days_before = day_versions(site)
            self.dry = rehearse(site, plan_of(site, BEFORE, TODAY))
        self.unchanged = exported(self.home) == self.before and unfinished(site) is None
        with open_site(self.home) as site:
            self.done = remove(site, plan_of(site, BEFORE, TODAY), TODAY, lambda text: None)
        self.after = exported(self.home)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("leavers") / "home"
    if request.param == "sqlite":
        return World(folder, "sqlite:///state/warehouse.db")
    from warehouses import _new_database

    server = request.getfixturevalue("postgres_server")
    url = _new_database(server, "template_warehouse")._replace(password=None)  # a home's settings hold none
    return World(folder, url.render_as_string(hide_password=False))


def without(lines, gone=GONE):
    """The lines that name none of these; EVE's at oakfield go as well."""
    return [x for x in lines if not any(u in x for u in gone) and not (EVE in x and "oakfield" in x)]


def test_who_left_before_the_day(world):
    told = {one.school: (one.pupils, dict(one.why)) for one in world.done.plan.schools}
    assert told == {"oakfield": (5, {"left": 3, "no extract names them any more": 1, "never on roll": 1})}
    (one,) = world.done.plan.schools
    assert set(one.names) == GONE | {EVE}
    assert one.elsewhere.upns == {EVE}, "she goes on at elmbrook"


def test_the_rehearsal_changes_nothing_and_says_what_comes(world):
    assert world.unchanged
    # Why rows were set aside goes with the kept file, before the tables' turn comes.
    dry, done = ({k: n for k, n in d.tables.items() if k != "quarantine and notes"} for d in (world.dry, world.done))
    assert dry == done
    assert (world.dry.files.rows, world.dry.files.rewritten) == (world.done.files.rows, world.done.files.rewritten)
    assert (world.dry.delivered.rows, world.dry.delivered.removed) == (
        world.done.delivered.rows,
        world.done.delivered.removed,
    )
    assert world.done.tables["letter"] and world.done.tables["lesson_page"] and world.done.tables["derived_page"]


@pytest.mark.parametrize(
    "table", ["amendments", "measures", "stages", "stage_events", "penalty_notices", "letters", "tasks", "register"]
)
def test_rows_of_others_are_what_they_were(world, table):
    assert any(BEN in x or EVE in x or DAN_NOW in x for x in world.before[table]), "the table had rows of those who go"
    assert world.after[table] == without(world.before[table])


def test_group_figures_that_were_published_stand(world):
    assert world.after["groups"] == world.before["groups"]


def test_rows_of_the_quarantine_go_with_their_line(world):
    assert any("not a date" in x or "date" in x.casefold() for x in world.before["quarantine"])
    assert len(world.after["quarantine"]) < len(world.before["quarantine"])
    assert set(world.after["quarantine"]) <= set(world.before["quarantine"])


def test_nothing_that_the_program_keeps_names_them(world):
    assert world.done.is_proved
    assert (world.done.left.ours, world.done.in_tables) == ([], [])
    pattern = re.compile(
        "|".join([*GONE, "Ben Quillfeather", "Quillfeather, Ben", "Umberslade", "Hal Netherby", "Netherby, Hal"])
    )
    found = {
        p.relative_to(world.home).as_posix()
        for p in world.home.rglob("*")
        if p.is_file() and pattern.search(readable(p.name, p.read_bytes()))
    }
    # Ann's own entry of the log mentions him; somebody's own notes are somebody's own.
    of_ann = {p for p in found if p.startswith("state/extracts/") or p.endswith("warehouse.db")}
    assert found - of_ann == {"outbox/oakfield/office/my notes.txt"}
    assert len(of_ann) <= 2
    assert world.done.left.theirs == ["outbox/oakfield/office/my notes.txt"]
    assert [lines for _, lines in world.done.files.named_by_others.values()] == [(3,)]
    assert world.done.needs_a_person


def test_the_database_holds_no_number_of_theirs(world):
    with open_site(world.home) as site:
        for pupil in (BEN, DAN, DAN_NOW, HAL, NOBODY):
            assert find_pupils(site, pupil, site.schools()) == []
        assert [p.school.id for p in find_pupils(site, EVE, site.schools())] == ["elmbrook"]
        assert [p.school.id for p in find_pupils(site, CAT, site.schools())] == ["oakfield"]


def test_kept_files_keep_every_other_line_in_its_place_with_a_tombstone(world):
    kept, rewritten = world.home / "state" / "extracts", 0
    for sha, data in world.received.items():
        path = kept_path(kept, sha)
        if not path.exists():
            continue  # its night has not come
        before, after = data.decode().splitlines(), path.read_text().splitlines()
        if not tombstone_path(kept, sha).exists():
            continue
        rewritten += 1
        told = json.loads(tombstone_path(kept, sha).read_text())
        assert (told["received_sha256"], told["kept_sha256"]) == (sha, hashlib.sha256(path.read_bytes()).hexdigest())
        assert told["rows_taken_out"] == sum(1 for x in after if not x)
        for was, now in zip(before, after, strict=True):
            assert now == "" or now.split(",")[:3] == was.split(",")[:3]
            if any(u in was for u in GONE):
                assert now == ""
    assert rewritten == world.done.files.rewritten > 5


def test_what_was_taken_out_on_the_drive_is_told_beside_it(world):
    told = list((world.home / "outbox").rglob("removed.json"))
    assert told
    for file in told:
        listed = {f["name"]: f["sha256"] for f in json.loads((file.parent / "manifest.json").read_text())["files"]}
        if file.parent.name == "board":
            continue  # made anew since
        for name, of_file in json.loads(file.read_text())["files"].items():
            assert of_file["sha256"] == listed[name]
            there = file.parent / name
            has = hashlib.sha256(there.read_bytes()).hexdigest() if there.exists() else ""
            assert of_file["instead"] == has


def test_letters_of_others_lie_where_they_lay_though_a_parent_who_goes_signed_them(world):
    of_others = {x.split(",")[0] for x in world.after["letters"][1:]} & world.letters.keys()
    of_those = {
        x.split(",")[0] for x in world.before["letters"][1:] if any(u in x for u in GONE)
    } & world.letters.keys()
    assert of_others and of_those
    assert all(world.letters[reference].exists() for reference in of_others)
    assert not any(world.letters[reference].exists() for reference in of_those)
    signed = [readable("x.pdf", world.letters[reference].read_bytes()) for reference in of_others]
    assert any("Jo Netherby" in text for text in signed)


def test_the_proof_lies_with_the_data_manager_and_names_nobody(world):
    (page,) = (world.home / "outbox" / "oakfield" / "data-manager").rglob("removal.txt")
    text = page.read_text()
    assert "5 pupils of this school" in text and "names one of them any more" in text
    (kept,) = (world.home / "state" / "removals").iterdir()
    assert json.loads(kept.read_text())["proved"] is True
    assert not re.search("Quillfeather|" + "|".join(GONE), text + kept.read_text())


def test_no_day_is_due_or_corrected_and_nothing_is_proposed_again(world, tmp_path):
    with open_site(world.home) as site:
        assert corrected_days(site) == []
        assert day_versions(site) == world.days_before
    days, proposed = night(world.home, LAST_NIGHT)
    assert days == []
    assert [(p.new, p.moved) for p in proposed] == [(0, 0), (0, 0)]
    assert exported(world.home) == world.after


def test_days_derived_again_give_what_they_gave(world):
    with open_site(world.home) as site:
        days = [s.calendar.date(i) for s in site.schools()[:1] for i in range(24)]
        restate(site, days, ("measures", "groups", "stages", "stage_events", "penalty_notices"))
    assert exported(world.home) == world.after


def test_a_second_removal_finds_nobody(world):
    with open_site(world.home) as site:
        assert plan_of(site, BEFORE, TODAY).schools == ()


def test_the_same_file_dropped_again_is_not_loaded_again(world):
    data = next(d for d in world.received.values() if b"Umberslade" in d and b"Admission" in d)
    file = drop(world.home, "pupils_2026-06-01_again.csv", "x", [])
    file.write_bytes(data)
    from attendance_pipeline.steps.intake import take_in

    with open_site(world.home) as site:
        result = take_in(site, settle_seconds=0)[0]
    assert result.loaded == () and not file.exists()
    assert any("were removed since" in note for note in result.busy)
    assert exported(world.home) == world.after


def test_what_comes_later_goes_on_and_a_pupil_who_comes_back_is_new(world):
    for file in world.home.parent.glob("oakfield register_*.csv"):
        shutil.move(file, world.home / "inbox" / "oakfield" / file.name.removeprefix("oakfield "))
    header = "UPN,Admission Number,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date,FSM"
    row = f"{BEN},A002,Ben,Quillfeather,2015-05-02,5,5A,2026-07-06,,N"
    drop(world.home, "pupils_2026-07-06.csv", header, [row])
    days = ["2026-07-06", "2026-07-07"]
    drop(world.home, "register_2026-07-07.csv", "UPN,Date,Session,Code,Minutes Late,Comment", [
        f"{BEN},{d},{s},{c},," for d in days for s, c in (("AM", "/"), ("PM", "\\"))
    ])  # fmt: skip
    night(world.home, dt.date(2026, 7, 17))
    now = exported(world.home)
    of_ben = [x for x in now["stages"] if BEN in x]
    assert of_ben and all(x.split(",")[2] >= "2026-07-06" for x in of_ben)
    assert [x for x in now["groups"] if x.split(",")[1] <= str(LAST_NIGHT)] == [
        x for x in world.after["groups"] if x.split(",")[1] <= str(LAST_NIGHT)
    ]
    assert any(ANN in x and "2026-07-17" in x for x in now["stages"])


def test_nothing_under_way_is_left(world):
    assert not (world.home / "state" / JOURNAL).exists()

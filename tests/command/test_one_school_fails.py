"""One school's bad night holds only itself: the others have all of theirs, it is said, and the next night heals it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from demo_homes import LAST_NIGHT, SCHOOLS, attendance, drop_next_day, pupils_named, table, tree

from attendance_pipeline.home import open_home
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.steps.troubles import open_troubles
from attendance_pipeline.store.tables import marks_page

WELL, FAILS = SCHOOLS
OF_THE_RUN = "manifest.json|this-morning"  # these name runs and times
TABLES = ("measures", "groups", "stages", "stage_events", "penalty_notices", "letters", "tasks")


def a_warehouse_that_takes_no_extract_of_it(home: Path) -> Callable[[], object]:
    """A row that the warehouse refuses: the school's extracts cannot be taken in."""
    engine = sa.create_engine(open_home(home).database_url)
    refuse = f"when new.school = '{FAILS}' begin select raise(abort, 'refused'); end"
    with engine.begin() as conn:
        conn.exec_driver_sql(f"create trigger refuse before insert on extract {refuse}")

    def mend() -> None:
        with engine.begin() as conn:
            conn.exec_driver_sql("drop trigger refuse")
        engine.dispose()

    return mend


def a_damaged_page_of_marks(home: Path) -> Callable[[], object]:
    """What is stored of one day of the school's marks is no page any more: its register cannot be read."""
    engine = sa.create_engine(open_home(home).database_url)
    c = marks_page.c
    with engine.begin() as conn:
        one = conn.execute(sa.select(marks_page).where(c.school == FAILS).order_by(c.day.desc()).limit(1)).one()
        which = (c.school == FAILS, c.day == one.day, c.sha256 == one.sha256)
        conn.execute(sa.update(marks_page).where(*which).values(page=b"damaged"))

    def mend() -> None:
        with engine.begin() as conn:
            conn.execute(sa.update(marks_page).where(*which).values(page=one.page))
        engine.dispose()

    return mend


def a_file_for_its_folder_on_the_drive(home: Path) -> Callable[[], object]:
    """The school's folder on the drive is no folder any more: nothing can be delivered to it."""
    folder, aside = home / "outbox" / FAILS, home / "outbox" / "aside"
    folder.rename(aside)
    folder.write_bytes(b"")
    return lambda: (folder.unlink(), aside.rename(folder))


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (a_warehouse_that_takes_no_extract_of_it, "taking in the extracts failed (IntegrityError in "),
        (a_damaged_page_of_marks, "taking in the extracts failed (these bytes are not a page"),
        (a_file_for_its_folder_on_the_drive, "delivering letters failed (the shared drive at"),
    ],
    ids=["a row refused", "a damaged page", "its folder on the drive"],
)
def test_one_schools_bad_night_holds_only_itself_and_the_next_heals_it(
    home: Path, break_it: Callable[[Path], Callable[[], object]], words: str
) -> None:
    monday = drop_next_day(home)
    calm = shutil.copytree(home, home.with_name("calm"))
    before = tree(home / "outbox" / FAILS)
    mend = break_it(home)

    said, never_failed = attendance("nightly", "--home", home), attendance("nightly", "--home", calm)

    assert said.code == 3
    head, line = said.last_lines
    assert head == "1 of 2 schools failed; the others are done. The next night tries again:"
    assert line.startswith(f"  Elmbrook Primary School: {words}"), line
    assert pupils_named(home, said.out + said.err) == 0
    assert never_failed.code in (0, 1)
    # The other school has what it would have had.
    for name in TABLES:
        assert table(home, name, "--school", WELL).equals(table(calm, name, "--school", WELL)), name
    assert tree(home / "outbox" / WELL, without=OF_THE_RUN) == tree(calm / "outbox" / WELL, without=OF_THE_RUN)
    if (home / "outbox" / FAILS).is_dir():
        assert "letters" not in {
            p.split("/")[3] for p in set(tree(home / "outbox" / FAILS)) - set(before) if "office" in p
        }

    # Dagster says so at the end of the run, and of nothing else.
    with dg.DagsterInstance.from_config(str(home / "state" / "dagster")) as instance:
        (nightly,) = instance.get_runs(filters=dg.RunsFilter(job_name="nightly"), limit=1)
        failed = [e.step_key for e in instance.all_logs(nightly.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)]
    assert nightly.status == dg.DagsterRunStatus.FAILURE
    assert failed == ["every_school_well"]

    mend()
    healed = attendance("nightly", "--home", home)
    assert healed.code in (0, 1), healed.last_lines
    assert "failed" not in healed.out
    with open_site(home) as site:
        assert open_troubles(site) == []
    for name in TABLES:
        assert table(home, name).equals(table(calm, name)), name
    assert tree(home / "outbox", without=OF_THE_RUN) == tree(calm / "outbox", without=OF_THE_RUN)
    assert monday > LAST_NIGHT

"""A removal that would change what somebody else's register says is refused before anything is done."""

import datetime as dt

import pytest
from leavers_home import ANN, BEN, drop, exported, leavers_home

from attendance_pipeline.mis.inbox import tombstone_path
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.removal import RemovalRefused, plan_of, remove, unfinished
from attendance_pipeline.steps.site import open_site

TODAY = dt.date(2033, 1, 10)
PUPILS = "UPN,Admission Number,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date,FSM"
REGISTER = "UPN,Date,Session,Code,Minutes Late,Comment"


@pytest.fixture
def two_in_a_class(tmp_path):
    """A school with complete registers and a class of two. The second register of 2 June names Ben alone: half of the
    class, so that Ann's mark of that morning is withdrawn. Ben has left since."""
    home = leavers_home(tmp_path / "home", mode="complete")
    for file in (home / "inbox").rglob("*.csv"):
        file.unlink()
    pupils = [f"{ANN},A1,Ann,Orchardson,2015-05-01,5,5A,2020-09-01,,N"]
    drop(
        home, "pupils_2026-06-01.csv", PUPILS, [*pupils, f"{BEN},A2,Ben,Quill,2015-05-02,5,5A,2020-09-01,2026-06-05,N"]
    )
    drop(home, "register_2026-06-02.csv", REGISTER, [f"{u},2026-06-02,AM,/,," for u in (ANN, BEN)])
    drop(home, "register_2026-06-03.csv", REGISTER, [f"{BEN},2026-06-02,AM,O,,"])
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
    return home


def test_it_is_refused_and_nothing_was_done(two_in_a_class):
    home = two_in_a_class
    before = exported(home)
    assert not any(ANN in x and x.endswith("/") for x in before["register"]), "her mark is withdrawn"
    with open_site(home) as site:
        plan = plan_of(site, dt.date(2026, 7, 1), TODAY)
        assert [one.pupils for one in plan.schools] == [1]
        with pytest.raises(RemovalRefused, match="somebody else would read otherwise"):
            remove(site, plan, TODAY, lambda text: None)
        assert unfinished(site) is None
    assert exported(home) == before
    assert not list((home / "state" / "extracts").rglob(tombstone_path(home, "*").name))

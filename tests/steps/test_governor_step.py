"""Governor reports of a home with several schools, one of which is not as the others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pypdfium2
from demo_homes import demo_home

from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.steps import deliver
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.steps.troubles import TAKE_IN, each_school

HALF_TERM, ENDS = "2025-26-autumn-1", dt.date(2025, 10, 23)


def test_a_trust_does_not_wait_for_a_school_without_marks_and_says_so(tmp_path: Path) -> None:
    home = demo_home(tmp_path / "home", ENDS, pupils=30, schools=3)
    for file in (home / "inbox" / "ashmere").iterdir():
        file.unlink()
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
        restate(site, due_days(site, ENDS), TABLES)
        made = {m.school: m for m in deliver.governors(site, HALF_TERM, "a run")}
    assert made.keys() == {"oakfield", "elmbrook", "oakfield-trust"}
    (folder,) = made["oakfield-trust"].folders
    with pypdfium2.PdfDocument(folder / "governor-report.pdf") as pdf:
        words = " ".join(pdf[0].get_textpage().get_text_bounded().split())
    assert "2 schools together" in words
    assert "Ashmere Primary School has no marks yet, and is not in the figures of the trust." in words


def test_a_trust_waits_for_schools_that_failed_however_many_they_are(tmp_path: Path) -> None:
    home = demo_home(tmp_path / "home", ENDS, pupils=30, schools=4)
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
        restate(site, due_days(site, ENDS), TABLES)
        bad = {school.id for school in site.schools()[:2]}
        each_school(site, TAKE_IN, lambda school: {id: id for id in site.home.school_ids if id not in bad}[school.id])
        made = {m.school: m for m in deliver.governors(site, HALF_TERM, "a run")}
        assert made["oakfield-trust"].note == "waits for two schools"
        assert made["oakfield-trust"].folders == ()
        assert len(made) == 3, "the others have their reports"
        each_school(site, TAKE_IN, lambda school: None)
        made = {m.school: m for m in deliver.governors(site, HALF_TERM, "another run")}
    assert len(made["oakfield-trust"].folders) == 1

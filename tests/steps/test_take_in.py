"""Taking in what a school's column map and settings say it writes."""

import datetime as dt
import os

from school_files import ANN

from attendance_pipeline.home import init_home, open_home
from attendance_pipeline.register.export import register_frame
from attendance_pipeline.register.roll import current_interventions, current_notifications
from attendance_pipeline.running import Outcome
from attendance_pipeline.said import said
from attendance_pipeline.steps.intake import has_inbox, left_in_inbox, take_in
from attendance_pipeline.steps.site import Site

MAP = """
[register]
blank = "not entered"
columns = { UPN = "Unique Pupil No", Date = "Session", Code = "Mark" }
file_name = "Marks (?P<date>.*)[.]csv"
[[register.codes]]
map = { Ill = "I", "?" = "J1" }
"""


def test_a_school_with_a_column_map(tmp_path):
    path = init_home(tmp_path / "home")
    (path / "mis" / "arbor.toml").write_text(MAP)
    settings = path / "attendance.toml"
    text = settings.read_text()
    assert 'mis = "native"' in text
    text = text.replace('mis = "native"', 'mis = "mis/arbor.toml"')
    settings.write_text(text + '\n[schools.code_map]\n"?" = "Y2"\n')
    inbox = path / "inbox" / "example"
    (inbox / "pupils_2025-09-01.csv").write_text(
        f"UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date\n{ANN},A,L,2016-01-01,5,5A,2020-09-01\n"
    )
    rows = ["05 Jan 2026 AM,Ill", "05 Jan 2026 PM,?", "06 Jan 2026 AM,"]
    (inbox / "Marks 2026-01-06.csv").write_text(
        "Unique Pupil No,Session,Mark\n" + "".join(f"{ANN},{row}\n" for row in rows)
    )
    with Site(open_home(path)) as site:
        site.warehouse.upgrade()
        (result,) = take_in(site, settle_seconds=0)
        assert (result.refused, result.not_taken, result.marks_new) == ((), (), 2)
        with site.warehouse.read() as conn:
            frame = register_frame(conn, "example", as_at=dt.date(2026, 1, 6))
    assert [f"{r.date} {r.session} {r.code}" for r in frame.itertuples()] == ["2026-01-05 AM I", "2026-01-05 PM Y2"]


def test_a_log_that_is_read_where_it_is_kept(tmp_path):
    """Night after night the same file: what is added, edited and taken out counts, and the file stays."""
    path = init_home(tmp_path / "home")
    settings = path / "attendance.toml"
    more = 'intervention_log = "office/Our log.csv"\nlog_extracts = "complete"\ncalendar ='
    settings.write_text(settings.read_text().replace("calendar =", more, 1))
    log = path / "office" / "Our log.csv"
    log.parent.mkdir()
    saved = dt.datetime(2026, 1, 5, 16, 30)
    nights = [
        ([], 0, []),
        (["2026-01-05,hold", "2026-01-05,phone_call"], 1, ["hold", "phone_call"]),
        (["2026-01-05,hold", "2026-01-05,phone_call"], 0, ["hold", "phone_call"]),  # nobody has touched it
        (["2026-01-05,hold"], 1, ["hold"]),
        (["2026-01-05,hold", "2026-01-06,release"], 1, ["hold", "release"]),
    ]
    with Site(open_home(path)) as site:
        site.warehouse.upgrade()
        for number, (rows, loaded, actions) in enumerate(nights):
            if rows:
                log.write_text("UPN,Date,Action\n" + "".join(f"{ANN},{row}\n" for row in rows))
                changed = saved + dt.timedelta(minutes=number if loaded else number - 1)
                os.utime(log, (changed.timestamp(), changed.timestamp()))
            (result,) = take_in(site, settle_seconds=0)
            assert (len(result.loaded), result.stayed) == (loaded, ())
            assert len(result.busy) == (number == 0)
            with site.warehouse.read() as conn:
                found = current_interventions(conn, "example")
            assert found["action"].tolist() == actions
            assert log.exists() == (number > 0)
    assert set(found["extract"].str[:24]) == {"interventions_2026-01-05"}


def test_reasons_are_kept_where_the_settings_say_so(tmp_path):
    for number, kept in enumerate([False, True]):
        path = init_home(tmp_path / f"home{number}")
        settings = path / "attendance.toml"
        if kept:
            settings.write_text(settings.read_text().replace("calendar =", "keep_reasons = true\ncalendar =", 1))
        (path / "inbox" / "example" / "notifications_2026-01-05.csv").write_text(
            f"Submitted,UPN,Pupil Name,First Date,Last Date,Reason,Evidence\n2026-01-05,{ANN},,2026-01-05,,unwell,\n"
        )
        with Site(open_home(path)) as site:
            site.warehouse.upgrade()
            take_in(site, settle_seconds=0)
            with site.warehouse.read() as conn:
                assert ("reason" in current_notifications(conn, "example")) is kept


def test_what_is_left_in_the_inboxes_is_counted_and_said(tmp_path):
    path = init_home(tmp_path / "home")
    for name in ("interventions_2026-01-05.xlsx", "marks.csv", "~$interventions_2026-01-05.xlsx", "x.csv.part"):
        (path / "inbox" / "example" / name).write_bytes(b"")
    home = open_home(path)
    assert left_in_inbox(home) == 2
    last = said(home, Outcome(left_in_inbox=2)).splitlines()[-1]
    assert last.startswith("2 files left in the inbox, open or not to be taken: tried again next time")
    assert "left in the inbox" not in said(home, Outcome())


def test_an_inbox_that_is_not_there_is_said(tmp_path):
    path = init_home(tmp_path / "home")
    home = open_home(path)
    school = home.school("example")
    assert has_inbox(school)
    school.inbox.rmdir()
    assert not has_inbox(school)
    school.inbox.write_bytes(b"somebody saved a file under this name")
    assert not has_inbox(school)
    assert f"has no inbox: nothing can come. {school.inbox} is no folder" in said(home, Outcome(no_inbox=("example",)))

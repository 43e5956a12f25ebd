"""Taking in what a school's column map and settings say it writes."""

import datetime as dt

from school_files import ANN

from attendance_pipeline.home import init_home, open_home
from attendance_pipeline.register.export import register_frame
from attendance_pipeline.steps.intake import take_in
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

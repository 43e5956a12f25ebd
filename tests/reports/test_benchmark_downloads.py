"""A newer download of published attendance: what is taken, what is refused and with which words, and where it is kept."""

from __future__ import annotations

import datetime as dt
import gzip
from importlib.resources import files
from pathlib import Path

import pytest

from attendance_pipeline.cli import main
from attendance_pipeline.home import init_home, open_home
from attendance_pipeline.reports.benchmarks import Benchmarks, NotADownload, bundled_rows, newer_rows, read_download
from attendance_pipeline.steps import benchmarks

LEEDS = "E08000035"
HEADER = (
    "time_period,time_identifier,geographic_level,region_code,region_name,new_la_code,la_name,education_phase,"
    "time_frame,attendance_date,attendance_perc,authorised_absence_perc,unauthorised_absence_perc,pa_perc"
)


def line(
    year: str = "202627", level: str = "National", region: str = ",", authority: str = ",", phase: str = "Primary",
    frame: str = "Year to date", day: str = "2026-09-11", shares: str = "96.5,2.4,1.1", pa: str = "z",
) -> str:  # fmt: skip
    return f"{year},Academic year,{level},{region},{authority},{phase},{frame},{day},{shares},{pa}"


def download(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines]).encode()


NEW = download(
    line(),
    line(level="Regional", region="E12000003,Yorkshire and The Humber", shares="96.1,2.6,1.3"),
    line(
        level="Local authority", region="E12000003,Yorkshire and The Humber", authority=f"{LEEDS},Leeds", shares="c,c,c"
    ),
    line(phase="Total", shares="95.4,3.0,1.6"),
    line(frame="Week", day="2026-09-11", shares="10,80,10"),  # of one week: not the year to date
)


def test_dfes_own_columns_are_understood_and_this_years_figure_takes_the_place_of_last_years() -> None:
    rows = read_download(NEW)
    assert [(r["level"], r["phase"], r["attendance_percent"]) for r in rows] == [
        ("national", "Primary", "96.50"),
        ("region", "Primary", "96.10"),
        ("local authority", "Primary", "c"),
        ("national", "All", "95.40"),
    ]
    day = dt.date(2026, 9, 18)
    before = Benchmarks(bundled_rows()).compare(day, "Primary", LEEDS)
    after = Benchmarks(newer_rows(bundled_rows(), rows)).compare(day, "Primary", LEEDS)
    assert (before.this_year, before.national and before.national.data_to) == (False, dt.date(2025, 9, 12))
    assert (after.this_year, after.national and after.national.data_to) == (True, dt.date(2026, 9, 11))
    assert [p.area for p in after.areas] == ["England", "Yorkshire and The Humber"]  # Leeds is suppressed


def test_the_bundled_layout_is_read_as_it_is() -> None:
    packed = files("attendance_pipeline.reports").joinpath("data", "dfe-attendance-by-fortnight.csv.gz").read_bytes()
    rows = read_download(gzip.decompress(packed))
    assert len(rows) == 13_587
    assert newer_rows(bundled_rows(), rows) == newer_rows(bundled_rows(), [])


def test_a_file_that_does_not_say_its_day_is_told_it() -> None:
    header = HEADER.replace("attendance_date,", "")
    content = download(line(day="").replace(",,96.5", ",96.5"), header=header)
    with pytest.raises(NotADownload, match="give the day with --to"):
        read_download(content)
    assert read_download(content, to=dt.date(2026, 9, 11))[0]["data_to"] == "2026-09-11"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it lacks the columns time_period, geographic_level"),
        (b"\xff\xfe\x00binary", "no CSV file in UTF-8"),
        (b"UPN,Date,Session,Code\nA,2026-09-01,AM,/", "it lacks the columns"),
        (download(), "no figures of the year to date"),
        (download(line(frame="Week")), "no figures of the year to date"),
        (download(line(level="School")), "row 2, column geographic_level: expected National, Regional or Local authority"),
        (download(line(phase="Nursery")), "row 2, column education_phase"),
        (download(line(year="2026")), "row 2, column time_period: expected an academic year"),
        (download(line(year="202628")), "row 2, column time_period"),
        (download(line(day="11 Sept")), "row 2, column attendance_date: expected a date"),
        (download(line(day="2025-09-11")), "a day of the academic year 2026/27, not 2025-09-11"),
        (download(line(), line(phase="Special", shares="965,2.4,1.1")), "row 3, column attendance_perc: expected a perc"),
        (download(line(shares="nan,2.4,1.1")), "a percentage from 0 to 100"),
        (download(line(shares="96.5,2.4,9.1")), "that make up 100%"),
        (download(line(shares="c,c,c")), "England's is never suppressed"),
        (download(line(), line(shares="96.4,2.5,1.1")), "row 3 says something else of England, Primary, 2026-09-11"),
        (download(line(level="Local authority", region="E1,London", authority="213,City")), "E and eight digits"),
        (download(line(level="Regional", region="E12000007,London")), "no national figures to 2026-09-11"),
        (download(line() + ",more"), "row 2 has not as many values as the header"),
        (download(line(day="2026-12-01")), "a day that has come"),
    ],
)  # fmt: skip
def test_what_is_no_download_is_refused_with_its_reason(content: bytes, words: str) -> None:
    with pytest.raises(NotADownload) as refused:
        read_download(content, today=dt.date(2026, 11, 1))
    assert words in str(refused.value)


def test_a_later_publication_of_the_same_day_counts_and_an_earlier_one_does_not() -> None:
    first, later = ({**dict.fromkeys(bundled_rows()[0], ""), "published": p} for p in ("2026-09-24", "2026-10-08"))
    assert newer_rows([first], [later]) == [later]
    assert newer_rows([later], [first]) == [later]


def test_the_command_keeps_it_in_the_home_or_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = init_home(tmp_path / "home")
    settings = Path(home if isinstance(home, Path) and home.is_dir() else tmp_path / "home")
    found = tmp_path / "dfe.csv"
    found.write_bytes(NEW.replace(b"2026-09-11", b"2025-07-18").replace(b"202627", b"202425"))
    asked = ["benchmarks", "update", str(found), "--home", str(settings)]
    assert main(asked) == 0
    assert "4 of 4 figures are new or changed, the newest to 2025-07-18" in capsys.readouterr().out
    assert benchmarks.load(open_home(settings)).coverage()[0][:2] == ("2024/25", 1)
    kept = benchmarks.kept_file(open_home(settings)).read_bytes()
    assert main(asked) == 0 and "Nothing new" in capsys.readouterr().out
    found.write_bytes(b"a,b\n1,2")
    assert main(asked) == 2
    assert "was not taken: it lacks the columns" in capsys.readouterr().err
    assert main([*asked[:2], str(tmp_path / "none.csv"), *asked[3:]]) == 2
    assert benchmarks.kept_file(open_home(settings)).read_bytes() == kept
    assert main(["benchmarks", "show", "--home", str(settings)]) == 0
    assert "2025/26: 21 releases" in capsys.readouterr().out

"""A morning's extract: this morning's lists come of it, and nothing else; the night is as if there had been no morning."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

import openpyxl
import pytest
from demo_homes import LONG_AGO, REGISTER_HEADER, demo_home
from nights import night, tables

from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.reports.phone_list import CALLING
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.morning import NO_EXTRACT, NO_SCHOOL, tell_morning
from attendance_pipeline.steps.morning_files import noted_mornings
from attendance_pipeline.steps.plan import default_day, unfinished_day
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.secret import reference_key
from attendance_pipeline.steps.site import Site, open_site

DAY = dt.date(2025, 10, 3)  # a Friday
EVENING = f"register_{DAY}.csv"
# Greater than the evening's: by their names alone the morning's would be the one that counts.
MORNING = f"register_{DAY}_zz_morning.csv"


def inbox(home: Path) -> Path:
    return home / "inbox" / "oakfield"


def put(home: Path, name: str, lines: list[str]) -> None:
    file = inbox(home) / name
    file.write_text(REGISTER_HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.utime(file, (LONG_AGO, LONG_AGO))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything up to the evening before is loaded and derived; the extracts of the day lie beside the home."""
    home = demo_home(tmp_path_factory.mktemp("morning") / "home", DAY, pupils=30, schools=1)
    aside = home / "aside"
    aside.mkdir()
    for file in inbox(home).glob(f"*_{DAY}*"):
        shutil.move(file, aside / file.name)
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
        restate(site, due_days(site, DAY - dt.timedelta(days=1)), TABLES)
        reference_key(site.home.state)  # once for all copies: references of letters come of it
    return home


def of_the_day(home: Path) -> list[str]:
    """The rows of the day of its complete extract, none of them absent."""
    rows = (home / "aside" / EVENING).read_text(encoding="utf-8").splitlines()[1:]
    kept = [row.split(",") for row in rows if f",{DAY}," in row]
    return [",".join([upn, date, half, "/" if half == "AM" else "\\", "", ""]) for upn, date, half, *_ in kept]


def with_code(rows: list[str], upn: str, code: str) -> list[str]:
    return [f"{upn},{DAY},AM,{code},," if row.startswith(f"{upn},{DAY},AM,") else row for row in rows]


@pytest.fixture
def rows(home: Path) -> list[str]:
    return of_the_day(home)


@pytest.fixture
def upns(rows: list[str]) -> list[str]:
    return sorted({row.split(",")[0] for row in rows})


def am(rows: list[str]) -> list[str]:
    return [row for row in rows if ",AM," in row]


def sheets(home: Path, audience: str) -> dict[str, list[dict[str, object]]]:
    """The newest phone list of an audience: the rows of each sheet."""
    (folder,) = (home / "outbox" / "oakfield" / audience).glob("*/*/phone-list")
    book = openpyxl.load_workbook(folder / "phone-list.xlsx")
    out = {}
    for sheet in book:
        head, *body = list(sheet.iter_rows(values_only=True))
        out[sheet.title] = [dict(zip(map(str, head), row, strict=True)) for row in body]
    return out


def names(home: Path, upns: list[str]) -> list[str]:
    with open_site(home) as site, site.warehouse.read() as conn:
        from attendance_pipeline.register.roll import current_pupils

        pupils = current_pupils(conn, "oakfield").set_index("upn")
    found = [pupils.loc[upn] for upn in upns]
    return [f"{p['preferred_forename'] or p['forename']} {p['surname']}" for p in found]


def test_who_is_absent_and_nobody_knows_why_stands_on_the_list_and_whose_form_came_does_not(
    site: Site, home: Path, rows: list[str], upns: list[str]
) -> None:
    no_reason, ill, notified = upns[:3]
    morning = with_code(with_code(with_code(am(rows), no_reason, "N"), ill, "I"), notified, "N")
    put(home, MORNING, morning)
    form = f"Submitted,UPN,Pupil Name,First Date,Last Date,Reason,Evidence\n{DAY}T07:50,{notified},x,{DAY},{DAY},ill,\n"
    (inbox(home) / f"notifications_{DAY}.csv").write_text(form, encoding="utf-8")
    (made,) = tell_morning(site, DAY, "a run", settle_seconds=0)
    assert made.count == 1
    (expected,) = names(home, [no_reason])
    for audience in ("headteacher", "office", "attendance-lead"):
        found = sheets(home, audience)
        assert [r["Pupil"] for r in found["Absent, no reason"] if r["Pupil"]] == [expected], audience
        assert [r["AM"] for r in found["Absent, no reason"] if r["Pupil"]] == ["N"], audience
        assert any(CALLING in str(r) for r in found["Absent, no reason"]), "said where it is read"
    match = {r["Pupil"]: r["What to do"] for r in sheets(home, "office")["Notifications"] if r["Date"] is not None}
    said = dict(zip([no_reason, ill, notified], names(home, [no_reason, ill, notified]), strict=True))
    assert match[said[notified]].startswith("The reason is on the form")
    assert match[said[no_reason]].startswith("Call the parents")
    assert not any("enter the code" in do for do in match.values() if do), "the afternoon has not been"
    assert not list((home / "outbox").glob("oakfield/class-*/*/*/phone-list"))


def test_a_class_without_a_morning_register_is_one_line_and_none_of_its_pupils_is_called(
    site: Site, home: Path, rows: list[str], upns: list[str]
) -> None:
    with site.warehouse.read() as conn:
        from attendance_pipeline.register.roll import current_pupils

        classes = current_pupils(conn, "oakfield").set_index("upn")["class"]
    gone = classes[upns[0]]
    put(home, MORNING, [row for row in am(rows) if classes[row.split(",")[0]] != gone])
    (made,) = tell_morning(site, DAY, "a run", settle_seconds=0)
    assert made.count == 0
    assert [r["Class"] for r in sheets(home, "office")["Registers missing"]] == [gone]


@pytest.mark.parametrize(
    ("day", "lies_there", "why"),
    [
        (dt.date(2025, 10, 4), True, NO_SCHOOL),  # a Saturday
        (DAY, False, NO_EXTRACT),
        (DAY, True, ""),
    ],
)
def test_there_is_a_list_on_a_school_day_with_an_extract_of_it(
    site: Site, home: Path, rows: list[str], day: dt.date, lies_there: bool, why: str
) -> None:
    put(home, MORNING, am(rows) if lies_there else ["A" * 13 + ",2025-10-02,AM,/,,"])
    (made,) = tell_morning(site, day, "a run", settle_seconds=0)
    assert (bool(made.folders), made.note if why else "") == (not why, why)


def test_twice_from_the_same_files_is_one_folder(site: Site, home: Path, rows: list[str], upns: list[str]) -> None:
    put(home, MORNING, with_code(am(rows), upns[0], "N"))
    first, again = (tell_morning(site, DAY, "a run", settle_seconds=0)[0] for _ in range(2))
    assert first.folders == again.folders
    assert len(list((home / "outbox" / "oakfield" / "office").glob("*/*/phone-list*"))) == 1


def test_nothing_is_stored_of_it_and_the_night_is_as_if_there_had_been_no_morning(
    home: Path, tmp_path: Path, rows: list[str], upns: list[str]
) -> None:
    late = [f"{upns[0]},{DAY},AM,L,5," if row.startswith(f"{upns[0]},{DAY},AM,") else row for row in rows]
    without = shutil.copytree(home, tmp_path / "without")
    put(home, MORNING, with_code(am(rows), upns[0], "N"))
    before = tables(home)
    with open_site(home) as site:
        tell_morning(site, DAY, "a run", settle_seconds=0)
    after = tables(home)
    assert [name for name in before if not before[name].equals(after[name])] == []
    assert (inbox(home) / MORNING).exists(), "the night takes it"
    for one in (home, without):
        put(one, EVENING, late)
        night(one, DAY)
    with_morning, plain = tables(home), tables(without)
    assert [name for name in plain if not plain[name].equals(with_morning[name])] == []
    assert not list(inbox(home).iterdir())


def test_where_the_evenings_extract_lacks_somebody_the_mornings_mark_counts_and_says_where_it_came_from(
    home: Path, rows: list[str], upns: list[str]
) -> None:
    put(home, MORNING, with_code(am(rows), upns[0], "N"))
    with open_site(home) as site:
        tell_morning(site, DAY, "a run", settle_seconds=0)
    put(home, EVENING, [row for row in with_code(rows, upns[1], "I") if not row.startswith(upns[0])])
    night(home, DAY)
    marks = tables(home)["register"]
    today = marks[(marks["date"].astype(str) == str(DAY)) & (marks["session"] == "AM")].set_index("upn")
    assert (today.loc[upns[0], "code"], today.loc[upns[0], "extract"]) == ("N", f"(morning) {MORNING}")
    assert (today.loc[upns[1], "code"], today.loc[upns[1], "extract"]) == ("I", EVENING), "the later one counts"


def test_while_school_is_on_an_extract_of_this_morning_alone_waits_and_one_that_has_earlier_days_is_taken(
    site: Site, home: Path, rows: list[str], upns: list[str]
) -> None:
    earlier = f"{upns[0]},{DAY - dt.timedelta(days=1)},AM,I,,"
    put(home, MORNING, am(rows))
    put(home, f"register_{DAY}_corrections.csv", [earlier, *am(rows)])
    (done,) = take_in(site, settle_seconds=0, unfinished=DAY)
    assert (done.loaded, done.waiting) == ((f"register_{DAY}_corrections.csv",), (MORNING,))
    (done,) = take_in(site, settle_seconds=0)
    assert done.loaded == (MORNING,)


def test_of_a_morning_that_was_read_the_night_knows_the_files(site: Site, home: Path, rows: list[str]) -> None:
    put(home, MORNING, am(rows))
    assert noted_mornings(site, site.schools()[0]) == {}
    tell_morning(site, DAY, "a run", settle_seconds=0)
    assert set(noted_mornings(site, site.schools()[0]).values()) == {DAY}


@pytest.mark.parametrize(
    ("now", "today_is_over", "of"),
    [
        ("2025-10-03T09:30+01:00", False, "2025-10-02"),
        ("2025-10-03T11:00+01:00", False, "2025-10-02"),
        ("2025-10-03T15:29+01:00", False, "2025-10-02"),
        ("2025-10-03T15:30+01:00", True, "2025-10-03"),
        ("2025-10-03T14:30+00:00", True, "2025-10-03"),  # a machine on UTC
        ("2025-10-03T14:29+00:00", False, "2025-10-02"),
        ("2025-10-04T02:30+01:00", False, "2025-10-03"),
        ("2025-10-05T12:00+01:00", False, "2025-10-03"),
    ],
)
def test_before_the_end_of_school_today_is_no_day_of_a_night(
    home: Path, rows: list[str], now: str, today_is_over: bool, of: str
) -> None:
    put(home, EVENING, am(rows))
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
        moment = dt.datetime.fromisoformat(now)
        assert default_day(site, moment) == dt.date.fromisoformat(of)
        assert (unfinished_day(site, moment) is None) == today_is_over

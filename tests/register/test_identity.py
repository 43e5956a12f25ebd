"""Who is who: student ids instead of UPNs, and UPNs that change, whatever the order in which files come."""

import datetime as dt
import random

import pytest
from school_files import ANN, BEN, CAT, DAN, SCHOOL, everything, load_all, quarantine_rows, register_rows, write

from attendance_pipeline.register.identity import links_of
from attendance_pipeline.register.lessons import lessons_between
from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.store.persons import is_student_name, student_name

PUPILS = "UPN,Admission Number,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date,Student ID"
DAY = "2026-01-05"


def pupils(inbox, recorded, *rows, suffix=""):
    """A row is (UPN, admission number, student id, date of birth)."""
    full = []
    for row in rows:
        upn, number, student, born = (*row, "", "", "2015-05-01")[:4] if len(row) < 4 else row
        full.append(f"{upn},{number},Fo,Su,{born or '2015-05-01'},5,5A,2020-09-01,,{student}")
    return write(inbox, f"pupils_{recorded}{suffix}.csv", PUPILS, full)


def by_id(inbox, recorded, *rows, suffix=""):
    return write(inbox, f"register_{recorded}{suffix}.csv", "UPN,Student ID,Date,Session,Code", rows)


def person(warehouse, upn):
    with warehouse.read() as conn:
        return int(current_pupils(conn, SCHOOL).set_index("upn")["person_id"][upn])


def test_a_name_made_of_a_student_id_is_no_upn_and_no_file_can_write_it(warehouse, tmp_path):
    name = student_name(SCHOOL, "17")
    assert is_student_name(name) and len(name) == 13 and not is_student_name(name.upper())
    assert student_name("elsewhere", "17") != name
    pupils(tmp_path / "inbox", "2025-09-01", (ANN, "1", "17"))
    by_id(tmp_path / "inbox", DAY, f"{name},,{DAY},AM,/")
    load_all(warehouse, tmp_path)
    assert register_rows(warehouse) == []
    assert quarantine_rows(warehouse) == [f"register_{DAY}.csv:2 UPN: not a UPN"]


def test_marks_by_student_id_wait_for_their_pupil(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    pupils(inbox, "2025-09-01", (BEN, "2", "18"))
    by_id(inbox, DAY, f",17,{DAY},AM,/", f",18,{DAY},AM,N", f",,{DAY},AM,/", f"{BEN},99,{DAY},PM,\\")
    load_all(warehouse, tmp_path)
    assert register_rows(warehouse) == [f"{BEN} {DAY} AM N", f"{BEN} {DAY} PM \\"]
    assert quarantine_rows(warehouse) == [
        f"register_{DAY}.csv:2 Student ID: no pupil has this student id",
        f"register_{DAY}.csv:4 UPN: missing value",
    ]
    pupils(inbox, "2026-01-06", (ANN, "1", "17"))
    result = load_all(warehouse, tmp_path)
    assert (result.marks_new, result.marks_changed) == (0, 0)
    assert register_rows(warehouse) == sorted([f"{ANN} {DAY} AM /", f"{BEN} {DAY} AM N", f"{BEN} {DAY} PM \\"])
    assert quarantine_rows(warehouse) == [f"register_{DAY}.csv:4 UPN: missing value"]
    # On the evening before, nobody knew whose mark it was.
    assert register_rows(warehouse, as_at=dt.date(2026, 1, 5)) == [f"{BEN} {DAY} AM N", f"{BEN} {DAY} PM \\"]


def test_the_newest_extract_says_whose_a_student_id_is(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    pupils(inbox, "2025-09-01", (ANN, "1", "17"), (BEN, "2", "18", "2015-06-01"))
    pupils(inbox, "2025-10-01", (ANN, "1", ""), (BEN, "2", "17", "2015-06-01"), (CAT, "3", "19"), (DAN, "4", "19"))
    by_id(inbox, DAY, f",17,{DAY},AM,N", f",19,{DAY},AM,N")
    load_all(warehouse, tmp_path)
    assert register_rows(warehouse) == [f"{BEN} {DAY} AM N"]
    assert quarantine_rows(warehouse) == [f"register_{DAY}.csv:3 Student ID: two pupils have this student id"]


def test_one_pupil_under_two_names_in_one_file(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    pupils(inbox, "2025-09-01", (ANN, "1", "17"), (BEN, "2", "18"))
    rows = [f"{ANN},,{DAY},AM,/", f",17,{DAY},AM,/", f",17,{DAY},PM,N", f"{BEN},,{DAY},AM,/", f",18,{DAY},AM,N"]
    by_id(inbox, DAY, *rows, f",18,{DAY},PM,I")
    load_all(warehouse, tmp_path)
    found = [(r[1], r[3], r[4], r[7]) for r in everything(warehouse)["register"]]
    assert sorted(found) == sorted([(ANN, "AM", "/", "2"), (ANN, "PM", "N", "4"), (BEN, "PM", "I", "7")])
    assert quarantine_rows(warehouse) == [
        f"register_{DAY}.csv:5 Code: conflicting rows",
        f"register_{DAY}.csv:6 Code: conflicting rows",
    ]


def test_a_upn_that_changes_keeps_its_history(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    pupils(inbox, "2025-09-01", (ANN, "1"), (BEN, "2"))
    write(inbox, "contacts_2025-09-01.csv", "UPN,Contact ID,Surname", [f"{ANN},c1,A", f"{ANN},c2,B", f"{BEN},c3,C"])
    log = "UPN,Date,Action,Note"
    write(
        inbox, "interventions_2026-01-05.csv", log, [f"{ANN},2026-01-05,phone_call,x", f"{ANN},2026-01-05,phone_call,y"]
    )
    by_id(inbox, DAY, f"{ANN},,{DAY},AM,N", f"{BEN},,{DAY},AM,/")
    load_all(warehouse, tmp_path)
    before = person(warehouse, ANN)
    pupils(inbox, "2026-01-12", (CAT, "1"), (BEN, "2"))
    write(inbox, "contacts_2026-01-12.csv", "UPN,Contact ID,Surname", [f"{CAT},c2,B"])
    write(
        inbox, "interventions_2026-01-12.csv", log, [f"{CAT},2026-01-05,phone_call,x", f"{CAT},2026-01-05,phone_call,y"]
    )
    by_id(inbox, "2026-01-12", f"{CAT},,{DAY},AM,I", f"{CAT},,2026-01-12,AM,/")
    load_all(warehouse, tmp_path)
    assert person(warehouse, CAT) == before
    said = everything(warehouse)
    assert [r[0] for r in said["pupils"]] == sorted([BEN, CAT])
    assert sorted((r[0], r[1]) for r in said["contacts"]) == sorted([(CAT, "c2"), (BEN, "c3")])
    assert [r[0] for r in said["interventions"]] == [CAT, CAT]
    assert register_rows(warehouse) == sorted([f"{CAT} {DAY} AM I", f"{CAT} 2026-01-12 AM /", f"{BEN} {DAY} AM /"])
    assert [(r[1], r[4], r[5]) for r in said["amendments"]] == [(CAT, "N", "I")]
    assert said["quarantine"] == []
    assert register_rows(warehouse, as_at=dt.date(2026, 1, 6)) == sorted([f"{ANN} {DAY} AM N", f"{BEN} {DAY} AM /"])


@pytest.mark.parametrize(
    ("new", "linked"),
    [
        ((CAT, "1", ""), True),
        ((CAT, "9", "17"), True),
        ((CAT, "9", "18"), False),
        ((CAT, "", ""), False),
        ((CAT, "1", "17", "2015-05-02"), False),
    ],
)
def test_what_makes_a_former_upn(warehouse, tmp_path, new, linked):
    pupils(tmp_path / "inbox", "2025-09-01", (ANN, "1", "17"))
    pupils(tmp_path / "inbox", "2025-10-01", new)
    load_all(warehouse, tmp_path)
    with warehouse.read() as conn:
        names = links_of(conn, SCHOOL).names
    assert names.present == ({ANN: CAT} if linked else {})


def test_a_upn_that_is_still_listed_is_not_former(warehouse, tmp_path):
    pupils(tmp_path / "inbox", "2025-09-01", (ANN, "1"))
    pupils(tmp_path / "inbox", "2025-10-01", (ANN, "1"), (CAT, "1"))
    load_all(warehouse, tmp_path)
    assert [r[0] for r in everything(warehouse)["pupils"]] == sorted([ANN, CAT])
    assert quarantine_rows(warehouse) == []


def test_where_two_fit_none_is_linked(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    pupils(inbox, "2025-09-01", (ANN, "1"))
    pupils(inbox, "2025-10-01", (CAT, "1"), (DAN, "1"))
    by_id(inbox, DAY, f"{ANN},,{DAY},AM,N")
    load_all(warehouse, tmp_path)
    assert register_rows(warehouse) == [f"{ANN} {DAY} AM N"]
    rule = "Admission Number: two pupils fit one former UPN: none is linked to it"
    assert quarantine_rows(warehouse) == [
        "pupils_2025-09-01.csv:2 " + rule,
        "pupils_2025-10-01.csv:2 " + rule,
        "pupils_2025-10-01.csv:3 " + rule,
    ]


def test_a_chain_of_upns_and_one_that_comes_back(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    for month, upn in (("09", ANN), ("10", CAT), ("11", DAN), ("12", CAT)):
        pupils(inbox, f"2025-{month}-01", (upn, "1"))
        by_id(inbox, f"2025-{month}-02", f"{upn},,2025-{month}-02,AM,N")
    load_all(warehouse, tmp_path)
    assert register_rows(warehouse) == [f"{CAT} 2025-{m}-02 AM N" for m in ("09", "10", "11", "12")]
    assert register_rows(warehouse, as_at=dt.date(2025, 11, 30)) == [
        f"{DAN} 2025-{m}-02 AM N" for m in ("09", "10", "11")
    ]


def test_an_older_extract_that_comes_late_links_as_well(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    pupils(inbox, "2026-01-12", (CAT, "1"))
    by_id(inbox, DAY, f"{ANN},,{DAY},AM,N")
    load_all(warehouse, tmp_path)
    late = person(warehouse, CAT)
    assert quarantine_rows(warehouse) == [f"register_{DAY}.csv:2 UPN: not on roll: no pupils extract names this UPN"]
    pupils(inbox, "2025-09-01", (ANN, "1"))
    load_all(warehouse, tmp_path)
    assert register_rows(warehouse) == [f"{CAT} {DAY} AM N"]
    assert quarantine_rows(warehouse) == []
    with warehouse.read() as conn:
        assert links_of(conn, SCHOOL).same == {late: person(warehouse, CAT)}


def test_lessons_and_other_kinds_by_student_id(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    write(inbox, "lessons_2026-01-05.csv", "StudentId,Date,Period,Code", [f"17,{DAY},1,/", f"18,{DAY},1,N"])
    write(inbox, "contacts_2026-01-05.csv", "student_id,Contact ID,Surname", ["17,c1,A", "18,c2,B"])
    pupils(inbox, "2025-09-01", (ANN, "1", "17"))
    load_all(warehouse, tmp_path)
    with warehouse.read() as conn:
        lessons = lessons_between(conn, SCHOOL, dt.date(2026, 1, 5), dt.date(2026, 1, 5))
    assert list(lessons["upn"]) == [ANN]
    assert sorted((r[0], r[1]) for r in everything(warehouse)["contacts"]) == [("", "c2"), (ANN, "c1")]
    assert quarantine_rows(warehouse) == [
        "contacts_2026-01-05.csv:3 Student ID: no pupil has this student id",
        "lessons_2026-01-05.csv:3 Student ID: no pupil has this student id",
    ]
    pupils(inbox, "2026-02-01", (BEN, "2", "18"))
    load_all(warehouse, tmp_path)
    assert quarantine_rows(warehouse) == []


def test_complete_extracts_by_student_id_and_a_new_upn(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    pupils(inbox, "2025-09-01", (ANN, "1", "17"), (BEN, "2", "18"))
    by_id(inbox, "2026-01-05", f",17,{DAY},AM,N", f",18,{DAY},AM,N")
    pupils(inbox, "2026-01-06", (CAT, "1", "17"), (BEN, "2", "18"))
    by_id(inbox, "2026-01-07", f"{CAT},,{DAY},AM,I")
    load_all(warehouse, tmp_path, complete=True)
    assert register_rows(warehouse) == [f"{CAT} {DAY} AM I"]


def a_school(rng, folder):
    """Pupils extracts in which UPNs change, and registers by UPN old and new, and by student id."""
    children = [(f"{n}", f"s{n}", [u]) for n, u in enumerate((ANN, BEN, CAT))]
    children[0][2].append(DAN)
    for day in range(5, 13):
        when = f"2026-01-{day:02d}"
        if rng.random() < 0.6:
            listed = [(u[-1] if day > 8 else u[0], n, s) for n, s, u in children if rng.random() < 0.9]
            pupils(folder / f"p{day}", when, *listed)
        rows = []
        for _, s, u in children:
            for session in ("AM", "PM"):
                who = rng.choice([f"{u[0]},", f"{u[-1]},", f",{s}", f"{u[-1]},{s}"])
                if rng.random() < 0.8:
                    rows.append(f"{who},2026-01-{rng.choice(['05', '06'])},{session},{rng.choice(['N', 'I', ''])}")
        by_id(folder / f"r{day}", when, *rows)


@pytest.mark.parametrize("complete", [False, True], ids=["changes", "complete"])
@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_files_gives_the_same(request, tmp_path, seed, complete):
    import shutil

    from attendance_pipeline.store.warehouse import Warehouse

    rng = random.Random(seed)
    a_school(rng, tmp_path / "made")
    paths = sorted((tmp_path / "made").rglob("*.csv"))
    said = []
    urls = [f"sqlite:///{tmp_path}/{n}.db" for n in range(3)]
    if seed == 0:
        urls.append(request.getfixturevalue("postgres_url"))
    for n, url in enumerate(urls):
        rng.shuffle(paths)
        warehouse = Warehouse(url)
        warehouse.upgrade()
        home = tmp_path / f"home{n}"
        (home / "inbox").mkdir(parents=True)
        size = rng.randint(1, len(paths))
        for start in range(0, len(paths), size):
            for path in [*paths[start : start + size], rng.choice(paths)]:
                shutil.copy(path, home / "inbox" / path.name)
            load_all(warehouse, home, complete=complete)
        evenings = [register_rows(warehouse, as_at=dt.date(2026, 1, d)) for d in range(5, 13)]
        said.append((everything(warehouse), evenings))
        warehouse.close()
    assert all(s == said[0] for s in said)
    assert said[0][0]["register"]

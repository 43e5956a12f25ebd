"""The roll, the contacts, the classes and the log: what stands when extracts repeat, replace and amend each other."""

import datetime as dt

import pandas as pd
from school_files import ANN, BEN, CAT, SCHOOL, load_all, pupils, write

from attendance_pipeline.register.roll import (
    current_classes,
    current_contacts,
    current_interventions,
    current_notifications,
    current_pupils,
)

CONTACTS = "UPN,Contact ID,Surname,Parental Responsibility,Court Restriction,Postcode"
LOG = "UPN,Date,Action,Stage,Contact ID,From,Until,Amount,Note"


def read(warehouse, what, **options):
    with warehouse.read() as conn:
        return what(conn, SCHOOL, **options)


def test_the_newest_extract_that_names_a_pupil_says_what_they_are(warehouse, tmp_path):
    pupils(tmp_path / "inbox", "2025-09-01", f"{ANN},4A,2020-09-01", f"{BEN},4A,2020-09-01")
    pupils(tmp_path / "inbox", "2025-10-01", f"{ANN},4B,2020-09-01,2026-07-22")
    load_all(warehouse, tmp_path)
    now = read(warehouse, current_pupils).set_index("upn")
    assert now["class"].to_dict() == {ANN: "4B", BEN: "4A"}
    assert now.loc[ANN, "leaving_date"] == pd.Timestamp("2026-07-22")
    assert pd.isna(now.loc[BEN, "leaving_date"])
    assert now.loc[ANN, ["extract", "line"]].tolist() == ["pupils_2025-10-01.csv", 2]
    then = read(warehouse, current_pupils, as_at=dt.date(2025, 9, 30)).set_index("upn")
    assert then.loc[ANN, "class"] == "4A"
    assert read(warehouse, current_pupils, as_at=dt.date(2025, 8, 31)).empty


def test_cells_of_pupils_have_their_types(warehouse, tmp_path):
    write(
        tmp_path / "inbox",
        "pupils_2025-09-01.csv",
        "UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,FSM,EAL,SEN,Admission Number",
        [f"{ANN},Ann,Lee,01/02/2016,Year 4,4A,2020-09-01,Y,,K,0012"],
    )
    load_all(warehouse, tmp_path)
    row = read(warehouse, current_pupils).iloc[0]
    assert row["fsm"] is True or row["fsm"] == True  # noqa: E712  # a nullable boolean, not an identity
    assert pd.isna(row["eal"])
    assert (row["sen"], row["admission_number"], row["year_group"], row["ethnicity"]) == ("K", "0012", "4", "")
    assert row["date_of_birth"] == pd.Timestamp("2016-02-01")


def test_a_contacts_extract_replaces_the_whole_list_of_those_it_names(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    write(
        inbox,
        "contacts_2025-09-01.csv",
        CONTACTS,
        [f"{ANN},1,Lee,Y,N,LS1 1AA", f"{ANN},2,Poe,Y,N,LS2 2BB", f"{BEN},3,May,N,,LS3 3CC"],
    )
    write(inbox, "contacts_2025-10-01.csv", CONTACTS, [f"{ANN},2,Poe,Y,Y,LS2 2BB"])
    load_all(warehouse, tmp_path)
    now = read(warehouse, current_contacts)
    assert sorted(zip(now["upn"], now["contact_id"], strict=True)) == sorted([(ANN, "2"), (BEN, "3")])
    assert now.set_index("contact_id")["court_restriction"].to_dict()["2"]
    assert pd.isna(now.set_index("contact_id").loc["3", "court_restriction"])
    then = read(warehouse, current_contacts, as_at=dt.date(2025, 9, 30))
    assert sorted(then["contact_id"]) == ["1", "2", "3"]


def test_a_class_may_have_several_teachers(warehouse, tmp_path):
    write(tmp_path / "inbox", "classes_2025-09-01.csv", "Class,Teacher,Email", ["4A,Ms T,", "4A,Mr U,", "4B,Ms V,v@x"])
    write(tmp_path / "inbox", "classes_2025-10-01.csv", "Class,Teacher,Email", ["4B,Ms W,w@x"])
    load_all(warehouse, tmp_path)
    now = read(warehouse, current_classes)
    assert list(zip(now["class"], now["teacher"], strict=True)) == [("4A", "Mr U"), ("4A", "Ms T"), ("4B", "Ms W")]


def test_the_log_is_the_union_of_its_extracts_in_their_newest_version(warehouse, tmp_path):
    inbox = tmp_path / "inbox"
    write(
        inbox,
        "interventions_2026-01-05.csv",
        LOG,
        [
            f"{ANN},2026-01-05,phone_call,1,,,,,no answer",
            f"{ANN},2026-01-05,phone_call,1,,,,,spoke",
            f"{BEN},2026-01-02,hold,,,2026-01-02,2026-01-09,,",
        ],
    )
    write(
        inbox,
        "interventions_2026-01-06.csv",
        LOG,
        [f"{ANN},2026-01-05,phone_call,1,,,,,no answer at noon", f"{CAT},2026-01-03,penalty_notice_issued,,7,,,160,"],
    )
    load_all(warehouse, tmp_path)
    now = read(warehouse, current_interventions)
    rows = list(zip(now["upn"], now["date"].dt.strftime("%d"), now["action"], now["note"], strict=True))
    assert rows == [
        (BEN, "02", "hold", ""),
        (CAT, "03", "penalty_notice_issued", ""),
        (ANN, "05", "phone_call", "spoke"),
        (ANN, "05", "phone_call", "no answer at noon"),
    ]
    assert now["stage"].tolist() == [pd.NA, pd.NA, 1, 1] or now["stage"].isna().tolist() == [True, True, False, False]
    assert now.set_index("upn").loc[CAT, "amount"] == 160
    assert now.set_index("upn").loc[BEN, "until"] == pd.Timestamp("2026-01-09")
    then = read(warehouse, current_interventions, as_at=dt.date(2026, 1, 5))
    assert sorted(then["note"]) == ["", "no answer", "spoke"]


def test_a_change_of_the_log_is_counted(warehouse, tmp_path):
    write(tmp_path / "inbox", "interventions_2026-01-05.csv", LOG, [f"{ANN},2026-01-05,phone_call,1,,,,,"])
    assert load_all(warehouse, tmp_path).records_changed == {"interventions": 1}
    write(
        tmp_path / "inbox",
        "interventions_2026-01-06.csv",
        LOG,
        [f"{ANN},2026-01-05,phone_call,1,,,,,", f"{BEN},2026-01-06,phone_call,1,,,,,"],
    )
    assert load_all(warehouse, tmp_path).records_changed == {"interventions": 1}


def test_notifications(warehouse, tmp_path):
    header = "Submitted,UPN,Pupil Name,First Date,Last Date,Reason,Evidence"
    rows = [
        f"2026-01-05 07:45,{ANN},Ann,2026-01-05,2026-01-06,unwell,",
        f"2026-01-05 07:45,{ANN},Ann,2026-01-05,2026-01-06,unwell,",
    ]
    write(tmp_path / "inbox", "notifications_2026-01-05.csv", header, rows)
    write(tmp_path / "inbox", "notifications_2026-01-06.csv", header, rows[:1])
    load_all(warehouse, tmp_path)
    now = read(warehouse, current_notifications)
    assert now["submitted"].tolist() == ["2026-01-05T07:45:00"]
    assert "reason" not in now


def test_a_school_without_extracts(warehouse):
    for what in (current_pupils, current_contacts, current_classes, current_interventions, current_notifications):
        assert read(warehouse, what).empty

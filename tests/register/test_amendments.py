"""What is kept of an amendment: the entry before and after, when, from which line, and, where given, why and by whom.

Of rows that amend nothing, comments and names of staff are kept nowhere (rules.md section 9).
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from school_files import ANN, BEN, SCHOOL, load_all, pupils, write

from attendance_pipeline.mis.map_settings import read_column_map
from attendance_pipeline.mis.mapped import MappedFormat
from attendance_pipeline.register.export import AMENDMENTS, amendments_frame

HEADER = "UPN,Date,Session,Code,Minutes Late,Comment,Amended By"
DAY = "2026-01-05"


@pytest.fixture
def home(tmp_path):
    pupils(tmp_path / "inbox", "2025-09-01", f"{ANN},5A,2020-09-01", f"{BEN},5A,2020-09-01")
    return tmp_path


def register(home: Path, recorded: str, *rows: str) -> None:
    write(home / "inbox", f"register_{recorded}.csv", HEADER, [f"{r}{',' * (6 - r.count(','))}" for r in rows])


def amended(warehouse, **options) -> list[tuple[str, ...]]:
    """Session, old and new code, day recorded, reason and who, of each amendment."""
    names = ["session", "old_code", "new_code", "recorded_on", "reason", "by"]
    with warehouse.read() as conn:
        return [
            tuple(map(str, row)) for row in amendments_frame(conn, SCHOOL, **options)[names].itertuples(index=False)
        ]


def everywhere(warehouse, home: Path) -> str:
    """All text that a warehouse and the kept copies hold."""
    said = []
    with warehouse.read() as conn:
        for table in sa.inspect(conn).get_table_names():
            for row in conn.execute(sa.text(f'select * from "{table}"')):  # names of our own tables
                said += [
                    v if isinstance(v, str) else v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in row
                ]
    said += [file.read_bytes().decode("utf-8", "replace") for file in (home / "kept").rglob("*") if file.is_file()]
    return "\n".join(said)


def test_the_contracts_columns_come_first_and_in_its_order():
    contract = "school, upn, date, session, old_code, new_code, recorded_on, extract, line"
    assert [*contract.split(", "), "reason", "by"] == AMENDMENTS


@pytest.mark.parametrize("one_by_one", [True, False], ids=["night after night", "all at once"])
def test_reason_and_name_are_kept_of_the_rows_that_amend(warehouse, home, one_by_one):
    nights = {
        "2026-01-05": [f"{ANN},{DAY},AM,N,,away at registration,Mx First", f"{ANN},{DAY},PM,\\,,,Mx First"],
        "2026-01-07": [f"{ANN},{DAY},AM,I,,parent rang,Ms Office", f"{ANN},{DAY},PM,\\,,said again,Mx Repeat"],
        "2026-01-08": [
            f"{ANN},{DAY},AM,I,,parent rang twice,Mx Repeat",
            f"{BEN},{DAY},AM,/,,came late to the list,Mx New",
        ],
        "2026-01-09": [
            f"{ANN},{DAY},AM,M,,  appointment\u00a0card seen ,",
            f"{ANN},{DAY},PM,,,entered in error,Mr Head",
        ],
    }
    for recorded, rows in nights.items():
        register(home, recorded, *rows)
        if one_by_one:
            load_all(warehouse, home)
    if not one_by_one:
        load_all(warehouse, home)
    assert amended(warehouse) == [
        ("AM", "N", "I", "2026-01-07", "parent rang", "Ms Office"),
        ("AM", "I", "M", "2026-01-09", "appointment card seen", ""),
        ("PM", "\\", "", "2026-01-09", "entered in error", "Mr Head"),
    ]
    assert amended(warehouse, as_at=dt.date(2026, 1, 8)) == amended(warehouse)[:1]
    text = everywhere(warehouse, home)
    kept = ["parent rang", "Ms Office", "entered in error", "Mr Head"]
    left_out = [
        "away at registration",
        "Mx First",
        "said again",
        "Mx Repeat",
        "parent rang twice",
        "came late",
        "Mx New",
    ]
    assert {words: words in text for words in kept + left_out} == {words: words in kept for words in kept + left_out}


def test_loading_a_file_again_or_under_another_name_changes_nothing(warehouse, home):
    register(home, "2026-01-05", f"{ANN},{DAY},AM,N")
    register(home, "2026-01-07", f"{ANN},{DAY},AM,I,,parent rang,Ms Office")
    load_all(warehouse, home)
    before = amended(warehouse)
    register(home, "2026-01-07", f"{ANN},{DAY},AM,I,,parent rang,Ms Office")
    load_all(warehouse, home)
    write(home / "inbox", "register_2026-01-07_copy.csv", HEADER, [f"{ANN},{DAY},AM,I,,parent rang,Ms Office"])
    load_all(warehouse, home)
    assert amended(warehouse) == before == [("AM", "N", "I", "2026-01-07", "parent rang", "Ms Office")]


def test_a_mark_withdrawn_by_not_being_named_has_no_reason(warehouse, home):
    register(home, "2026-01-05", f"{ANN},{DAY},AM,/", f"{BEN},{DAY},AM,/")
    register(home, "2026-01-06", f"{ANN},{DAY},AM,/,,nothing to say of Ben,Ms Office")
    load_all(warehouse, home, complete=True)
    assert amended(warehouse) == [("AM", "/", "", "2026-01-06", "", "")]


# ---------------------------------------------------------------- formats that say it


def sims(rows):
    records = "".join(
        f"<Record><UPN>{ANN}</UPN><Mark_x0020_Date>{DAY}</Mark_x0020_Date><Session>{half}</Session><Mark>{code}</Mark>"
        f"<Comments>{why}</Comments><Changed_x0020_By>{who}</Changed_x0020_By></Record>"
        for half, code, why, who in rows
    )
    return "xml", f"<SuperStarReport>{records}</SuperStarReport>".encode(), "sims-xml"


def assembly(rows):
    marks = [
        {"upn": ANN, "session_date": DAY, "session_name": half, "attendance_mark": code, "comments": why}
        for half, code, why, _ in rows
    ]
    return "json", json.dumps(marks).encode(), "assembly-json"


def wonde(rows):
    marks = [
        {"upn": ANN, "date": DAY, "session": half, "attendance_code": {"code": code}, "comment": why}
        for half, code, why, _ in rows
    ]
    return "json", json.dumps({"data": marks}).encode(), "wonde-json"


MAP = """
[register]
blank = "withdrawn"
[register.columns]
UPN = "Unique number"
Date = "On"
Session = "Half"
Code = "Mark"
Comment = "Why"
"Amended By" = "Staff"
"""


def by_a_map(rows):
    lines = ["Unique number,On,Half,Mark,Why,Staff", *(f"{ANN},{DAY},{','.join(row)}" for row in rows)]
    return "csv", "\n".join(lines).encode(), "mapped"


@pytest.mark.parametrize(("written", "has_names"), [(sims, True), (by_a_map, True), (assembly, False), (wonde, False)])
def test_systems_that_give_a_reason(warehouse, home, written, has_names):
    (home / "map.toml").write_text(MAP)
    mapped = MappedFormat("mis/map.toml", read_column_map(home / "map.toml"))
    for recorded, rows in {
        "2026-01-05": [("AM", "N", "first word", "Mx First"), ("PM", "\\", "first word", "Mx First")],
        "2026-01-07": [("AM", "I", "parent rang", "Ms Office"), ("PM", "\\", "not amended", "Mx Repeat")],
    }.items():
        ending, data, name = written(rows)
        (home / "inbox" / f"register_{recorded}.{ending}").write_bytes(data)
        load_all(warehouse, home, reader=mapped if name == "mapped" else name)
    assert amended(warehouse) == [("AM", "N", "I", "2026-01-07", "parent rang", "Ms Office" if has_names else "")]
    text = everywhere(warehouse, home)
    assert "parent rang" in text
    assert [words for words in ("first word", "not amended", "Mx First", "Mx Repeat") if words in text] == []

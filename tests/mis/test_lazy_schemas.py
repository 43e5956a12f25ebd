"""One pass over a file names every fault of every row, and the rows beside them load: the schemas are lazy."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from school_files import ANN, BEN, CAT

from attendance_pipeline.mis import schemas
from attendance_pipeline.mis.native import NativeFormat
from attendance_pipeline.mis.reading import read_tables
from attendance_pipeline.store.extracts import ExtractKey

WRONG = f"{'B' if ANN[0] == 'A' else 'A'}{ANN[1:]}"  # the check letter of another number
RECORDED = dt.date(2026, 1, 9)

# kind: header, rows with what each is to be said of, as (column, rule).
FILES: dict[str, tuple[str, list[tuple[str, list[tuple[str, str]]]]]] = {
    "register": (
        "UPN,Date,Session,Code,Minutes Late,Comment",
        [
            (f"{ANN},2026-01-05,AM,/,,", []),
            (
                f"{WRONG},soon,Morning,ZZ,401,",
                [
                    ("Code", "unknown code"),
                    ("Date", "not a date"),
                    ("Minutes Late", "minutes late not a whole number from 0 to 400"),
                    ("Session", "not AM or PM"),
                    ("UPN", "UPN check letter is wrong"),
                ],
            ),
            (",,,/,,", [("Date", "missing value"), ("Session", "missing value"), ("UPN", "missing value")]),
            # Rules between the cells of a row are asked although a cell of another column is at fault.
            (
                f"{BEN},2028-01-05,PM,/,late,",
                [
                    ("Code", "code not legal in this session"),
                    ("Date", "impossible date"),
                    ("Minutes Late", "minutes late not a whole number from 0 to 400"),
                ],
            ),
            (f"{BEN},2026-01-05,AM,/", [("(row)", "wrong number of cells")]),
            (f"{CAT},2026-01-05,PM,N,,", []),
        ],
    ),
    "pupils": (
        "UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date,FSM,Looked After",
        [
            (f"{ANN},Fo,Su,2015-05-01,5,5A,2020-09-01,,N,N", []),
            (
                "x,Fo,Su,yesterday,5,5A,0020-09-01,2099-01-01,perhaps,?",
                [
                    ("Date of Birth", "not a date"),
                    ("Entry Date", "impossible date"),
                    ("FSM", "not Y or N"),
                    ("Leaving Date", "impossible date"),
                    ("Looked After", "not Y or N"),
                    ("UPN", "not a UPN"),
                ],
            ),
            (f"{BEN},Fo,Su,2015-05-01,5,5A,2020-09-01,,N,N", []),
        ],
    ),
    "interventions": (
        "UPN,Date,Action,Stage,From,Until,Amount",
        [
            (f"{ANN},2026-01-05,phone_call,,,,", []),
            (
                f"{WRONG},2026-13-01,shouted,7,x,y,much",
                [
                    ("Action", "not an action of the intervention log"),
                    ("Amount", "not an amount"),
                    ("Date", "not a date"),
                    ("From", "not a date"),
                    ("Stage", "not a stage from 0 to 4"),
                    ("UPN", "UPN check letter is wrong"),
                    ("Until", "not a date"),
                ],
            ),
        ],
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_one_pass_names_every_fault_of_a_file(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    header, rows = FILES[kind]
    passes = []
    asked = schemas.faults_of
    monkeypatch.setattr(
        "attendance_pipeline.mis.reading.faults_of", lambda *given: passes.append(given[0]) or asked(*given)
    )
    name = f"{kind}_{RECORDED}.csv"
    data = "\n".join([header, *(row for row, _ in rows), ""]).encode()
    key = ExtractKey(RECORDED, name, "0" * 64)
    (reading,) = read_tables(kind, [(key, NativeFormat().read(kind, name, data))])
    said = {line: [(f.column, f.rule) for f in reading.faults if f.line == line] for line in range(2, len(rows) + 2)}
    assert said == {line: faults for line, (_, faults) in enumerate(rows, start=2)}
    good = sum(not faults for _, faults in rows)
    assert (len(reading.register.upn) if reading.register is not None else len(reading.records)) == good
    assert passes == [kind]


def test_every_rule_of_a_cell_is_one_question_of_one_schema() -> None:
    """And each is named, so that what failed can be told by file, line, column and rule without a value."""
    for kind in FILES:
        schema, named = schemas.schema_of(kind)
        checks = [check.name for column in schema.columns.values() for check in column.checks]
        checks += [check.name for check in schema.checks]
        assert len(checks) == len(set(checks)) == len(named)


def test_no_value_is_in_what_is_said_of_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    frame = pd.DataFrame({"UPN": ["Annabel Lee"], "Date": ["x"], "Session": ["AM"], "Code": ["Poe"]}).astype("category")
    frame["(recorded)"] = pd.Series([RECORDED], dtype="datetime64[s]")
    found = schemas.faults_of("register", frame)
    assert len(found) == 3
    assert "Annabel" not in str(found) + caplog.text and "Poe" not in str(found) + caplog.text

"""`attendance governors` on the demonstration's home, and every figure of its report worked out again from what
`attendance export` writes: by counting rows, with the codes' meaning written down here once more.

Small groups are shown here (the home's own policy says so), so that every figure can be looked at. What persons did (the
intervention log is in no table of the contract) is counted again in `tests/reports/test_governor_figures.py`.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import disclosure
import pandas as pd
import pytest
from demo_homes import LAST_NIGHT, SCHOOLS, attendance, table

from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.steps.site import open_site

KEY = "2025-26-autumn-1"
AUTHORISED = ["C", "C1", "C2", "E", "I", "J1", "M", "R", "S", "T"]
ATTENDED = ["/", "\\", "L", "K", "V", "P", "W", "B"]
UNAUTHORISED = ["G", "N", "O", "U"]
REASONS = {
    "Illness": ["I"],
    "Medical or dental visit": ["M"],
    "Other agreed absence": [c for c in AUTHORISED if c not in "IM"],
    "Holiday not agreed": ["G"],
    "Late, register closed": ["U"],
    "Reason not yet known": ["N"],
    "Other, not agreed": ["O"],
}
COHORTS = {
    "Special needs (SEN)": "sen",
    "Free school meals": "fsm",
    "Pupil premium": "pupil_premium",
    "EAL": "eal",
    "Looked after": "looked_after",
    "Social worker": "social_worker",
    "Young carers": "young_carer",
}
COHORT_NAMES = {"sen": "SEN", "fsm": "FSM", "pupil_premium": "Pupil Premium", "eal": "EAL", "looked_after": "Looked After",
                "social_worker": "Social Worker", "young_carer": "Young Carer"}  # fmt: skip


def percent(part: float, whole: float) -> str:
    if not whole:
        return "n/a"
    return f"{(Decimal(int(part)) * 100 / Decimal(int(whole))).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"


class Exported:
    """One school's tables on the last night, as exported."""

    def __init__(self, home: Path, school: str) -> None:
        def rows(name: str, *options: object) -> pd.DataFrame:
            return table(home, name, "--school", school, *options)

        day = ("--from", LAST_NIGHT, "--to", LAST_NIGHT)
        self.school, self.groups = school, rows("groups", *day)
        measures = rows("measures", *day)
        self.year = measures[measures["measure"] == "year_to_date"].set_index("upn").astype({"possible": int})
        self.stages, self.notices = rows("stages", *day), rows("penalty_notices", *day)
        self.events = rows("stage_events", "--to", LAST_NIGHT)
        register = rows("register", "--to", LAST_NIGHT)
        days = set(rows("measures", "--to", LAST_NIGHT)["date"])
        self.marks = register[register["upn"].isin(self.year.index) & register["date"].isin(days)]
        with open_site(home) as site, site.warehouse.read() as conn:
            self.pupils = current_pupils(conn, school).set_index("upn").loc[list(self.year.index)]

    def rate(self, marks: pd.DataFrame) -> str:
        attended = marks["code"].isin(ATTENDED).sum()
        return percent(attended, attended + marks["code"].isin(AUTHORISED + UNAUTHORISED).sum())

    def group(self, kind: str, name: str) -> pd.Series:
        found = self.groups[self.groups["measure"] == "year_to_date"]
        return found[(found["group_kind"] == kind) & (found["group"] == name)].iloc[0]

    def of(self, upns: object) -> pd.DataFrame:
        return self.marks[self.marks["upn"].isin(upns)]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def reported(demonstration, tmp_path_factory):
    """A copy of the home that hides nothing, and what the command delivered there."""
    import shutil

    home = shutil.copytree(demonstration[0], tmp_path_factory.mktemp("governors") / "home")
    policy = home / "policies" / "seed-school.toml"
    policy.write_text(
        policy.read_text() + "\n[suppression]\nminimum_group = 1\nminimum_characteristic_group = 1\n", encoding="utf-8"
    )
    said = attendance("governors", "--home", home)
    assert said.code in (0, 1), said.err
    return home, said


def page_of(home: Path, folder: str) -> disclosure._Page:
    found = sorted(
        (home / "outbox" / folder / "governors").glob(f"2025-26/{LAST_NIGHT}/governors*/governor-report.html")
    )
    return disclosure.read(found[-1].read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=SCHOOLS)
def both(request, reported):
    return Exported(reported[0], request.param), page_of(reported[0], request.param)


def rows_of(page: disclosure._Page, heading: str, number: int = 0) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in page.tables[heading][number][1:]}


def members(exported: Exported, name: str) -> list[str]:
    if name == "All pupils":
        return list(exported.pupils.index)
    if name in COHORTS:
        column = exported.pupils[COHORTS[name]]
        return list(exported.pupils.index[column.notna() & ~column.astype(str).isin(["", "N", "False", "0", "<NA>"])])
    year = "R" if name == "Reception" else name.removeprefix("Year ")
    return list(exported.pupils.index[exported.pupils["year_group"] == year])


def test_year_groups_and_cohorts(both):
    exported, page = both
    half = rows_of(page, "Year groups and cohorts, this half-term")
    year = rows_of(page, "Year groups and cohorts, the year to date")
    hidden = [cell for row in (*half.values(), *year.values()) for cell in row].count("c")
    assert hidden <= 16  # "all of them" is hidden whatever the policy, and what would give it away
    assert len(half) > 8
    for name, cells in half.items():
        upns = members(exported, name)
        marks = exported.of(upns)
        possible = marks["code"].isin(ATTENDED + AUTHORISED + UNAUTHORISED).sum()
        kind = ("school", exported.school) if name == "All pupils" else (
            ("cohort", COHORT_NAMES[COHORTS[name]]) if name in COHORTS else ("year", name.replace("Reception", "R").removeprefix("Year "))
        )  # fmt: skip
        row = exported.group(*kind)
        assert (cells[0], int(row["pupils"])) == (str(len(upns)), len(upns)), name
        assert int(row["possible"]) == possible, name  # the first half-term is the year to date
        assert cells[1:] == [
            exported.rate(marks),
            percent(int(row["authorised"]), possible),
            percent(int(row["unauthorised"]), possible),
            percent(marks["code"].isin(["L", "U"]).sum(), possible),
        ], name
        expected = [
            percent(int(row["attended"]), int(row["possible"])),
            row["persistent"],
            percent(int(row["persistent"]), len(upns)),
            row["severe"],
            percent(int(row["severe"]), len(upns)),
        ]
        shown = [cell if cell == "c" else true for cell, true in zip(year[name], expected, strict=True)]
        assert year[name] == shown and shown[0] != "c", name


def test_reasons_and_lates(both):
    exported, page = both
    marks = exported.marks["code"]
    possible = marks.isin(ATTENDED + AUTHORISED + UNAUTHORISED).sum()
    reasons = rows_of(page, "Absence by reason")
    for name, codes in {"Authorised absence": AUTHORISED, "Unauthorised absence": UNAUTHORISED, **REASONS}.items():
        assert reasons[name] == [percent(marks.isin(codes).sum(), possible)] * 2, name
    lates = rows_of(page, "Punctuality")
    assert lates["Late"][0] == percent(marks.isin(["L", "U"]).sum(), possible)
    assert lates["Before the register closed (present)"][0] == percent((marks == "L").sum(), possible)
    assert lates["After it closed (absent)"][0] == percent((marks == "U").sum(), possible)


def test_the_ladder_and_the_cases(both):
    exported, page = both
    ladder = rows_of(page, "The ladder of interventions, this half-term")
    events, stages = exported.events, exported.stages
    for stage in "1234":
        by_hand = events["event"] == "set"
        up = events["event"].isin(["escalated", "stalled"]) | (by_hand & (events["from_stage"].between("1", "4")))
        expected = [
            ((events["event"] == "opened") | (by_hand & (events["from_stage"] == "0"))) & (events["to_stage"] == stage),
            up & (events["to_stage"] == stage) & (events["from_stage"] < stage),
            by_hand & (events["to_stage"] == stage) & (events["from_stage"] > stage),
            (events["event"] == "recovered") & (events["from_stage"] == stage),
            events["event"].isin(["left", "closed"]) & (events["from_stage"] == stage),
            stages["stage"] == stage,
        ]
        assert ladder[f"Stage {stage}"] == [str(int(found.sum())) for found in expected], stage
    tiers = rows_of(page, "The ladder of interventions, this half-term", 1)
    assert [row[0] for row in tiers.values()] == [str(int((stages["tier"] == t).sum())) for t in "123"]
    for rule, cells in rows_of(page, "Penalty notices").items():
        of = exported.notices[exported.notices["rule"] == rule.lower().replace(" ", "-")]
        assert cells == [str(int((of["status"] == s).sum())) for s in ("met", "met_provisional", "near")], rule


def test_beside_published_figures_and_week_by_week(both):
    exported, page = both
    born = pd.to_datetime(exported.pupils["date_of_birth"]).dt.date
    aged = exported.of(exported.pupils.index[(born <= dt.date(2020, 8, 31)) & (born > dt.date(2009, 8, 31))])
    table = page.tables["How it compares"][0]
    own = aged[aged["date"] <= "2025-09-26"]  # the newest release that does not run past 3 October
    assert table[1][:2] == ["This school", exported.rate(own)]
    by_pupil = own.groupby("upn")["code"]
    possible = by_pupil.agg(lambda c: c.isin(ATTENDED + AUTHORISED + UNAUTHORISED).sum())
    absent = by_pupil.agg(lambda c: c.isin(AUTHORISED + UNAUTHORISED).sum())
    assert table[1][3] == percent(((absent * 10 >= possible) & (possible > 0)).sum(), aged["upn"].nunique())
    assert table[2][0] == "England, primary" and table[2][1] == "95.8%"
    difference = Decimal(table[1][1].rstrip("%")) - Decimal("95.8")
    assert table[2][2].replace("–", "-") == f"{difference:+}".replace("+0.0", "0.0")
    weeks = rows_of(page, "Attendance week by week")
    days = pd.to_datetime(aged["date"])
    monday = days.dt.date - pd.to_timedelta(days.dt.weekday, unit="D").dt.to_pytimedelta()
    for (name, cells), (first, marks) in zip(weeks.items(), aged.groupby(monday), strict=True):
        until = aged[monday <= first]
        assert cells[:2] == [exported.rate(marks), exported.rate(until)], name


def test_the_trust_is_the_sum_of_its_schools(reported):
    home = reported[0]
    trust = page_of(home, "oakfield-trust")
    schools = [page_of(home, school) for school in SCHOOLS]
    heading = "Year groups and cohorts, the year to date"
    for name, cells in rows_of(trust, heading).items():
        of = [rows_of(page, heading).get(name) for page in schools]
        if "c" not in [cells[1], *(row[1] for row in of if row)]:
            assert int(cells[1]) == sum(int(row[1]) for row in of if row), name
    exported = [Exported(home, school) for school in SCHOOLS]
    assert rows_of(trust, heading)["All pupils"][0] == exported[0].rate(pd.concat([e.marks for e in exported]))
    ladder = "The ladder of interventions, this half-term"
    for name, cells in rows_of(trust, ladder).items():
        of = [[int(n) for n in rows_of(page, ladder)[name]] for page in schools]
        assert [int(n) for n in cells] == [sum(pair) for pair in zip(*of, strict=True)], name


def test_the_command_says_where_the_reports_are_and_asks_for_a_half_term_that_is(reported):
    home, said = reported
    assert "governor report files" in said.out
    again = attendance("governors", "--home", home, "--half-term", KEY)
    assert again.code == 0 and "governor report files" not in again.out  # the same report is there already
    refused = attendance("governors", "--home", home, "--half-term", "2025-26-autumn-9")
    assert refused.code == 2 and KEY in refused.err


def everything_below(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def test_as_it_stood_on_an_evening_by_what_was_known_then_and_beside_the_real_one(reported, tmp_path):
    """Figures are those of `export groups --as-at`, files bear the evening, and nothing on the drive is touched."""
    home, evening, before = reported[0], "2025-09-19", everything_below(reported[0] / "outbox")
    said = attendance("governors", "--home", home, "--as-at", evening, "-o", tmp_path)
    assert (said.code, said.err) == (0, "")
    owners = [*SCHOOLS, "oakfield-trust"]
    names = [f"{o}-governor-report-{evening}-as-at-{evening}{e}" for o in owners for e in (".html", ".pdf")]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)
    known_later = 0
    for owner in SCHOOLS:
        text = (tmp_path / f"{owner}-governor-report-{evening}-as-at-{evening}.html").read_text(encoding="utf-8")
        assert "as it stood on the evening of 19 September 2025" in text
        shown = rows_of(disclosure.read(text), "Year groups and cohorts, the year to date")["All pupils"]
        day = ("--school", owner, "--from", evening, "--to", evening)
        then, now = (
            found[(found["group_kind"] == "school") & (found["measure"] == "year_to_date")].iloc[0]
            for found in (table(home, "groups", *day, "--as-at", evening), table(home, "groups", *day))
        )
        assert shown[0] == percent(int(then["attended"]), int(then["possible"]))
        known_later += then["unauthorised"] != now["unauthorised"]
    assert known_later, "nothing was corrected after that evening"
    assert everything_below(home / "outbox") == before
    again = attendance("governors", "--home", home, "--as-at", evening, "-o", tmp_path)  # beside, and not instead
    assert again.code == 0 and len(list(tmp_path.iterdir())) == 2 * len(names)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--as-at", "2025-09-19"), "-o FOLDER"),
        (("-o", "."), "--as-at"),
        (("--as-at", "2020-01-01", "-o", "."), "no register had been recorded by 2020-01-01"),
        (("--as-at", "2025-09-19", "-o", "nowhere"), "no such folder"),
        (("--as-at", "2025-09-19", "-o", ".", "--half-term", "2025-26-summer-1"), "no marks of 2025-26-summer-1"),
    ],
)
def test_a_past_evening_that_cannot_be_had_is_refused(reported, options, words):
    refused = attendance("governors", "--home", reported[0], *options)
    assert refused.code == 2 and words in refused.err

"""Another list beside an export: whose row is whose, what it says, and why it differs."""

import datetime as dt

import pytest
from try_school import School, answer, as_csv, as_xlsx, make_school, native

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.trial.differences import Comparison, Difference, compare
from attendance_pipeline.trial.export import read_export
from attendance_pipeline.trial.lists import OtherList, read_list
from attendance_pipeline.trial.matching import Directory
from attendance_pipeline.trial.outcome import Outcome, outcome_of, shipped_policy
from attendance_pipeline.trial.people import Person

MADE = dt.date(2026, 3, 1)


@pytest.fixture(scope="module")
def school() -> School:
    return make_school(seed=3)


@pytest.fixture(scope="module")
def outcome(school) -> Outcome:
    rows = ((p.upn, p.admission, p.surname, p.forename, p.class_name, d, s, c) for p, d, s, c in school.rows)
    head = ("UPN", "Adno", "Surname", "Forename", "Reg", "Date", "Session", "Code")
    return outcome_of(read_export("a.csv", as_csv(head, rows), MADE), shipped_policy(), None, all_rules=False)


def figures(outcome: Outcome, school: School) -> dict[str, tuple[int, ...]]:
    """UPN -> possible, attended, authorised, unauthorised, counted from the marks."""
    out = {}
    for p in school.pupils:
        codes = list(p.marks.values())
        attended = sum(c in "/\\LVBK" for c in codes)
        authorised, unauthorised = (sum(c in kind for c in codes) for kind in (("I", "M", "C", "C1", "E"), "GNOU"))
        out[p.upn] = (attended + authorised + unauthorised, attended, authorised, unauthorised)
    return out


def beside(outcome: Outcome, data: bytes, name: str = "list.csv", kind: str | None = None) -> Comparison:
    return compare(outcome, read_list(name, data), kind)


def of(found: Comparison, name: str, about: str = "") -> Difference:
    return next(d for d in found.rows if d.named == name and about in d.about)


def tally(found: Comparison) -> dict[str, int]:
    statuses = [d.status for d in found.rows]
    return {s: statuses.count(s) for s in sorted(set(statuses))}


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("name", "data", "rows"),
    [
        ("a.csv", b"UPN,% Attend\nH801200001001,94.3\nH801200001002,88\n", [(94.3, 1), (88.0, 0)]),
        ("a.csv", b"Report of today,\n,\nName,Attendance %\n\"Ash, Ann\",94.3%\nTotal,91.2%\n", [(94.3, 1)]),
        ("a.csv", b"Name;Attendance\nAnn Ash;100\nBen Bell;97,5\n", [(100.0, 0), None]),
        ("a.xlsx", as_xlsx([["Pupil", "Attendance %"], ["Ann Ash", 0.943], ["Ben Bell", 1]]), [(94.3, 1), (100.0, 0)]),
        ("a.xlsx", as_xlsx([["Pupil", "Attendance %"], ["Ann Ash", 0.942857142857]]), [(94.285714, 6)]),
        ("a.json", b'[{"student_id": "7000", "possible_sessions": 200.0}]', [None]),
    ],
)  # fmt: skip
def test_percentages_as_they_are_written(name, data, rows):
    shares = [r.shares.get("attended") for r in read_list(name, data).rows]
    assert [s and (float(s.value), s.decimals) for s in shares] == rows


SIMS = """<SuperStarReport><Record><UPN>H801200001001</UPN><Adno>004512</Adno><Possible_marks>130</Possible_marks>
<Present_marks>118</Present_marks><Approved_ed_activity>2</Approved_ed_activity><Authorised_absences>6</Authorised_absences>
<Unauthorised_absences>4</Unauthorised_absences><Present_plus_aea>120</Present_plus_aea>
<Unexplained_absences>1</Unexplained_absences><Late_before_reg>3</Late_before_reg><Late_after_reg>0</Late_after_reg>
<Late_both>3</Late_both><Missing_marks>0</Missing_marks><Attendance_not_required>5</Attendance_not_required>
</Record></SuperStarReport>"""


@pytest.mark.parametrize(
    ("name", "data", "counts"),
    [
        ("sims.xml", SIMS.encode(), {
            "possible": 130, "present": 118, "approved": 2, "authorised": 6, "unauthorised": 4, "attended": 120,
            "not_established": 1, "late_before": 3, "late_after": 0, "late": 3, "unmarked": 0, "not_required": 5}),
        ("a.csv", b"UPN,Possible,Present,Auth Abs,Unauth Abs\nH801200001001,130,120,6,4\n", {
            "possible": 130, "attended": 120, "authorised": 6, "unauthorised": 4}),
        ("a.json", b'[{"student_id": "7", "possible_sessions": 130.0, "attended_sessions": 120.0, "late_sessions": 3.0}]', {
            "possible": 130, "attended": 120, "late": 3}),
        ("a.csv", b"Name,Sessions Possible,Sessions Attended,Notes\nAnn,\"1,130\",,x\n", {"possible": 1130}),
    ],
)  # fmt: skip
def test_sessions_as_systems_name_them(name, data, counts):
    assert dict(read_list(name, data).rows[0].counts) == counts


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"Ann Ash\nBen Bell\n\n", ["Ann Ash", "Ben Bell"]),
        (b"H801200001001\nH801200001002\n", ["H801200001001", "H801200001002"]),
        (b"Ash,Ann\nBell,Ben\n", ["Ash Ann", "Bell Ben"]),
        (b"1,Ann Ash,5A\n2,Ben Bell,5B\n", ["Ann Ash", "Ben Bell"]),
        (b"Name\nAnn Ash\nBen Bell\n", ["Ann Ash", "Ben Bell"]),
        (b"Pupil,Class,Stage\nAnn Ash,5A,Stage 2\nBen Bell,5B,\n", ["Ann Ash", "Ben Bell"]),
    ],
)
def test_lists_of_names_alone(data, names):
    assert [r.person.name for r in read_list("names.csv", data).rows] == names


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"1,2,3\n4,5,6\n", "names a pupil"),
        ("a.xlsx", b"PK\x03\x04no", "XLSX"),
        ("a.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a><r><UPN>&b;</UPN></r></a>', "document type"),
        ("a.csv", b"Name,Attendance\n" + b"a b,90\n" * 20_001, "more than 20,000 rows"),
    ],
)
def test_what_is_no_list_is_refused(name, data, why):
    with pytest.raises(UnreadableFile, match=why):
        read_list(name, data)


# ---------------------------------------------------------------- whom a row means

HERE = [
    Person(upn="H801200001001", admission="00012", forename="Seán", surname="O’Brien", class_name="7A"),
    Person(upn="G801200001002", admission="00013", forename="Ann Marie", surname="Lee", preferred="Annie", class_name="7A"),
    Person(upn="F801200001003", forename="Jo", surname="Smith", class_name="7A"),
    Person(upn="E801200001004", forename="Jo", surname="Smith", class_name="7B"),
    Person(upn="D801200001005", forename="Max", surname="Lane", class_name="7B"),
    Person(upn="C801200001006", forename="Max", surname="Lane", class_name="7B"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "at", "sure", "by"),
    [
        (Person(upn="H801200001001"), 0, "certain", "UPN"),
        (Person(admission="12"), 0, "certain", "admission number"),  # a spreadsheet cut the zeros off
        (Person(full_name="O'Brien, Sean", class_name="7a"), 0, "likely", "name and class"),
        (Person(full_name="SEAN OBRIEN"), 0, "likely", "name alone"),
        (Person(forename="Annie", surname="Lee"), 1, "likely", "name alone"),
        (Person(forename="Ann", surname="Lee", class_name="Year 7 7A"), 1, "likely", "name and class"),
        (Person(full_name="Jo Smith", class_name="7B"), 3, "likely", "name and class"),
        (Person(full_name="Jo Smith"), None, "not matched", "two pupils have this name"),
        (Person(full_name="Max Lane", class_name="7B"), None, "not matched", "two pupils have this name"),
        (Person(full_name="Jo Smith", class_name="8C"), None, "not matched", "in another class"),
        (Person(upn="B801200001009", full_name="Seán O’Brien"), None, "not matched", "nobody in the export has this number"),
        (Person(full_name="Nobody Here"), None, "not matched", "no such pupil"),
        (Person(upn="H801200001001", full_name="Ann Lee"), 0, "certain", "the names differ"),
    ],
)  # fmt: skip
def test_whom_a_row_means_is_never_guessed(row, at, sure, by):
    match = Directory(HERE).match([row])[0]
    assert (match.at, match.sure) == (at, sure) and by in match.by


def test_a_name_that_stands_twice_in_the_list_means_nobody():
    rows = [Person(full_name="Sean O'Brien"), Person(full_name="O'Brien Sean")]
    assert [m.at for m in Directory(HERE).match(rows)] == [None, None]


# ---------------------------------------------------------------- differences


def summary(school, outcome, **change) -> bytes:
    rows = []
    for p in school.pupils:
        possible, attended, authorised, unauthorised = figures(outcome, school)[p.upn]
        rows.append((p.upn, p.name, possible, attended, authorised, unauthorised))
    return as_csv(("UPN", "Name", "Possible", "Present + AEA", "Authorised", "Unauthorised"), rows)


def test_a_summary_of_the_same_marks_agrees(school, outcome):
    head = ("UPN", "Possible Marks", "Attended", "Auth", "Unauth", "% Attendance")
    rows = [(upn, *f, f"{100 * f[1] / f[0]:.1f}") for upn, f in figures(outcome, school).items()]
    found = beside(outcome, as_csv(head, rows))
    assert tally(found) == {"agrees": 40} and not found.differences
    assert found.summary[0] == "40 rows in the list: 40 certain by UPN."


def test_rows_by_name_and_class_agree_too(school, outcome):
    rows = [(f"{p.surname}, {p.forename}", p.class_name, *figures(outcome, school)[p.upn][:2]) for p in school.pupils]
    found = beside(outcome, as_csv(("Pupil", "Class", "Possible", "Attended"), rows))
    assert tally(found) == {"agrees": 40} and {d.matched.by for d in found.rows} == {"name and class"}


def test_pupils_whom_either_side_lacks_are_named(school, outcome):
    rows = [(upn, *f[:2]) for upn, f in figures(outcome, school).items()][2:]
    found = beside(outcome, as_csv(("UPN", "Possible", "Attended"), [*rows, ("A801200001999", 100, 90)]))
    missing = {d.named: d for d in found.rows if d.status == "not in the list"}
    assert set(missing) == {p.name for p in school.pupils[:2]}
    strangers = [d for d in found.rows if d.status == "not matched"]
    assert [(d.named, d.words, d.theirs) for d in strangers] == [
        ("A801200001999", "nobody in the export has this number", "possible 100, attended 90")
    ]


def test_a_leaver_whose_row_differs_is_said_to_have_left(school, outcome):
    """Pupil 3 left in December: this list counts every later session as unauthorised."""
    gone = school.pupils[3]
    rows = []
    for p in school.pupils:
        f = figures(outcome, school)[p.upn]
        after = 2 * sum(d > max(d for d, _ in p.marks) for d in school.days) if p is gone else 0
        rows.append((p.upn, f[0] + after, f[1], f[2], f[3] + after))
    found = beside(outcome, as_csv(("UPN", "Possible", "Attended", "Auth", "Unauth"), rows))
    row = of(found, gone.name)
    assert row.status == "explained" and row.note.startswith("no mark here since")
    assert "sessions after the pupil's last day here counted as unauthorised absence" in row.words


def test_a_pupil_who_stands_twice_is_compared_once(school, outcome):
    rows = [(upn, *f[:2]) for upn, f in figures(outcome, school).items()]
    found = beside(outcome, as_csv(("UPN", "Possible", "Attended"), [*rows, rows[0]]))
    assert tally(found) == {"agrees": 40, "not matched": 1}
    assert "twice in the list" in next(d.words for d in found.rows if d.status == "not matched")


def test_the_period_that_a_list_states_is_taken(school, outcome):
    end = dt.date(2025, 12, 12)
    rows = []
    for p in school.pupils:
        codes = [c for (d, _), c in p.marks.items() if d <= end]
        possible = sum(c not in ("X", "D", "Y4", "Z") for c in codes)
        rows.append((p.upn, "2025-09-01", end, possible, sum(c in "/\\LVBK" for c in codes)))
    found = beside(outcome, as_csv(("UPN", "Start Date", "End Date", "Possible", "Attended"), rows))
    assert tally(found) == {"agrees": 40}


def test_a_list_that_goes_on_after_the_export_is_not_explained_but_said(school, outcome):
    rows = [(u, f[0] + 10, f[1] + 9, f[2] + 1, f[3]) for u, f in figures(outcome, school).items()]
    found = beside(outcome, as_csv(("UPN", "Possible", "Attended", "Auth", "Unauth"), rows))
    assert tally(found).get("not explained", 0) > 30
    assert any("may begin earlier or end later" in s for s in found.summary)


def persistent(school: School) -> list[str]:
    return sorted(answer(school).absent)


def test_a_list_of_names_is_taken_for_the_rule_it_fits(school, outcome):
    found = beside(outcome, "\n".join(persistent(school)).encode())
    assert found.kind == "persistent" and "the rule that fits it best" in found.taken
    assert tally(found) == {"agrees": len(persistent(school))}
    on_ladder = beside(outcome, "\n".join(answer(school).stages).encode())
    assert on_ladder.kind == "stage" and set(tally(on_ladder)) == {"agrees"}
    noticed = beside(outcome, "\n".join(answer(school).notices).encode())
    assert noticed.kind == "notice" and set(tally(noticed)) == {"agrees"}


def test_a_list_of_names_with_one_too_many_and_one_too_few(school, outcome):
    names = persistent(school)
    extra = next(p for p in school.pupils if p.upn not in names and figures(outcome, school)[p.upn][0] > 150)
    found = beside(outcome, "\n".join([*names[1:], extra.upn]).encode(), kind="persistent")
    assert tally(found)["agrees"] == len(names) - 1
    only_theirs, only_here = of(found, extra.name), next(d for d in found.rows if d.theirs == "not listed")
    assert "more session" in only_theirs.words and only_theirs.ours.startswith("no, ")
    assert only_here.ours.startswith("yes, ") and "10% or more" in only_here.words


def test_stages_of_a_list(school, outcome):
    """What the list says of stages agrees, is the stage with every step done, or is said to rest on what is not here."""
    here = {outcome.people[s.pupil].upn: s for s in outcome.stages}
    rows = [(p.upn, here[p.upn].stage if p.upn in here else 0) for p in school.pupils]
    assert set(tally(beside(outcome, as_csv(("UPN", "Stage"), rows)))) == {"agrees"}
    done = [(p.upn, here[p.upn].if_done if p.upn in here else 0) for p in school.pupils]
    found = beside(outcome, as_csv(("UPN", "Stage"), done))
    changed = {d.named for d in found.rows if d.status == "explained"}
    assert changed == {outcome.people[s.pupil].name for s in outcome.stages if s.stage != s.if_done}
    quiet = next(p for p in school.pupils if p.upn not in here and figures(outcome, school)[p.upn][0] > 150)
    found = beside(outcome, as_csv(("UPN", "Stage"), [(quiet.upn, 3)]))
    assert of(found, quiet.name).status == "not explained" and "not below 90%" in of(found, quiet.name).words


def test_a_column_that_says_who_is_persistently_absent(school, outcome):
    names = set(persistent(school))
    rows = [(p.upn, "Y" if p.upn in names else "N") for p in school.pupils]
    found = beside(outcome, as_csv(("UPN", "PA"), rows))
    assert tally(found) == {"agrees": len(names)}


def test_a_formula_in_a_list_is_text(outcome):
    found = beside(outcome, as_csv(("Name", "Attendance %"), [("=1+1", "90"), ("@SUM(A1)", "80")]))
    assert {d.status for d in found.rows if d.line} == {"not matched"}


def test_a_list_read_as_another_file_of_marks_says_so(school):
    """The export given as the list: it names pupils, and has no figures."""
    other = read_list("marks.csv", native(make_school(5)))
    assert isinstance(other, OtherList) and not other.figures

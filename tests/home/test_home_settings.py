"""Every setting of a home that is misspelt, missing or impossible is refused with file, key and expectation."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from attendance_pipeline.home import PASSWORD_VARIABLE, Home, find_home, init_home, open_home
from attendance_pipeline.home_check import Finding, check_home
from attendance_pipeline.home_settings import FORMATS
from attendance_pipeline.law.settings_errors import SettingsError, SettingsErrors
from attendance_pipeline.mis.registry import formats

TODAY = dt.date(2026, 2, 10)

# The example of contract.md section 1, with the calendar and policy of an empty home.
CONTRACT = """
[trust]
name = "Oakfield Trust"
time_zone = "Europe/London"
[store]
database = "sqlite:///state/warehouse.db"
[delivery]
drive = "outbox"
letter_day = "Thursday"
[[schools]]
id = "oakfield"
name = "Oakfield Primary School"
urn = 100001
phase = "Primary"
local_authority = "E09000030"
mis = "native"
register_extracts = "changes"
calendar = "calendars/example.toml"
policy = "policies/seed-school.toml"
go_live = 2026-01-05
[schools.letterhead]
address = ["Oakfield Lane", "Leeds", "LS1 4AP"]
telephone = "0113 496 0000"
email = "attendance@oakfield.example"
signatories = { attendance_lead = "Ms A Lead", headteacher = "Mr H Head" }
"""

MINIMAL = """
[trust]
name = "Oakfield Trust"
[[schools]]
id = "oakfield"
name = "Oakfield Primary School"
urn = 100001
phase = "Primary"
local_authority = "E09000030"
calendar = "calendars/example.toml"
policy = "policies/seed-school.toml"
"""

SECOND_SCHOOL = MINIMAL[MINIMAL.index("[[schools]]") :]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return init_home(tmp_path / "home")


def write(home: Path, text: str) -> Path:
    (home / "attendance.toml").write_text(text, encoding="utf-8")
    return home


def faults(home: Path) -> list[SettingsError]:
    with pytest.raises(SettingsError) as caught:
        open_home(home)
    return caught.value.errors if isinstance(caught.value, SettingsErrors) else [caught.value]


def test_the_contracts_example_opens(home: Path) -> None:
    opened = open_home(write(home, CONTRACT))
    school = opened.school("oakfield")
    assert (opened.trust_name, opened.time_zone, opened.letter_day, opened.layout) == (
        "Oakfield Trust",
        "Europe/London",
        3,
        "dl",
    )
    assert (school.name, school.urn, school.phase, school.local_authority) == (
        "Oakfield Primary School",
        100001,
        "Primary",
        "E09000030",
    )
    assert school.go_live == dt.date(2026, 1, 5)
    assert school.letterhead is not None
    assert school.letterhead.address[-1] == "LS1 4AP"
    assert school.letterhead.signatories.get("headteacher") == "Mr H Head"
    assert school.inbox == home / "inbox" / "oakfield"
    assert opened.drive == home / "outbox"
    assert opened.kept == home / "state" / "extracts"
    assert opened.dagster_home == home / "state" / "dagster"
    assert len(school.calendar) > 300
    assert school.policy.name == "seed-school"


def test_optional_tables_and_keys_have_defaults(home: Path) -> None:
    opened = open_home(write(home, MINIMAL))
    school = opened.schools[0]
    assert (opened.time_zone, opened.letter_day, opened.layout) == ("Europe/London", None, "dl")
    assert opened.database_url.database == str(home / "state" / "warehouse.db")
    assert (school.mis, school.register_extracts, school.go_live, school.letterhead) == (
        "native",
        "changes",
        None,
        None,
    )
    assert dict(school.code_map) == {}


# What is changed in the contract's example; the key and the words that the refusal has.
FAULTS = [
    # misspelt
    ('name = "Oakfield Trust"', 'nmae = "Oakfield Trust"', "trust.nmae", "did you mean 'name'"),
    ("time_zone =", "timezone =", "trust.timezone", "did you mean 'time_zone'"),
    ("[trust]", "[turst]", "turst", "did you mean 'trust'"),
    ("[store]", "[stor]", "stor", "did you mean 'store'"),
    ("database =", "databse =", "store.databse", "did you mean 'database'"),
    ("drive =", "drvie =", "delivery.drvie", "did you mean 'drive'"),
    ("letter_day =", "leter_day =", "delivery.leter_day", "did you mean 'letter_day'"),
    ("[[schools]]", "[[school]]", "school", "did you mean 'schools'"),
    ("urn =", "unr =", "schools[1].unr", "did you mean 'urn'"),
    ("phase =", "phse =", "schools[1].phse", "did you mean 'phase'"),
    ("local_authority =", "local_autority =", "schools[1].local_autority", "did you mean 'local_authority'"),
    ("mis =", "miss =", "schools[1].miss", "did you mean 'mis'"),
    ("register_extracts =", "register_extract =", "schools[1].register_extract", "did you mean 'register_extracts'"),
    ("calendar =", "calender =", "schools[1].calender", "did you mean 'calendar'"),
    ("policy =", "polcy =", "schools[1].polcy", "did you mean 'policy'"),
    ("go_live =", "golive =", "schools[1].golive", "did you mean 'go_live'"),
    ("[schools.letterhead]", "[schools.leterhead]", "schools[1].leterhead", "did you mean 'letterhead'"),
    ("address =", "adress =", "schools[1].letterhead.adress", "did you mean 'address'"),
    ("telephone =", "telphone =", "schools[1].letterhead.telphone", "did you mean 'telephone'"),
    ("signatories =", "signatorys =", "schools[1].letterhead.signatorys", "did you mean 'signatories'"),
    ("headteacher =", "head_teacher =", "schools[1].letterhead.signatories.head_teacher", "did you mean 'headteacher'"),
    # missing
    ('name = "Oakfield Trust"\n', "", "trust.name", "required"),
    ('id = "oakfield"\n', "", "schools[1].id", "required"),
    ('name = "Oakfield Primary School"\n', "", "schools[1].name", "required"),
    ("urn = 100001\n", "", "schools[1].urn", "required"),
    ('phase = "Primary"\n', "", "schools[1].phase", "required"),
    ('local_authority = "E09000030"\n', "", "schools[1].local_authority", "required"),
    ('calendar = "calendars/example.toml"\n', "", "schools[1].calendar", "required"),
    ('policy = "policies/seed-school.toml"\n', "", "schools[1].policy", "required"),
    ('telephone = "0113 496 0000"\n', "", "schools[1].letterhead.telephone", "required"),
    # impossible
    ('"Europe/London"', '"Europe/Lundon"', "trust.time_zone", "did you mean 'Europe/London'"),
    ('"Europe/London"', '"/etc/passwd"', "trust.time_zone", "a time zone's name"),
    ('"Oakfield Trust"', '""', "trust.name", "at least 1 character"),
    ('"Thursday"', '"Thurs"', "delivery.letter_day", "'Thursday'"),
    ('"Thursday"', '"Sunday"', "delivery.letter_day", "'Monday'"),
    ('drive = "outbox"', 'layout = "c5"', "delivery.layout", "'dl' or 'notify'"),
    ('drive = "outbox"', "drive = 7", "delivery.drive", "valid string"),
    ('id = "oakfield"', 'id = "Oak Field"', "schools[1].id", "a-z, 0-9 and '-'"),
    ('id = "oakfield"', 'id = "../oakfield"', "schools[1].id", "a-z, 0-9 and '-'"),
    ('id = "oakfield"', 'id = "-oakfield"', "schools[1].id", "begins with a letter or a digit"),
    ("urn = 100001", "urn = 99999", "schools[1].urn", "100000"),
    ("urn = 100001", "urn = 1000000", "schools[1].urn", "999999"),
    ("urn = 100001", 'urn = "100001"', "schools[1].urn", "valid integer"),
    ('"Primary"', '"primary"', "schools[1].phase", "'Primary', 'Secondary' or 'Special'"),
    ('"E09000030"', '"E0900030"', "schools[1].local_authority", "E and eight digits"),
    ('mis = "native"', 'mis = "natve"', "schools[1].mis", "did you mean 'native'"),
    ('"changes"', '"change"', "schools[1].register_extracts", "'changes' or 'complete'"),
    ("calendars/example", "calendars/exmple", "schools[1].calendar", "did you mean 'calendars/example.toml'"),
    ("policies/seed-school", "policies/seed", "schools[1].policy", "did you mean 'policies/seed-school.toml'"),
    ("go_live = 2026-01-05", 'go_live = "2026-01-05"', "schools[1].go_live", "valid date"),
    ('["Oakfield Lane", "Leeds", "LS1 4AP"]', "[]", "schools[1].letterhead.address", "at least 1 item"),
    ('["Oakfield Lane",', '["a","b","c","d",', "schools[1].letterhead.address", "at most 5 items"),
    ("attendance@oakfield", "attendance oakfield", "schools[1].letterhead.email", "pattern"),
    ("sqlite:///state/warehouse.db", "sqlite://", "store.database", "sqlite:///state/warehouse.db"),
    ("sqlite:///state/warehouse.db", "mysql://h/n", "store.database", "postgresql+psycopg://user@host/name"),
    ("sqlite:///state/warehouse.db", "warehouse", "store.database", "sqlite:///state/warehouse.db"),
    ("sqlite:///state/warehouse.db", "postgresql+psycopg://u:s3cret@h/n", "store.database", PASSWORD_VARIABLE),
    ("go_live = 2026-01-05", 'code_map = { "I01" = "II" }', "schools[1].code_map.I01.code", "a register code"),
    ("go_live = 2026-01-05", "owners = { ofice = 'x' }", "schools[1].owners.ofice", "did you mean 'office'"),
    ("[trust]", "[quality]\nfew_pupls = 3\n[trust]", "quality.few_pupls", "did you mean 'few_pupils'"),
    ("[trust]", "[quality]\nabsent_percent = 101\n[trust]", "quality.absent_percent", "100"),
    ("[trust]", "[quality]\nconfirmed_days = [2026-01-05]\n[trust]", "quality.confirmed_days", "no such setting"),
    (
        "go_live =",
        "quality.confirmed_days = ['2026-01-05']\ngo_live =",
        "schools[1].quality.confirmed_days[1]",
        "valid date",
    ),
    ("[trust]", "[trust", "(whole file)", "TOML that can be read"),
]


@pytest.mark.parametrize(
    ("good", "bad", "key", "words"), FAULTS, ids=[f"{k}: {b or 'missing'}" for _, b, k, _ in FAULTS]
)
def test_a_fault_names_file_key_and_what_was_expected(home: Path, good: str, bad: str, key: str, words: str) -> None:
    assert CONTRACT.count(good) >= 1
    found = faults(write(home, CONTRACT.replace(good, bad, 1)))
    matching = [f for f in found if f.key == key]
    assert matching, [str(f) for f in found]
    message = str(matching[0])
    assert words in message
    assert str(home / "attendance.toml") in message
    assert "s3cret" not in "".join(map(str, found))


def test_all_faults_of_all_files_are_found_at_once(home: Path) -> None:
    text = CONTRACT.replace("urn = 100001", "urn = 1").replace('"Thursday"', '"Thurs"')
    calendar = home / "calendars" / "example.toml"
    calendar.write_text(calendar.read_text(encoding="utf-8").replace('season = "spring"', 'season = "sprung"', 1))
    policy = home / "policies" / "seed-school.toml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("settle_school_days", "setle_school_days"))
    keys = {(f.path.name, f.key) for f in faults(write(home, text))}
    assert {("attendance.toml", "schools[1].urn"), ("attendance.toml", "delivery.letter_day")} <= keys
    assert ("example.toml", "years[1].terms[2].season") in keys
    assert ("seed-school.toml", "ladder[1].setle_school_days") in keys
    assert len(keys) == 4


def test_limits_of_plausible_days_are_the_homes_and_over_them_a_schools_own(home: Path) -> None:
    text = (
        MINIMAL
        + "[schools.quality]\nfew_pupils = 3\nconfirmed_days = [2026-01-05]\n"
        + SECOND_SCHOOL.replace("oakfield", "elmbrook").replace("100001", "100002")
    )
    opened = open_home(write(home, "[quality]\nfew_pupils = 9\nabsent_percent = 62.5\n" + text))
    oakfield, elmbrook = (school.quality for school in opened.schools)
    assert (oakfield.few_pupils, oakfield.absent_percent, oakfield.smallest_class) == (3, 62.5, 5)
    assert (elmbrook.few_pupils, elmbrook.absent_percent, elmbrook.smallest_class) == (9, 62.5, 5)
    assert (oakfield.confirmed_days, elmbrook.confirmed_days) == ((dt.date(2026, 1, 5),), ())


def test_a_confirmed_day_that_is_no_school_day_is_said(home: Path) -> None:
    write(home, MINIMAL + "[schools.quality]\nconfirmed_days = [2026-01-06, 2026-01-04]\n")
    said = [f for f in check_home(home, TODAY) if f.key == "schools (oakfield).quality.confirmed_days"]
    assert [(f.severity, f.message) for f in said] == [("warning", "2026-01-04 is no school day of its calendar")]


def test_two_schools_cannot_share_an_id_or_urn(home: Path) -> None:
    keys = [f.key for f in faults(write(home, MINIMAL + SECOND_SCHOOL))]
    assert keys == ["schools[2].id", "schools[2].urn"]
    other = SECOND_SCHOOL.replace('"oakfield"', '"elmfield"').replace("100001", "100002")
    assert open_home(write(home, MINIMAL + other)).school_ids == ("oakfield", "elmfield")


def test_no_schools(home: Path) -> None:
    assert [f.key for f in faults(write(home, '[trust]\nname = "T"\n'))] == ["schools"]
    assert [f.key for f in faults(write(home, 'schools = []\n[trust]\nname = "T"\n'))] == ["schools"]


def test_a_folder_without_settings_is_no_home(tmp_path: Path) -> None:
    assert "attendance init" in str(faults(tmp_path)[0])


def test_an_unknown_school_is_answered_with_those_there_are(home: Path) -> None:
    with pytest.raises(SettingsError, match=r"one of oakfield, not 'oakfeild' \(did you mean 'oakfield'\?\)"):
        open_home(write(home, CONTRACT)).school("oakfeild")


def test_the_password_comes_from_the_environment_and_is_never_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = MINIMAL + '[store]\ndatabase = "postgresql+psycopg://reader@db.example/attendance"\n'
    monkeypatch.setenv(PASSWORD_VARIABLE, "s3/cr@t")
    url = open_home(write(home, text)).database_url
    assert url.password == "s3/cr@t"
    assert "s3" not in str(url)
    monkeypatch.delenv(PASSWORD_VARIABLE)
    assert open_home(home).database_url.password is None


def test_a_code_map_translates_on_its_days(home: Path) -> None:
    text = MINIMAL + '[schools.code_map]\n"I01" = "I"\n"?" = { code = "J1", valid_from = 2024-08-19 }\n'
    school = open_home(write(home, text)).schools[0]
    assert school.codes_on(dt.date(2024, 8, 18)) == {"I01": "I"}
    assert school.codes_on(dt.date(2024, 8, 19)) == {"I01": "I", "?": "J1"}


def test_the_drive_may_be_elsewhere(home: Path, tmp_path: Path) -> None:
    text = MINIMAL + f'[delivery]\ndrive = "{(tmp_path / "mounted").as_posix()}"\n'
    assert open_home(write(home, text)).drive == tmp_path / "mounted"


def test_find_home_takes_the_argument_then_the_variable_then_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATTENDANCE_HOME", raising=False)
    assert find_home() == tmp_path
    monkeypatch.setenv("ATTENDANCE_HOME", str(tmp_path / "variable"))
    assert find_home() == tmp_path / "variable"
    assert find_home("argument") == tmp_path / "argument"


# --- init and check ---------------------------------------------------------------------------------------------------


def worth_a_look(path: Path, today: dt.date = TODAY) -> list[tuple[str, str]]:
    return [(f.severity, f.key) for f in check_home(path, today) if f.severity != "note"]


def test_an_empty_home_passes_its_check(home: Path) -> None:
    assert worth_a_look(home) == []
    notes = [f.message for f in check_home(home, TODAY)]
    assert "2025/26 Autumn: 73 school days" in notes
    for folder in ("inbox/example", "outbox", "state", "letter_templates", "mis"):
        assert (home / folder).is_dir()
        assert not list((home / folder).iterdir())
    assert (home / "state").stat().st_mode & 0o777 == 0o700
    assert (home / "inbox").stat().st_mode & 0o007 == 0


def test_init_refuses_a_home_and_a_file_in_the_way(home: Path, tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}
    with pytest.raises(SettingsError, match="a home already"):
        init_home(home)
    assert before == {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}
    other = tmp_path / "other"
    (other / "policies").mkdir(parents=True)
    (other / "policies" / "seed-school.toml").write_text("mine")
    with pytest.raises(SettingsError, match="in the way"):
        init_home(other)
    assert [p.name for p in other.rglob("*")] == ["policies", "seed-school.toml"]


@pytest.mark.parametrize(("file", "wanted"), [("new", "new"), ("new", "new/home"), ("new/inbox", "new")])
def test_init_refuses_a_file_where_a_folder_is_to_be(tmp_path: Path, file: str, wanted: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SettingsError, match="a folder, or nothing yet") as refused:
        init_home(tmp_path / wanted)
    assert refused.value.path == tmp_path / file
    assert sorted(tmp_path.rglob("*")) == before


def test_init_can_be_repeated_after_an_interruption(home: Path) -> None:
    (home / "attendance.toml").unlink()
    init_home(home)
    assert worth_a_look(home) == []


def test_check_says_what_deserves_a_word(home: Path) -> None:
    text = MINIMAL + 'go_live = 2031-01-05\n[delivery]\ndrive = "nowhere"\n'
    (home / "inbox" / "oakfeild").mkdir()
    (home / "state").chmod(0o755)
    policy = home / "policies" / "seed-school.toml"
    text_of_policy = policy.read_text(encoding="utf-8")
    assert "review_by = 2027-08-31" in text_of_policy
    policy.write_text(text_of_policy.replace("review_by = 2027-08-31", "review_by = 2026-02-09"))
    calendar = home / "calendars" / "example.toml"
    calendar.write_text(calendar.read_text(encoding="utf-8").replace("ends = 2026-07-20", "ends = 2026-07-31"))
    write(home, text)
    found = worth_a_look(home)
    assert found[0] == ("error", "delivery.drive")
    assert set(found[1:]) == {
        ("warning", "state"),
        ("warning", "inbox"),
        ("warning", "schools (oakfield).go_live"),
        ("warning", "schools (oakfield).letterhead"),
        ("warning", "review_by"),
        ("warning", "years"),
    }
    assert ("warning", "review_by") not in worth_a_look(home, dt.date(2026, 2, 9))
    policy.write_text(text_of_policy.replace("review_by = 2027-08-31", ""))
    assert ("note", "review_by") in [(f.severity, f.key) for f in check_home(home, TODAY)]
    run = '[[penalty_notice_rules]]\nname = "run"\nany_of = [{ sessions = 6, consecutive_sessions = true%s }]\n\n[letters]'
    for window, noted in ((", school_weeks = 10", False), ("", True)):
        policy.write_text(text_of_policy.replace("[letters]", run % window))
        found = [(f.severity, f.key) for f in check_home(home, TODAY)]
        assert (("note", "penalty_notice_rules[3].any_of") in found) == noted
    assert any("did you mean 'oakfield'" in f.message for f in check_home(home, TODAY) if f.key == "inbox")


def test_check_warns_when_the_calendar_or_the_ladder_ends(home: Path) -> None:
    assert ("warning", "years") not in worth_a_look(home, dt.date(2027, 5, 25))
    assert ("warning", "years") in worth_a_look(home, dt.date(2027, 5, 26)), "eight weeks before its last day"
    assert ("warning", "years") in worth_a_look(home, dt.date(2027, 7, 22))
    policy = home / "policies" / "seed-school.toml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("valid_from = 2023-09-01", "valid_from = 2026-09-01"))
    assert worth_a_look(home) == [("warning", "ladder")]


@pytest.mark.parametrize(
    ("file", "good", "bad", "key", "words"),
    [
        ("calendars/example.toml", '"2026/27"', '"2025/26"', "years.name", "a name of its own"),
        ("calendars/example.toml", '"2026/27"', '"2026:27"', "years[2].name", "a name such as 2025/26"),
        ("calendars/example.toml", '"2026/27"', '"../27"', "years[2].name", "a name such as 2025/26"),
        ("policies/seed-school.toml", "valid_from = 2024-08-19", "valid_from = 2024-08-19\nvalid_to = 2024-08-18",
         "penalty_notice_rules[2]", "valid_to to be on or after valid_from"),
        ("policies/seed-school.toml", "valid_from = 2023-09-01", "valid_from = 2023-09-01\nvalid_to = 2023-08-31",
         "ladder[1]", "valid_to to be on or after valid_from"),
    ],
)  # fmt: skip
def test_years_and_dates_that_cannot_be_are_refused(
    home: Path, file: str, good: str, bad: str, key: str, words: str
) -> None:
    path = home / file
    text = path.read_text(encoding="utf-8")
    assert good in text
    path.write_text(text.replace(good, bad, 1), encoding="utf-8")
    found = [f for f in check_home(home, TODAY) if f.severity == "error"]
    assert [(f.file, f.key) for f in found] == [(path, key)]
    assert words in found[0].message


def test_check_reports_settings_that_are_refused(home: Path) -> None:
    found = check_home(write(home, CONTRACT.replace("urn =", "unr =")), TODAY)
    assert {(f.severity, f.key) for f in found} == {("error", "schools[1].unr"), ("error", "schools[1].urn")}
    assert all(f.file == home / "attendance.toml" for f in found)


def test_other_checkers_are_asked_when_the_settings_hold(home: Path) -> None:
    def templates(opened: Home) -> list[Finding]:
        return [Finding("error", opened.letter_templates / "letter_1.md.j2", "line 3", "no such field")]

    assert check_home(home, TODAY, [templates])[0].key == "line 3"
    assert "line 3" not in [f.key for f in check_home(write(home, "["), TODAY, [templates])]


@pytest.mark.parametrize("name", ["mis/arbor.toml", "arbor", "arbor.toml"])
def test_a_school_may_name_a_column_map(home: Path, name: str) -> None:
    (home / "mis" / "arbor.toml").write_text('[pupils]\ncolumns = { UPN = "Unique Pupil No" }\n')
    school = open_home(write(home, CONTRACT.replace('mis = "native"', f'mis = "{name}"'))).schools[0]
    assert school.column_map is not None and school.column_map.pupils is not None
    assert school.column_map.pupils.columns == {"UPN": "Unique Pupil No"}
    assert open_home(write(home, CONTRACT)).schools[0].column_map is None


@pytest.mark.parametrize("name", ["mis/arbr.toml", "../mis/arbor", "/mis/arbor.toml", "sub/arbor"])
def test_a_column_map_that_is_not_there(home: Path, name: str) -> None:
    (home / "mis" / "arbor.toml").write_text("[pupils]\n")
    found = faults(write(home, CONTRACT.replace('mis = "native"', f'mis = "{name}"')))
    assert [f.key for f in found] == ["schools[1].mis"]
    assert "did you mean 'mis/arbor.toml'" in str(found[0])


def test_a_column_map_at_fault_is_told_with_the_rest(home: Path) -> None:
    (home / "mis" / "arbor.toml").write_text("[register]\n[pupils]\nskip_row = 1\n")
    text = CONTRACT.replace('mis = "native"', 'mis = "arbor"').replace("urn = 100001", "urn = 1")
    assert {(f.path.name, f.key) for f in faults(write(home, text)) if f.path} == {
        ("attendance.toml", "schools[1].urn"),
        ("arbor.toml", "pupils.skip_row"),
    }


def test_the_formats_that_settings_allow_are_those_that_are_read() -> None:
    assert set(FORMATS) == set(formats())


def test_where_the_log_is_and_what_is_kept_of_forms(home: Path) -> None:
    school = open_home(write(home, CONTRACT)).schools[0]
    assert (school.log_extracts, school.intervention_log, school.keep_reasons) == ("changes", None, False)
    set_ = 'log_extracts = "complete"\nintervention_log = "office/Log.xlsx"\nkeep_reasons = true\nurn ='
    school = open_home(write(home, CONTRACT.replace("urn =", set_))).schools[0]
    assert (school.log_extracts, school.intervention_log, school.keep_reasons) == (
        "complete",
        home.resolve() / "office" / "Log.xlsx",
        True,
    )
    elsewhere = CONTRACT.replace("urn =", 'intervention_log = "/mnt/office/log.csv"\nurn =')
    assert open_home(write(home, elsewhere)).schools[0].intervention_log == Path("/mnt/office/log.csv")


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("office/log.xlsx", "warning"),
        ("inbox/oakfield/log.xlsx", "error"),
    ],
)
def test_check_says_where_a_log_cannot_be(home: Path, log: str, found: str) -> None:
    told = worth_a_look(write(home, CONTRACT.replace("urn =", f'intervention_log = "{log}"\nurn =')))
    assert [f for f in told if "intervention_log" in f[1]] == [(found, "schools (oakfield).intervention_log")]


def test_a_log_is_a_table(home: Path) -> None:
    found = faults(write(home, CONTRACT.replace("urn =", 'intervention_log = "log.docx"\nurn =')))
    assert [(f.key, "a CSV or XLSX file" in str(f)) for f in found] == [("schools[1].intervention_log", True)]


def test_a_school_says_which_periods_belong_to_which_registration(home: Path) -> None:
    said = '[schools.lessons]\nmorning = ["1", "2"]\nafternoon = ["3"]\n'
    text = CONTRACT.replace("[schools.letterhead]", f"{said}[schools.letterhead]")
    school = open_home(write(home, text)).schools[0]
    assert (school.lessons.morning, school.lessons.afternoon) == (("1", "2"), ("3",))
    (found,) = faults(write(home, text.replace('["3"]', '["2", "3"]')))
    assert found.key == "schools[1].lessons" and "not in both: 2" in str(found)
    assert open_home(write(home, CONTRACT)).schools[0].lessons.morning == ()


# ---------------------------------------------------------------- telling

MAIL = """
[telling.mail]
host = "smtp.oakfield.example"
sender = "pipeline@oakfield.example"
to = ["data.manager@oakfield.example"]
"""


def with_telling(home: Path, text: str) -> Path:
    return write(home, CONTRACT.replace("[[schools]]", f"{text}\n[[schools]]", 1))


def test_telling_has_defaults_that_need_nobody(home: Path) -> None:
    telling = open_home(write(home, CONTRACT)).settings.telling
    assert (telling.late_after_school_days, telling.good_nights, telling.note_by_hour) == (1, False, 8)
    assert (telling.mail, telling.webhook, telling.ping) == (None, None, None)
    mail = open_home(with_telling(home, MAIL)).settings.telling.mail
    assert mail is not None
    assert (mail.port, mail.security) == (587, "starttls")


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        (MAIL.replace("to = [", "to = [] # "), "telling.mail.to", "at least 1 item"),
        (MAIL.replace("data.manager@", "data manager@"), "telling.mail.to[1]", "an e-mail address and no more"),
        (MAIL.replace("pipeline@oakfield.example", "a@b\\nBcc: c@d"), "telling.mail.sender", "an e-mail address"),
        (MAIL + 'security = "ssl"', "telling.mail.security", "'starttls', 'tls' or 'none'"),
        (MAIL + 'security = "none"\nuser = "x"', "telling.mail", "a password never goes unencrypted"),
        (MAIL + 'password = "a secret"', "telling.mail.password", "no such setting"),
        (MAIL + "port = 0", "telling.mail.port", "greater than or equal to 1"),
        ('[telling.webhook]\nurl = "http://hooks.example/TOKEN"', "telling.webhook", "https://"),
        ('[telling.webhook]\nurl = "https://u:TOKEN@hooks.example/"', "telling.webhook", "ATTENDANCE_WEBHOOK_SECRET"),
        ('[telling.ping]\nurl = "file:///TOKEN"', "telling.ping", "an address such as"),
        ("[telling]\nlate_after_school_days = 0", "telling.late_after_school_days", "greater than or equal to 1"),
        ("[telling]\nnote_by_hour = 24", "telling.note_by_hour", "less than or equal to 12"),
    ],
)
def test_a_setting_of_telling_that_cannot_be_is_refused_without_showing_a_secret(
    home: Path, text: str, key: str, expected: str
) -> None:
    (fault,) = faults(with_telling(home, text))
    assert fault.key == key
    assert expected in str(fault)
    assert "TOKEN" not in str(fault)


def telling_findings(home: Path) -> list[tuple[str, str]]:
    return [(f.severity, f.message) for f in check_home(home, TODAY) if f.key.startswith("telling")]


def test_check_says_which_secret_is_not_set_and_that_nobody_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAIL_PASSWORD", "WEBHOOK_URL", "PING_URL"):
        monkeypatch.delenv(f"ATTENDANCE_{name}", raising=False)
    ((severity, words),) = telling_findings(write(home, CONTRACT))
    assert severity == "note"
    assert "by the note on the drive alone" in words
    with_telling(home, MAIL + 'user = "pipeline"\n[telling.webhook]\n[telling.ping]')
    assert [s for s, _ in telling_findings(home)] == ["warning"] * 3
    monkeypatch.setenv("ATTENDANCE_MAIL_PASSWORD", "a secret")
    monkeypatch.setenv("ATTENDANCE_PING_URL", "https://ping.example/TOKEN")
    monkeypatch.setenv("ATTENDANCE_WEBHOOK_URL", "http://hooks.example/TOKEN")
    ((severity, words),) = telling_findings(home)
    assert severity == "error"
    assert "https:// (http:// is for this machine alone) in the variable ATTENDANCE_WEBHOOK_URL" in words
    assert "TOKEN" not in words

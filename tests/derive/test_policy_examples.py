"""Policies say in examples what they make of marks: the shipped ones' come true, and one that does not is told.

docs/policy.md lists the policies and their settings from the files: `.venv/bin/python tests/derive/test_policy_examples.py`
writes those lists anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from attendance_pipeline.cli import main
from attendance_pipeline.derive.worked_examples import check_examples
from attendance_pipeline.law.policy import (
    WINDOW_KINDS,
    Ladder,
    Policy,
    policy_from_text,
    shipped_policies,
    shipped_policy_text,
)
from attendance_pipeline.law.settings_errors import SettingsError

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"
LADDER = 'name = "p"\n[[ladder]]\nthresholds = { autumn = 85, spring = 90, summer = 90 }\n'
RULE = '[[penalty_notice_rules]]\nname = "ten"\nany_of = [{ sessions = 10, school_weeks = 10 }]\n'


def read(text: str, name: str = "p") -> Policy:
    return policy_from_text(text, Path(f"{name}.toml"))


def example(body: str, policy: str = LADDER + RULE) -> list[str]:
    text = policy + f'[[examples]]\nwords = "an example"\n{body}\n'
    return [d.problem for d in check_examples(read(text))]


@pytest.mark.parametrize("name", shipped_policies())
def test_what_a_shipped_policy_says_in_examples_comes_true(name: str) -> None:
    policy = read(shipped_policy_text(name), name)
    assert policy.setting.examples
    assert [str(d) for d in check_examples(policy)] == []
    assert policy.name == name


def changed(name: str, pattern: str, by: int) -> Iterator[tuple[str, str]]:
    """The policy with one number of its settings changed, for each that the pattern finds, and what was changed."""
    rules, sign, examples = shipped_policy_text(name).partition("[[examples]]")
    for found in re.finditer(pattern, rules):
        at, end = found.span(1)
        yield f"{found[0]} by {by}", rules[:at] + str(int(found[1]) + by) + rules[end:] + sign + examples


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("name", [n for n in shipped_policies() if not n.startswith(("levels", "success"))])
def test_the_examples_notice_another_number_of_sessions(name: str, by: int) -> None:
    texts = dict(changed(name, r"any_of = \[\{ sessions = (\d+)", by))
    assert texts
    assert [what for what, text in texts.items() if not check_examples(read(text, name))] == []


@pytest.mark.parametrize("name", [n for n in shipped_policies() if n.startswith(("levels", "success", "seed"))])
def test_the_examples_notice_another_level_of_attendance(name: str) -> None:
    texts = dict(changed(name, r"(?:autumn|below|period_attendance) = (\d+)", -5))
    assert texts
    unnoticed = []
    for what, text in texts.items():
        try:
            wrong = check_examples(read(text, name))
        except SettingsError:
            continue  # stages whose levels would be in the wrong order
        if not wrong:
            unnoticed.append(what)
    assert unnoticed == []


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ('marks = { "2025-10-06..2025-10-10" = "OO" }\nexpect = [{ on = 2025-10-13, rule = "ten", status = "met", counted = 10 }]', []),
        ('marks = { "2025-10-06" = "OO OO OO OO OO" }\nexpect = [{ on = 2025-10-13, rule = "ten", counted = 10, needed = 0 }]', []),
        ('marks = { "2025-10-06..2025-10-10" = "OO" }\nexpect = [{ on = 2025-10-13, rule = "ten", status = "near", counted = 10 }]',
         ["on 2025-10-13 ten: expected status near, and it is met"]),
        ('expect = [{ on = 2025-09-16, stage = 1 }]', ["on 2025-09-16 expected stage 1, and it is 0"]),
        ('marks = { "2025-09-02" = "OO OO" }\nexpect = [{ on = 2025-09-16, stage = 1, events = [] }]',
         ["on 2025-09-16 expected events none, and it is 2025-09-16 opened 0>1"]),
        ('expect = [{ on = 2025-10-29, stage = 0 }]', ["expected a school day of the example on which the pupil is on roll, not 2025-10-29"]),
        ('entry = 2025-11-03\nexpect = [{ on = 2025-10-20, stage = 0 }]', ["expected a school day of the example on which the pupil is on roll, not 2025-10-20"]),
        ('marks = { "2025-10-29" = "OO" }\nexpect = [{ on = 2025-11-05, stage = 0 }]', ["expected marks of school days of the example, not of 2025-10-29"]),
        ('marks = { "2025-09-03" = "C1,Y1 -/ /O" }\nexpect = [{ on = 2025-10-20, rule = "ten", counted = 1 }]', []),
        ('marks = { "2026-03-02..2026-03-06" = "OO" }\nborn = 2021-06-01\nexpect = [{ on = 2026-03-09, rule = "ten", counted = 0 }]', []),
    ],
)  # fmt: skip
def test_where_an_example_does_not_come_true_it_says_what_is_so(body: str, problems: list[str]) -> None:
    assert example(body) == problems


def test_an_example_may_have_its_own_school_year() -> None:
    years = """
[[examples.years]]
name = "2030/31"
[[examples.years.terms]]
name = "Autumn"
season = "autumn"
starts = 2030-09-02
ends = 2030-12-20
"""
    body = f'born = 2020-01-01\nmarks = {{ "2030-09-02..2030-09-06" = "OO" }}\nexpect = [{{ on = 2030-09-09, rule = "ten", status = "met" }}]{years}'
    assert example(body) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('expect = []', "at least 1 item"),
        ('expect = [{ on = 2025-10-13 }]', "something to be expected"),
        ('expect = [{ on = 2025-10-13, counted = 1 }]', "name a `rule` for the others"),
        ('expect = [{ on = 2025-10-13, rule = "ten", stage = 1 }]', "a penalty-notice rule, not stage"),
        ('expect = [{ on = 2025-10-13, rule = "tne", status = "met" }]', "one of its penalty-notice rules (ten), not 'tne'"),
        ('marks = { "2025-10-06" = "OOO" }\nexpect = [{ on = 2025-10-13, stage = 1 }]', "two codes a school day"),
        ('marks = { "6 October" = "OO" }\nexpect = [{ on = 2025-10-13, stage = 1 }]', "a date, or two with .. between them"),
        ('marks = { "2025-10-06" = "O?" }\nexpect = [{ on = 2025-10-13, stage = 1 }]', "?"),
        ('log = [{ date = 2025-10-06, action = "letter" }]\nexpect = [{ on = 2025-10-13, stage = 1 }]', "an action of the intervention log, not 'letter'"),
        ('expekt = 1\nexpect = [{ on = 2025-10-13, stage = 1 }]', "no such setting"),
    ],
)  # fmt: skip
def test_an_example_that_cannot_be_understood_is_refused(body: str, words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        example(body)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "p"\n[[ladder]]\nthresholds = 0.95\n', "thresholds.autumn: expected a percentage such as 95, not 0.95"),
        ('name = "p"\n[[ladder]]\nthresholds = { autumn = "95%", spring = 95, summer = 95 }\n', "expected a number, not '95%'"),
        (LADDER + RULE.replace("[{", "{").replace("}]", "}"), "any_of: expected a list, in [ ]"),
        (LADDER + RULE.replace('"ten"', '"Ten sessions"'), "name: expected small letters, digits and hyphens, such as"),
        (LADDER + 'stages.1 = { below = 80 }\n', "no stages.1.below: stage 1 opens below `thresholds`"),
    ],
)  # fmt: skip
def test_a_slip_is_refused_in_words_of_the_file(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        read(text)


def test_one_is_as_good_as_a_list_of_one_and_one_level_as_the_same_for_each_season() -> None:
    short = (
        'name = "p"\n[[ladder]]\nthresholds = 95\nstages.1 = { requires = "letter_sent" }\nstages.2 = { below = 90 }\n'
    )
    policy = read(short + RULE + 'codes = "U"\n')
    assert policy.ladders[0].levels()[:2] == ((95_000,) * 3, (90_000,) * 3)
    assert policy.ladders[0].stages.one.requires == ("letter_sent",)
    assert policy.rules[0].codes == ("U",)


def test_an_example_of_another_year_is_told_to_name_it() -> None:
    (problem,) = example("expect = [{ on = 2031-10-13, stage = 0 }]")
    assert problem.endswith("not 2031-10-13: without `years` it is about 2024-09-03 to 2026-07-21")


def test_check_works_the_examples_of_a_home_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from small_home import small_home  # here, so that the page can be written without the tests' own folders

    home = small_home(tmp_path / "home")
    assert main(["check", "--home", str(home)]) == 0
    policy = home / "policies" / "seed-school.toml"
    text = policy.read_text()
    policy.write_text(text.replace("autumn = 85", "autumn = 58"))  # a slip of the fingers
    capsys.readouterr()
    assert main(["check", "--home", str(home)]) == 2
    told = capsys.readouterr().out
    assert f"{policy}: examples[1]: Absence without a good reason" in told
    assert "expected stage 1, and it is 0" in told


def test_a_policy_is_printed_to_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies"]) == 0
    listed = capsys.readouterr().out
    assert [line for line in listed.splitlines() if not line.startswith(" ")] == shipped_policies()
    assert main(["policies", "--json"]) == 0
    assert [policy["name"] for policy in json.loads(capsys.readouterr().out)] == shipped_policies()
    assert main(["policies", "seed-school", "--json"]) == 2
    assert main(["policies", "levels-97-95-90"]) == 0
    assert capsys.readouterr().out == shipped_policy_text("levels-97-95-90")
    assert main(["policies", "nobody's"]) == 2


# ---------------------------------------------------------------- the page


def _settings() -> Iterator[str]:
    yield "| setting of `[[ladder]]` | default |"
    yield "|---|---|"
    for name, field in Ladder.model_fields.items():
        if name in ("valid_from", "valid_to", "source"):
            continue
        default = "required" if field.is_required() else _told(field.default)
        yield f"| `{name}` | {default} |"
    yield ""
    yield f"Windows of a penalty-notice rule: {', '.join(f'`{kind}`' for kind in WINDOW_KINDS)}."


def _told(value: object) -> str:
    if value is None:
        return "none"
    if hasattr(value, "model_dump"):
        return ", ".join(f"`{k}` {_told(v)}" for k, v in value.model_dump(exclude_none=True, by_alias=True).items())
    if isinstance(value, dict):
        return " ".join(f"{k} = {_told(v)}" for k, v in value.items() if v != ()) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _policies() -> Iterator[str]:
    for name in shipped_policies():
        policy = read(shipped_policy_text(name), name)
        first = shipped_policy_text(name).splitlines()[0].removeprefix("# ")
        yield f"### `{name}`"
        yield ""
        yield first
        yield ""
        for source in dict.fromkeys([v.source for v in policy.ladders] + [r.source for r in policy.rules]):
            yield f"* Source: {source}."
        for worked in policy.setting.examples:
            yield f"* Example: {worked.words}."
        yield ""


PARTS = {"settings": _settings, "policies": _policies}


def renewed(text: str) -> str:
    for part, lines in PARTS.items():
        begin, end = f"<!-- {part}: made by tests/derive/test_policy_examples.py -->", f"<!-- end of {part} -->"
        before, _, rest = text.partition(begin)
        assert rest, f"docs/policy.md lacks {begin}"
        text = before + begin + "\n\n" + "\n".join(lines()).strip() + "\n\n" + end + rest.partition(end)[2]
    return text


def test_the_page_of_policies_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert renewed(text) == text, "run .venv/bin/python tests/derive/test_policy_examples.py"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

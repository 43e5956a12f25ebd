"""Whose form it is: every case as a line of a table. What is not certain is shown to a person and matched with nobody."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from exam_school import calendar, day
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance_pipeline.derive.inputs import PupilTable
from attendance_pipeline.derive.matching import Form, PupilName, Roll
from attendance_pipeline.derive.names import cuts, group_name, is_nearly, words

CALENDAR = calendar()

# Who is on roll: class, year, forename, surname, preferred forename, date of birth, on roll from / until.
PUPILS: dict[str, dict[str, Any]] = {
    "ann 4A": {"in": "4A", "year": "4", "name": ("Ann", "Lee"), "born": "2017-01-02"},
    "ann 5B": {"in": "5B", "year": "5", "name": ("Ann", "Lee"), "born": "2016-03-04"},
    "bob": {"in": "4A", "year": "4", "name": ("Robert", "O’Brien", "Bob")},
    "zoe": {"in": "3/4 Elm", "year": "3", "name": ("Zoë", "Núñez-Gómez")},
    "anne-marie": {"in": "4A", "year": "4", "name": ("Anne-Marie", "van der Berg")},
    "james t": {"in": "5B", "year": "5", "name": ("James", "Thomas")},
    "sam": {"in": "RA", "year": "R", "name": ("Sam", "Elm")},
    "omar": {"in": "5B", "year": "5", "name": ("عمر", "حداد")},
    "mia": {"in": "4A", "year": "4", "name": ("Mia Rose", "Smith")},
    "gone": {"in": "5B", "year": "5", "name": ("Gus", "Gone"), "until": "09-30"},
    "new": {"in": "5B", "year": "5", "name": ("Nia", "Newton"), "from": "01-05"},
    "twin 1": {"in": "4A", "year": "4", "name": ("Kim", "Park"), "born": "2017-05-05"},
    "twin 2": {"in": "4A", "year": "4", "name": ("Kim", "Park"), "born": "2017-06-06"},
    "liz": {"in": "5B", "year": "5", "name": ("Elizabeth", "Hill", "Liz")},
    "liz too": {"in": "4A", "year": "4", "name": ("Liz", "Hill")},
    "one name": {"in": "5B", "year": "5", "name": ("Suharto", "")},
}
WHO = list(PUPILS)


def roll() -> Roll:
    rows = [
        {"class_name": p["in"], "year_group": p["year"]}
        | ({"entry": day(p["from"])} if "from" in p else {})
        | ({"leave": day(p["until"])} if "until" in p else {})
        for p in PUPILS.values()
    ]
    names = [
        PupilName(*p["name"], born=dt.date.fromisoformat(p["born"]) if "born" in p else None) for p in PUPILS.values()
    ]
    return Roll(PupilTable.from_rows(CALENDAR, rows), names, CALENDAR)


ROLL = roll()


def told(name: str, **more: Any) -> str:
    """What became of a form of 6 October: `matched ann 4A: name and class`, or who may be meant and why."""
    on = day(more.pop("on", "10-06"))
    if "upn" in more:
        whose = more.pop("upn")
        more |= {"upn_given": True, "pupil": WHO.index(whose) if whose else None}
    if "born" in more:
        more["born"] = dt.date.fromisoformat(more["born"])
    match = ROLL.match(Form(name, on, on, **more))
    if match.pupil is not None:
        assert match.candidates == ()
        return f"matched {WHO[match.pupil]}: {match.confidence}"
    assert match.confidence == ""
    shown = "; ".join(f"{WHO[c.pupil]}: {c.why}" for c in match.candidates)
    return f"{match.result} {shown}".strip() + (f" and {match.more} more" if match.more else "")


@pytest.mark.parametrize(
    ("name", "more", "result"),
    [
        # By UPN, whatever the name says, unless it is another pupil's whole name.
        ("", {"upn": "bob"}, "matched bob: UPN"),
        ("Bobby", {"upn": "bob"}, "matched bob: UPN"),
        ("Ann Lee", {"upn": "ann 5B"}, "matched ann 5B: UPN"),
        ("Robert O'Brien", {"upn": "mia"}, "several fit mia: the pupil of the UPN; bob: the same name"),
        ("Robert O'Brien", {"upn": None}, "perhaps bob: the same name; the UPN is nobody's here"),
        ("Nobody Known", {"upn": None}, "nobody"),
        ("", {"upn": "gone"}, "matched gone: UPN"),
        # By name and class.
        ("Ann Lee", {"class_name": "4A"}, "matched ann 4A: name and class"),
        ("Ann Lee", {"class_name": "class 5b"}, "matched ann 5B: name and class"),
        ("Ann Lee", {"class_name": "Year 5"}, "matched ann 5B: name and year group"),
        ("Ann Lee", {"class_name": "Y4"}, "matched ann 4A: name and year group"),
        ("Ann Lee (4A)", {}, "matched ann 4A: name and class"),
        ("Ann Lee, 5B", {}, "matched ann 5B: name and class"),
        ("Ann Lee - 5B", {}, "matched ann 5B: name and class"),
        ("Lee, Ann, 4a", {}, "matched ann 4A: name and class"),
        ("ann lee 5b", {}, "matched ann 5B: name and class"),
        ("Sam Elm", {"class_name": "Reception"}, "matched sam: name and year group"),
        # Two of one name: both are shown, with neither is it matched.
        ("Ann Lee", {}, "several fit ann 4A: the same name; ann 5B: the same name"),
        ("Kim Park", {"class_name": "4A"}, "several fit twin 1: the same name; twin 2: the same name"),
        ("Liz Hill", {}, "several fit liz: the same name; liz too: the same name"),
        ("Ann Lee", {"class_name": "6C"}, "perhaps ann 4A: the same name, another class; ann 5B: the same name, another class"),
        # By name and date of birth.
        ("Ann Lee", {"born": "2016-03-04"}, "matched ann 5B: name and date of birth"),
        ("Kim Park", {"class_name": "4A", "born": "2017-06-06"}, "matched twin 2: name and class"),
        ("Kim Park", {"born": "2001-01-01"}, "perhaps twin 1: the same name, another date of birth; twin 2: the same name, another date of birth"),
        # By the whole name alone, where one pupil on roll has it.
        ("Robert O'Brien", {}, "matched bob: name, the only one on roll"),
        ("ROBERT O'BRIEN", {}, "matched bob: name, the only one on roll"),
        ("Bob OBrien", {}, "matched bob: name, the only one on roll"),
        ("Bob O Brien", {}, "matched bob: name, the only one on roll"),
        ("O'Brien, Bob", {}, "matched bob: name, the only one on roll"),
        (" robert\u00a0o`brien\u200e ", {}, "matched bob: name, the only one on roll"),
        ("Zoe Nunez Gomez", {}, "matched zoe: name, the only one on roll"),
        ("Zoë Núñez-Gómez", {}, "matched zoe: name, the only one on roll"),
        ("NUÑEZ GOMEZ, ZOË", {}, "matched zoe: name, the only one on roll"),
        ("Zoe Nunez Gomez, 3/4 Elm", {}, "matched zoe: name and class"),
        ("Annemarie Vanderberg", {}, "matched anne-marie: name, the only one on roll"),
        ("Anne Marie van der Berg", {}, "matched anne-marie: name, the only one on roll"),
        ("عمر حداد", {}, "matched omar: name, the only one on roll"),
        ("\u202bعمر حداد\u202c", {}, "matched omar: name, the only one on roll"),
        ("Sam Elm", {}, "matched sam: name, the only one on roll"),  # the surname is no class
        ("Suharto", {}, "matched one name: name, the only one on roll"),
        ("Elizabeth Hill", {}, "matched liz: name, the only one on roll"),
        # Everything weaker is only shown.
        ("Thomas James", {}, "perhaps james t: the names the other way round"),
        ("James, Thomas", {}, "perhaps james t: the names the other way round"),
        ("O'Brien Bob", {}, "perhaps bob: the names the other way round"),
        ("Robert O'Brian", {}, "perhaps bob: nearly the same name"),
        ("Robret O'Brien", {}, "perhaps bob: nearly the same name"),
        ("Mia Smith", {}, "perhaps mia: part of the name"),
        ("Miss Mia Rose Smith", {}, "perhaps mia: part of the name"),
        ("Robert O'Brien", {"class_name": "5B"}, "perhaps bob: the same name, another class"),
        ("Gus Gone", {}, "perhaps gone: the same name, not on roll on these days"),
        ("Gus Gone", {"on": "09-30"}, "matched gone: name, the only one on roll"),
        ("Nia Newton", {}, "perhaps new: the same name, not on roll on these days"),
        ("Nia Newton", {"on": "02-02"}, "matched new: name, the only one on roll"),
        ("Lee", {"class_name": "5B"}, "perhaps ann 5B: part of the name; ann 4A: part of the name"),
        ("Mia and Sam Elm", {}, "perhaps sam: part of the name"),
        # Nobody.
        ("Unknown Child", {}, "nobody"),
        ("", {}, "nobody"),
        ("?", {}, "nobody"),
        ("Dr", {}, "nobody"),
    ],
)  # fmt: skip
def test_whose_form_it_is(name: str, more: dict[str, Any], result: str) -> None:
    assert told(name, **more) == result


def test_a_form_of_days_without_school_is_about_who_is_on_roll_around_them() -> None:
    assert told("Robert O'Brien", on="2025-12-25") == "matched bob: name, the only one on roll"
    assert told("Robert O'Brien", on="2031-01-01").startswith("matched bob")  # beyond the calendar


@pytest.mark.parametrize(
    ("one", "other", "nearly"),
    [
        ("annlee", "anlee", True),
        ("annlee", "analee", True),
        ("robertobrien", "robretobrien", True),
        ("robertobrien", "robertobrien", False),  # not nearly: the same
        ("annlee", "benmay", False),
        ("ann", "dan", False),
        ("", "a", False),
    ],
)
def test_nearly(one: str, other: str, nearly: bool) -> None:
    assert is_nearly(one, other) is nearly


@pytest.mark.parametrize(
    ("text", "group"),
    [("4A", "4a"), ("Class 4A", "4a"), ("Y4A", "4a"), ("Yr. 4 a", "4a"), ("3/4 Elm", "34elm"), ("Reception", "r"), ("", ""), ("Yellow", "yellow")],
)  # fmt: skip
def test_names_of_classes(text: str, group: str) -> None:
    assert group_name(text) == group


NAMES = st.text(st.sampled_from("abcdeéñßæł'’- ,عم\u0301\u200f"), max_size=14)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(NAMES, NAMES)
def test_a_form_is_matched_only_with_a_pupil_of_the_very_name(forename: str, surname: str) -> None:
    """Whatever stands on the form: who is matched has that name in one of the ways it can be cut."""
    match = ROLL.match(Form(f"{forename} {surname}", day("10-06"), day("10-06")))
    if match.pupil is not None:
        name = ROLL.names[match.pupil]
        own = {(("".join(words(f))), "".join(words(name.surname))) for f in (name.forename, name.preferred)}
        assert own & set(cuts(match.form.name))
    assert len({c.pupil for c in match.candidates}) == len(match.candidates)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(PUPILS)), st.data())
def test_how_a_whole_name_is_written_does_not_matter(who: str, data: st.DataObject) -> None:
    forename, surname = PUPILS[who]["name"][:2]
    space = data.draw(st.sampled_from([" ", "  ", "\u00a0", " \u200e", "\u202b "]))
    change = data.draw(st.sampled_from([str, str.upper, str.lower, lambda t: t.replace("-", " ").replace("’", "'")]))
    turned = surname and data.draw(st.booleans())
    name = change(f"{surname},{space}{forename}" if turned else f"{forename}{space}{surname}")
    match = ROLL.match(Form(name, day("02-02"), day("02-02"), class_name=PUPILS[who]["in"]))
    if who == "gone":
        assert match.pupil is None
    elif who.startswith("twin"):
        assert {WHO[c.pupil] for c in match.candidates} == {"twin 1", "twin 2"}
    else:
        assert match.pupil == WHO.index(who)

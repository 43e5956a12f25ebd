"""Who gets a letter, and how they are addressed. Everybody here is invented."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance_pipeline.letters.language_names import language_name, language_tag
from attendance_pipeline.letters.recipients import (
    Recipient,
    address_lines,
    envelope_lines,
    households,
    recipients_of,
    salutation,
)

HOME = {"address_1": "12 Mill Lane", "town": "Leeds", "postcode": "LS6 2XX"}


def contact(**changes: Any) -> dict[str, Any]:
    row = {
        "contact_id": "C1",
        "priority": "1",
        "title": "Mrs",
        "forename": "Ada",
        "surname": "Smith",
        "parental_responsibility": True,
        "lives_with_pupil": True,
        "receives_correspondence": True,
        "court_restriction": False,
        "language": "",
        **HOME,
    }
    return {**row, **changes}


Y, N, BLANK = True, False, None


@pytest.mark.parametrize(
    ("responsible", "lives_with", "receives", "court", "outcome"),
    [
        (Y, Y, Y, N, "recipient"),
        (Y, N, Y, N, "recipient"),
        (N, Y, Y, N, "recipient"),
        (BLANK, Y, Y, BLANK, "recipient"),
        (N, N, Y, N, "no recipient"),
        (BLANK, BLANK, Y, N, "no recipient"),
        (Y, Y, N, N, "do-not-send"),
        (Y, Y, BLANK, N, "do-not-send"),
        (Y, Y, Y, Y, "court restriction"),
        (Y, Y, N, Y, "court restriction"),
        (N, N, Y, Y, "no recipient"),
    ],
)
def test_who_is_a_recipient(responsible, lives_with, receives, court, outcome) -> None:
    row = contact(
        parental_responsibility=responsible,
        lives_with_pupil=lives_with,
        receives_correspondence=receives,
        court_restriction=court,
    )
    found = recipients_of([row])
    if outcome == "recipient":
        assert [r.contact_id for r in found.to] == ["C1"] and found.why_none == ()
    else:
        assert found.to == () and found.excluded == {"C1": outcome} and found.why_none == (outcome,)


def test_flags_as_a_data_frame_has_them() -> None:
    frame = pd.DataFrame([contact(), contact(contact_id="C2", receives_correspondence=None)])
    for name in ("parental_responsibility", "lives_with_pupil", "receives_correspondence", "court_restriction"):
        frame[name] = frame[name].astype("boolean")
    found = recipients_of(frame.to_dict("records"))
    assert [r.contact_id for r in found.to] == ["C1"] and found.excluded == {"C2": "do-not-send"}


def test_nobody_at_all() -> None:
    assert recipients_of([]).why_none == ("no recipient",)
    both = [contact(court_restriction=True), contact(contact_id="C2", receives_correspondence=False)]
    assert recipients_of(both).why_none == ("court restriction", "do-not-send")


def test_one_recipient_is_enough_and_they_stand_by_priority() -> None:
    rows = [
        contact(contact_id="C3", priority=""),
        contact(contact_id="C2", priority="2"),
        contact(contact_id="C1", court_restriction=True),
        contact(contact_id="C4", priority="1"),
    ]
    found = recipients_of(rows)
    assert [r.contact_id for r in found.to] == ["C4", "C2", "C3"] and found.why_none == ()


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({"address_1": "12 Mill Lane", "town": "Leeds", "postcode": "ls62xx"}, ("12 Mill Lane", "Leeds", "LS6 2XX")),
        (
            {"address_1": "12 Mill Lane,", "town": "Leeds.", "postcode": " LS6  2XX"},
            ("12 Mill Lane", "Leeds", "LS6 2XX"),
        ),
        (
            {"address_1": "Flat 3\n12 Mill Lane", "town": "Leeds", "postcode": "LS6 2XX"},
            ("Flat 3", "12 Mill Lane", "Leeds", "LS6 2XX"),
        ),
        (
            {
                "address_1": "12 Mill Lane",
                "address_2": "  ",
                "address_3": "Leeds",
                "town": "LEEDS",
                "postcode": "LS6 2XX",
            },
            ("12 Mill Lane", "Leeds", "LS6 2XX"),
        ),
        ({"address_1": "12 Mill Lane", "town": "LS6 2XX", "postcode": ""}, ("12 Mill Lane", "LS6 2XX")),
        ({"address_1": "12 Mill Lane", "town": "LS6 2XX", "postcode": "LS62XX"}, ("12 Mill Lane", "LS6 2XX")),
        ({"address_1": "12 Mill Lane", "town": "Leeds", "postcode": ""}, ()),
        ({"address_1": "", "town": "", "postcode": "LS6 2XX"}, ()),
        ({"address_1": "Not known", "postcode": "LS6 2XX"}, ()),
        ({"address_1": "1 rue Haute", "town": "Lille", "postcode": "59000"}, ("1 rue Haute", "Lille", "59000")),
        ({"address_1": "GIR House", "postcode": "gir0aa"}, ("GIR House", "GIR 0AA")),
        ({}, ()),
    ],
)
def test_address_lines(given, lines) -> None:
    assert address_lines(given) == lines


def test_nine_lines_become_seven_with_the_name() -> None:
    row = contact(
        address_1="Flat 3\nBlock B\nMill House",
        address_2="12 Mill Lane\nHeadingley",
        address_3="North",
        town="Leeds",
        county="West Yorkshire",
        postcode="LS6 2XX",
    )
    (recipient,) = recipients_of([row]).to
    lines = envelope_lines([recipient])
    assert len(lines) == 7 and lines[0] == "Mrs Ada Smith" and lines[-1] == "LS6 2XX"
    assert (
        ", ".join(lines[1:])
        == "Flat 3, Block B, Mill House, 12 Mill Lane, Headingley, North, Leeds, West Yorkshire, LS6 2XX"
    )


@given(
    st.fixed_dictionaries(
        {
            name: st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)
            for name in ("address_1", "address_2", "address_3", "town", "county", "postcode")
        }
    ),
    st.text(max_size=60),
)
def test_any_address_fits_the_window_or_is_none(written: dict[str, str], surname: str) -> None:
    lines = address_lines(written)
    assert len(lines) <= 6 and all(line == line.strip() and line for line in lines)
    assert not lines or (lines[-1] == lines[-1].upper() and len(lines) > 1)
    recipient = Recipient("C", "Mrs", "Ada", surname, lines)
    assert len(envelope_lines([recipient, recipient])) <= 7


def person(title: str = "", forename: str = "", surname: str = "", priority: int = 1, **more: Any) -> Recipient:
    more.setdefault("address", ("12 Mill Lane", "Leeds", "LS6 2XX"))
    return Recipient(f"C{priority}", title, forename, surname, priority=priority, **more)


@pytest.mark.parametrize(
    ("people", "greeting"),
    [
        ([("Mrs", "Ada", "Smith")], "Dear Mrs Smith"),
        ([("", "Ada", "Smith")], "Dear Ada Smith"),
        ([("", "", "Smith")], "Dear parent or carer"),  # a surname alone is no way to speak to anybody
        ([("", "", "Foster")], "Dear parent or carer"),
        ([("", "", "Bright Futures Fostering Ltd")], "Dear Bright Futures Fostering Ltd"),
        ([("", "", "Leeds City Council")], "Dear Leeds City Council"),
        (
            [("", "", "Sunrise Children's Homes"), ("Mrs", "Ada", "Smith")],
            "Dear Sunrise Children's Homes and Mrs Smith",
        ),
        ([("Mrs", "Ada", "")], "Dear parent or carer"),
        ([("", "", "")], "Dear parent or carer"),
        ([("Mr and Mrs", "", "Smith")], "Dear Mr and Mrs Smith"),
        ([("Mr", "Bo", "Smith"), ("Mrs", "Ada", "Smith")], "Dear Mr and Mrs Smith"),
        ([("Mrs", "Ada", "Smith"), ("Mr", "Bo", "Smith")], "Dear Mr and Mrs Smith"),
        ([("Dr", "Ada", "Smith"), ("Mr", "Bo", "Smith")], "Dear Dr and Mr Smith"),
        ([("Dr", "Ada", "Smith"), ("Ms", "Bea", "Smith")], "Dear Dr and Ms Smith"),
        ([("Mrs", "Ada", "Smith"), ("Mrs", "Bea", "Smith")], "Dear Mrs A Smith and Mrs B Smith"),
        ([("Mrs", "", "Smith"), ("Mrs", "", "Smith")], "Dear Mrs Smith and Mrs Smith"),
        ([("Mrs", "Ada", "Smith"), ("Mrs", "Anna", "Smith")], "Dear Mrs Ada Smith and Mrs Anna Smith"),
        ([("Mrs", "Ada", "Smith"), ("Mrs", "Ada", "Smith")], "Dear Mrs Smith"),  # listed twice: one person
        ([("", "Ada", "Smith"), ("", "Bo", "Smith")], "Dear Ada Smith and Bo Smith"),
        ([("", "Ada", "Smith"), ("Mr", "Bo", "Smith")], "Dear Ada Smith and Mr Smith"),
        ([("", "Ada", "Smith"), ("", "Ada", "smith")], "Dear Ada Smith"),
        ([("Mr and Mrs", "", "Smith"), ("Miss", "Cy", "Smith")], "Dear Mr and Mrs Smith and Miss Smith"),
        ([("Sir", "Bo", "Smith")], "Dear Sir Bo"),
        ([("Sir", "Bo", "Smith"), ("Lady", "Ada", "Smith")], "Dear Sir Bo and Lady Smith"),
        ([("Dame", "Ada", "Smith"), ("Mr", "Bo", "Smith")], "Dear Dame Ada and Mr Smith"),
        ([("Sir", "", "Smith")], "Dear Sir Smith"),
        ([("Mx", "Ada", "Smith"), ("Mx", "Bo", "Smith")], "Dear Mx A Smith and Mx B Smith"),
        ([("Mrs", "Ada", "O'Brien"), ("Mr", "Bo", "o'brien")], "Dear Mr and Mrs O'Brien"),
        ([("Ms", "Zoë", "Nuñez-García"), ("Mr", "Bo", "Smith")], "Dear Ms Nuñez-García and Mr Smith"),
        ([("Mrs", "Ada", "van der Berg"), ("Mr", "Bo", "van der Berg")], "Dear Mr and Mrs van der Berg"),
        ([("Mrs", "مریم", "خان"), ("Mr", "عمر", "خان")], "Dear Mr and Mrs خان"),
        ([("Ms", "נועה", "כהן"), ("Mr", "Bo", "Smith")], "Dear Ms כהן and Mr Smith"),
        ([("Mrs", "<b>Ada</b>", "{{ x }}")], "Dear Mrs {{ x }}"),  # inert, here as on the page
        ([("Ms", "Aisha", "Ali"), ("Mr", "Omar", "Khan")], "Dear Ms Ali and Mr Khan"),
        ([("", "Aisha", "Ali"), ("Mr", "Omar", "Khan")], "Dear Aisha Ali and Mr Khan"),
        ([("Ms", "Aisha", "Ali"), ("Mr", "Omar", "")], "Dear parents and carers"),
        ([("Mr", "A", "Smith"), ("Mrs", "B", "Smith"), ("Ms", "C", "Ali")], "Dear Mr Smith, Mrs Smith and Ms Ali"),
    ],
)
def test_salutations(people, greeting) -> None:
    assert salutation([person(*names, priority=i) for i, names in enumerate(people, 1)]) == greeting


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("MRS", "Mrs"),
        ("mr.", "Mr"),
        ("Mr & Mrs", "Mr and Mrs"),
        ("Mr+Mrs", "Mr and Mrs"),
        ("Sheikh", "Sheikh"),
        ("", ""),
    ],
)
def test_titles(written: str, title: str) -> None:
    assert recipients_of([contact(title=written)]).to[0].title == title


def test_households_share_an_address_and_a_language() -> None:
    home, same = ("12 Mill Lane", "Leeds", "LS6 2XX"), ("12 MILL LANE", "Leeds", "LS6 2XX")
    people = [
        person("Mrs", "Ada", "Smith", 1, address=home),
        person("Mr", "Bo", "Smith", 2, address=same),
        person("Ms", "Cy", "Jones", 3, address=("13 Mill Lane", "Leeds", "LS6 2XX")),
        person("Mr", "Di", "Smith", 4, address=home, language="pl"),
        person("Mr", "Ed", "Smith", 5, address=()),
        person("Mr", "Fo", "Smith", 6, address=()),
    ]
    assert [[r.priority for r in group] for group in households(people)] == [[1, 2], [3], [4], [5], [6]]


@pytest.mark.parametrize(
    ("people", "names"),
    [
        ([("Mrs", "Ada", "Smith"), ("Mr", "Bo", "Smith")], ["Mrs Ada and Mr Bo Smith"]),
        ([("Ms", "Aisha", "Ali"), ("Mr", "Omar", "Khan")], ["Ms Aisha Ali and Mr Omar Khan"]),
        (
            [("Ms", "Aleksandra", "Brzęczyszczykiewicz"), ("Mr", "Omar", "Khan")],
            ["Ms Aleksandra Brzęczyszczykiewicz", "Mr Omar Khan"],
        ),
        ([("", "", "")], ["Parent or carer"]),
    ],
)
def test_names_on_the_envelope(people, names) -> None:
    lines = envelope_lines([person(*n, priority=i) for i, n in enumerate(people, 1)])
    assert lines == (*names, "12 Mill Lane", "Leeds", "LS6 2XX")


def test_no_address_no_lines() -> None:
    assert envelope_lines([person("Mrs", "Ada", "Smith", address=())]) == ()


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("Polish", "pl"),
        ("pl", "pl"),
        ("URDU", "ur"),
        ("Chinese (Mandarin)", "zh"),
        ("pt-BR", "pt-BR"),
        ("", "en"),
        ("Klingon", "en"),
        ("xx", "en"),
        ("English", "en"),
    ],
)
def test_languages(written: str, tag: str) -> None:
    assert language_tag(written) == tag


def test_names_of_languages() -> None:
    assert [language_name(tag) for tag in ("en", "pl", "pt-BR", "tlh")] == ["English", "Polish", "Portuguese", "tlh"]


def test_what_the_ledger_keeps_is_the_recipient_again() -> None:
    (recipient,) = recipients_of([contact(language="Polish")]).to
    assert Recipient.from_json(recipient.as_json()) == recipient and recipient.language == "pl"


def test_hidden_marks_in_names_are_taken_out() -> None:
    (recipient,) = recipients_of([contact(surname="Smi\u202eth\n", forename="\u00a0Ada ")]).to
    assert recipient.name == "Mrs Ada Smith"


# -- families -------------------------------------------------------------------------------------------------------------

AWAY = {"address_1": "7 Sample Row", "town": "York", "postcode": "YO1 1AA"}
MOTHER = {
    "contact_id": "MUM",
    "priority": "1",
    "title": "Mrs",
    "forename": "Ada",
    "surname": "Smith",
    "relationship": "Mother",
}
FATHER = {
    "contact_id": "DAD",
    "priority": "2",
    "title": "Mr",
    "forename": "Bo",
    "surname": "Smith",
    "relationship": "Father",
}
STEPFATHER = {
    **FATHER,
    "contact_id": "STEP",
    "surname": "Khan",
    "relationship": "Stepfather",
    "parental_responsibility": N,
}
GRANDMOTHER = {"contact_id": "GRAN", "title": "Mrs", "forename": "Edie", "surname": "Brown", "relationship": "Grandmother",
               "parental_responsibility": N}  # fmt: skip
AGENCY = {"contact_id": "AGENCY", "title": "", "forename": "", "surname": "Bright Futures Fostering Ltd",
          "relationship": "Foster agency", "parental_responsibility": N, "lives_with_pupil": N, **AWAY}  # fmt: skip
CARER = {"contact_id": "CARER", "title": "Ms", "forename": "Jo", "surname": "Lee", "relationship": "Foster carer",
         "parental_responsibility": N}  # fmt: skip
COUNCIL = {"contact_id": "LA", "title": "", "forename": "", "surname": "Leeds City Council", "relationship": "Local authority",
           "lives_with_pupil": N, **AWAY}  # fmt: skip
SOCIAL_WORKER = {**COUNCIL, "contact_id": "SW", "title": "Mr", "forename": "Al", "surname": "Worker",
                 "relationship": "Social worker", "parental_responsibility": N}  # fmt: skip


@pytest.mark.parametrize(
    ("family", "letters", "held"),
    [
        pytest.param([MOTHER, FATHER], ["Dear Mr and Mrs Smith"], (), id="parents together"),
        pytest.param([MOTHER], ["Dear Mrs Smith"], (), id="one parent"),
        pytest.param([MOTHER, {**FATHER, "lives_with_pupil": N, **AWAY}], ["Dear Mrs Smith", "Dear Mr Smith"], (),
                     id="separated, both responsible"),
        pytest.param([MOTHER, {**FATHER, "lives_with_pupil": N, "parental_responsibility": N, **AWAY}], ["Dear Mrs Smith"],
                     (), id="separated, and the father neither responsible nor at home"),
        pytest.param([MOTHER, {**FATHER, "parental_responsibility": None, "lives_with_pupil": None}], ["Dear Mrs Smith"], (),
                     id="nobody has said of the father"),
        pytest.param([MOTHER, {**FATHER, "lives_with_pupil": N, "court_restriction": Y, **AWAY}], ["Dear Mrs Smith"], (),
                     id="a court order against the father"),
        pytest.param([{**MOTHER, "court_restriction": Y}, {**FATHER, "court_restriction": Y}], [], ("court restriction",),
                     id="a court order against both"),
        pytest.param([MOTHER, {**FATHER, "receives_correspondence": N}], ["Dear Mrs Smith"], (), id="the father gets no post"),
        pytest.param([{**MOTHER, "receives_correspondence": N}, {**FATHER, "court_restriction": Y}], [],
                     ("court restriction", "do-not-send"), id="nobody may be written to"),
        pytest.param([MOTHER, STEPFATHER], ["Dear Mrs Smith and Mr Khan"], (), id="with a stepfather at home"),
        pytest.param([MOTHER, {**STEPFATHER, "lives_with_pupil": N, **AWAY}], ["Dear Mrs Smith"], (),
                     id="a stepfather who moved out"),
        pytest.param([{**MOTHER, **AWAY, "lives_with_pupil": N}, GRANDMOTHER], ["Dear Mrs Brown", "Dear Mrs Smith"], (),
                     id="at the grandmother's"),
        pytest.param([GRANDMOTHER], ["Dear Mrs Brown"], (), id="the grandmother alone"),
        pytest.param([MOTHER, {**FATHER, "title": "Ms", "forename": "Cy"}], ["Dear Mrs and Ms Smith"], (), id="two mothers"),
        pytest.param([MOTHER, {**FATHER, "title": "Mrs", "forename": "Cy"}], ["Dear Mrs A Smith and Mrs C Smith"], (),
                     id="two mothers of one title"),
        pytest.param([MOTHER, {**MOTHER, "contact_id": "MUM2", "priority": "3"}], ["Dear Mrs Smith"], (), id="listed twice"),
        pytest.param([MOTHER, {**FATHER, "language": "Polish"}], ["Dear Mrs Smith", "Dear Mr Smith"], (),
                     id="parents who read different languages"),
        pytest.param([{**MOTHER, "postcode": ""}, {**FATHER, "postcode": ""}], ["Dear Mrs Smith", "Dear Mr Smith"], (),
                     id="no address: who knows whether they share one"),
        pytest.param([CARER, COUNCIL], ["Dear Ms Lee", "Dear Leeds City Council"], (), id="in care: carer and council"),
        pytest.param([CARER, AGENCY, SOCIAL_WORKER], ["Dear Ms Lee"], (), id="in care: agency and social worker are no parents"),
        pytest.param([AGENCY, SOCIAL_WORKER], [], ("no recipient",), id="only professionals"),
        pytest.param([{**AGENCY, "lives_with_pupil": Y}], ["Dear Bright Futures Fostering Ltd"], (), id="a home run by an agency"),
        pytest.param([{**MOTHER, "forename": "", "surname": ""}], ["Dear parent or carer"], (), id="no name"),
        pytest.param([{**MOTHER, "title": ""}, {**FATHER, "title": ""}], ["Dear Ada Smith and Bo Smith"], (), id="no titles"),
        pytest.param([], [], ("no recipient",), id="no contact at all"),
    ],
)  # fmt: skip
def test_families(family: list[dict[str, Any]], letters: list[str], held: tuple[str, ...]) -> None:
    """Who is written to at stage 1, envelope by envelope; and why nobody is."""
    found = recipients_of([contact(**them) for them in family])
    assert [salutation(together) for together in households(found.to)] == letters
    assert found.why_none == held and len(found.to) + len(found.excluded) == len(family)

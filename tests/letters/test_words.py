"""The words of letters as a parent meets them: how hard they are to read, how long, how kind, and where they come from.

Each English template is rendered with invented pupils in every way it can turn out (a review that went well or badly, a
threshold that is near or reached), and the hardest counts. A grade of 6 is what a child of 11 to 12 reads.
"""

import re

import pytest
from reading import reading, reading_of, sentences_of, syllables

from attendance_pipeline.law.policy import PenaltyNotices, policy_from_text, shipped_policy_text
from attendance_pipeline.letters.blocks import Block, Heading, text_of
from attendance_pipeline.letters.field_values import notice_cost_fields
from attendance_pipeline.letters.fields import FAMILY, KINDS
from attendance_pipeline.letters.language import SHIPPED
from attendance_pipeline.letters.sample import sample_values
from attendance_pipeline.letters.templates import Templates

TEMPLATES = Templates()
# kind: school grade at most, words a sentence on average at most, words of the longest sentence at most
LIMITS = {
    "letter_1": (5, 11, 20),
    "meeting_invitation": (5, 11, 20),
    "letter_2": (5, 11, 20),
    "letter_3": (5, 11, 20),
    "improved": (5, 11, 20),
    "continuing": (5, 11, 20),
    "medical_support": (5, 11, 20),
    "leaflet": (5, 11, 20),
    "agenda": (5, 11, 20),
    "attendance_picture": (5, 11, 20),
    # They have to use the words of the law.
    "penalty_notice_warning": (6, 12, 22),
    "notice_to_improve": (6, 12, 22),
}
FOR_OFFICERS = {"referral_pack"}
TOO_SHORT_TO_MEASURE = {"raffle_certificate", "prize_certificate", "plan"}
HARD = (
    *(
        "utilise",
        "regarding",
        "prior to",
        "in order to",
        "commence",
        "pursuant",
        "hereby",
        "shall",
        "thereof",
        "whilst",
    ),
    *("aforementioned", "ascertain", "endeavour", "facilitate", "in the event", "in respect of", "with regard to"),
    *("persistent absentee", "safeguard", "intervention", "stakeholder", "sanction", "non-attendance", "escalate"),
    *("authorised", "compulsory", "statutory", "threshold", "cohort", "monitoring", "outcome"),
)


def ways(kind: str) -> list[tuple[Block, ...]]:
    return [TEMPLATES.compose(kind, "en", values).blocks for values in sample_values(kind)]


def test_every_kind_is_measured_or_has_its_reason():
    assert set(KINDS) == {*LIMITS, *FOR_OFFICERS, *TOO_SHORT_TO_MEASURE}


@pytest.mark.parametrize("kind", LIMITS)
def test_a_parent_with_a_reading_age_of_eleven_can_follow(kind):
    grade, on_average, longest = LIMITS[kind]
    for blocks in ways(kind):
        found = reading_of(blocks)
        assert found.grade <= grade, f"{kind}: grade {found.grade:.1f}"
        assert found.words / found.sentences <= on_average
        assert found.longest_words <= longest, found.longest


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].to == FAMILY])
def test_no_word_of_offices(kind):
    for blocks in ways(kind):
        text = " ".join(text_of(block) for block in blocks).lower()
        assert [word for word in HARD if word in text] == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].page == "letter"])
def test_a_letter_says_what_it_is_about_asks_for_a_correction_or_an_answer_and_offers_help(kind):
    for blocks in ways(kind):
        assert isinstance(blocks[0], Heading)
        text = " ".join(text_of(block) for block in blocks).lower()
        assert "please" in text
        assert any(word in text for word in ("wrong", "let us know", "tell us"))
        assert "help" in text


# ---------------------------------------------------------------- numbers of law and policy


def _source(kind: str) -> str:
    return (SHIPPED / "en" / f"{kind}.md.j2").read_text("utf-8")


@pytest.mark.parametrize("kind", ["penalty_notice_warning", "notice_to_improve", "_penalty_notice", "referral_pack"])
def test_no_number_of_law_or_policy_is_written_into_a_template(kind):
    words = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", _source(kind), flags=re.DOTALL)
    words = re.sub(r"Education Act 1996|sections? 7 and 444|^## \d\.|\[lines \d+:", "", words, flags=re.MULTILINE)
    assert re.findall(r"[£\d]+", words) == []


@pytest.mark.parametrize("kind", ["penalty_notice_warning", "notice_to_improve", "_penalty_notice", "medical_support"])
def test_what_the_law_asks_for_is_named_with_its_source(kind):
    comments = " ".join(re.findall(r"\{#(.*?)#\}", _source(kind), flags=re.DOTALL))
    assert any(source in comments for source in ("Education Act 1996", "Working together", "SI 2024/210"))


def test_amounts_days_and_limits_are_those_of_the_shipped_policy():
    setting = policy_from_text(shipped_policy_text(), SHIPPED).setting.penalty_notices
    assert setting == PenaltyNotices()
    text = " ".join(text_of(block) for block in ways("penalty_notice_warning")[0])
    for said in (
        f"£{setting.first_amount}, to be paid within {setting.payment_days} days",
        f"£{setting.first_amount_if_paid_early} if you pay within {setting.early_payment_days} days",
        f"no more than {setting.limit} for the same child in {setting.limit_years} years",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("notices_before", "says", "does_not_say"),
    [
        ("0", ["£160", "£80"], ["You have had"]),
        ("1", ["£160", "You have had 1 for Zofia that still counts"], ["£80"]),
        ("2", ["You have had 2 penalty notices for Zofia in the last 3 years", "may go to court instead"], ["£"]),
    ],
)
def test_a_notice_says_what_the_next_one_costs_this_parent(notices_before, says, does_not_say):
    for kind in ("penalty_notice_warning", "notice_to_improve"):
        first = next(sample_values(kind))
        cost = notice_cost_fields(PenaltyNotices(), int(notices_before))
        blank = {"notice_amount": "", "notice_days": "", "notice_early_amount": "", "notice_early_days": ""}
        text = " ".join(text_of(block) for block in TEMPLATES.compose(kind, "en", {**first, **blank, **cost}).blocks)
        assert [one for one in says if one not in text] == []
        assert [one for one in does_not_say if one in text] == []


@pytest.mark.parametrize(
    ("needed", "says"),
    [("0", "That number has been reached."), ("1", "1 more would reach that number.")],
)
def test_a_warning_says_how_near_the_number_is(needed, says):
    found = [" ".join(text_of(block) for block in blocks) for blocks in ways("penalty_notice_warning")]
    assert any(says in text for text in found), needed


def test_a_certificate_of_punctuality_never_praises_being_there_every_day():
    """A child who was ill in the week can win the raffle."""
    for blocks in ways("raffle_certificate"):
        text = " ".join(text_of(block) for block in blocks).lower()
        assert "on time" in text
        assert not re.search(r"every day|each day|attendance|%", text)


@pytest.mark.parametrize("kind", ["raffle_certificate", "prize_certificate"])
def test_a_certificate_shows_no_figure_of_attendance(kind):
    for blocks in ways(kind):
        assert "%" not in " ".join(text_of(block) for block in blocks)


# ---------------------------------------------------------------- the measure itself

SYLLABLES = {
    1: "school missed asked please sure here there when does make each know we fine cases law",
    2: "notice agreed review improve absence session table little people teacher maybe worries before because offered",
    3: "attendance penalty register family different decided hospital period telephone agreement possible",
    4: "education regularly authority particular",
}


def test_syllables_of_words_that_letters_use():
    wrong = [word for count, words in SYLLABLES.items() for word in words.split() if syllables(word) != count]
    assert len(wrong) <= 0.1 * sum(len(words.split()) for words in SYLLABLES.values()), wrong


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("The cat sat on the mat. It was a fat cat.", -3, 2),
        ("We would like to meet you and talk about how things are at school.", 2, 6),
        (
            "Notwithstanding the aforementioned obligations, the authority retains the discretion to institute "
            "proceedings in respect of any subsequent unauthorised absence.",
            18,
            40,
        ),
    ],
)
def test_the_measure_tells_easy_from_hard(text, low, high):
    assert low <= reading(sentences_of(text)).grade <= high

"""What holds of each kind of letter: how it goes, whether it states a legal duty, what an entry of the log says of it.

Belongs here: facts of kinds that decisions read, as one table. Does not belong here: words and fields of a kind
(`fields`), when one is asked for (`occasions`), or a decision (`ledger`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from attendance_pipeline.law.policy import STAGE_OF_LETTER

Way = Literal["post", "class teacher", "meeting", "local authority"]
# The class teacher gives it at the informal meeting, bundled with those of the class.
POST, CLASS_TEACHER, MEETING, LOCAL_AUTHORITY = get_args(Way)
SHARED_ENVELOPE_STAGES = frozenset({1, 2})  # rules.md section 7
LETTER_SENT = "letter_sent"
LETTER_APPROVED = "letter_approved"
LETTER_REJECTED = "letter_rejected"


@dataclass(frozen=True)
class KindRules:
    """Of one kind of letter.

    `own_letter`: each recipient has a letter and an envelope of their own, whatever the household. `considered`: a
    draft, for a person to consider; it lies apart from what is to be posted. `moving`: its figures are those of the day
    on which it is proposed, not of the day on which its occasion arose. `once_in_a_while`: another one soon after the
    last to the same person may be a repeat, also across academic years.
    `sent_by`, `rejected_by`: further actions of the log that say so of this kind.
    """

    goes: Way = "post"
    states_a_legal_duty: bool = False
    own_letter: bool = False
    considered: bool = False
    moving: bool = False
    once_in_a_while: bool = False
    sent_by: tuple[str, ...] = ()
    rejected_by: tuple[str, ...] = ()

    @property
    def to_authority(self) -> bool:
        """One letter about a pupil, to no contact."""
        return self.goes == LOCAL_AUTHORITY

    @property
    def posted(self) -> bool:
        """Whether it needs an address; the others are handed over."""
        return self.goes == POST


KIND_RULES: Mapping[str, KindRules] = MappingProxyType(
    {
        "letter_1": KindRules(),
        "meeting_invitation": KindRules(),
        "letter_2": KindRules("class teacher"),
        "letter_3": KindRules("meeting"),
        "improved": KindRules(),
        "continuing": KindRules(),
        "medical_support": KindRules(once_in_a_while=True),
        "penalty_notice_warning": KindRules(
            states_a_legal_duty=True,
            own_letter=True,
            moving=True,
            once_in_a_while=True,
            rejected_by=("not_pursued",),
        ),
        "notice_to_improve": KindRules(
            states_a_legal_duty=True,
            own_letter=True,
            considered=True,
            moving=True,
            once_in_a_while=True,
            sent_by=("notice_to_improve_issued",),
            rejected_by=("not_pursued",),
        ),
        "referral_pack": KindRules(
            "local authority",
            states_a_legal_duty=True,
            own_letter=True,
            considered=True,
            moving=True,
            sent_by=("referral_made",),
            rejected_by=("not_pursued",),
        ),
    }
)


def shares_envelope(kind: str, stage: int) -> bool:
    """Whether two at one address may share a letter of this kind: at stages 1 and 2, never a warning or notice."""
    return stage in SHARED_ENVELOPE_STAGES and not KIND_RULES[kind].own_letter


def sent_actions(kind: str) -> tuple[str, ...]:
    """Actions of the log that say a letter of this kind was sent."""
    return (LETTER_SENT, *KIND_RULES[kind].sent_by)


def rejected_actions(kind: str) -> tuple[str, ...]:
    """Actions of the log that say a letter of this kind is not to go."""
    return (LETTER_REJECTED, *KIND_RULES[kind].rejected_by)


def belong_together(kind: str, other: str, stage: int, other_stage: int) -> bool:
    """Whether two kinds are of one opening: a stage's letter, and the invitation to the meeting where it is given."""
    pair = {kind, other}
    return (
        stage == other_stage
        and "meeting_invitation" in pair
        and STAGE_OF_LETTER.get(kind, STAGE_OF_LETTER.get(other)) == stage
    )

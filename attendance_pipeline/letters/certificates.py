"""Certificates of the raffle and the prize pot: what stands on each, and their pages.

Belongs here: a certificate as a letter to a pupil, and one file of them to print. Not here: who has won
(`reports/incentives.py`), words (`letter_templates/`), where files go.

A certificate is signed by hand. Only where the policy lets a kind go without approval is it put where the class teacher
finds it; else it lies with the attendance lead, whose signature is the approval.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from attendance_pipeline.letters.batch_lists import PupilOnPaper
from attendance_pipeline.letters.field_values import given
from attendance_pipeline.letters.fields import fields_to_give
from attendance_pipeline.letters.letter import FieldValue, Letter, Letterhead
from attendance_pipeline.letters.pdf import check_letter, render_batch
from attendance_pipeline.letters.templates import Templates

RAFFLE_CERTIFICATE, PRIZE_CERTIFICATE = "raffle_certificate", "prize_certificate"


@dataclass(frozen=True)
class Won:
    """What one pupil has won. `prize_for`: `best`, `most_improved`, or blank for a raffle. `year_group`: in words."""

    reference: str
    pupil: PupilOnPaper
    year_group: str
    first: dt.date
    last: dt.date
    prize: str = ""
    prize_for: str = ""

    @property
    def kind(self) -> str:
        return PRIZE_CERTIFICATE if self.prize_for else RAFFLE_CERTIFICATE


def certificate(won: Won, date: dt.date) -> Letter:
    """The certificate of one winner, dated."""
    values: dict[str, FieldValue] = {
        "first_name": won.pupil.first_name,
        "full_name": won.pupil.full_name,
        "class_name": won.pupil.class_name,
        "class_teacher": won.pupil.class_teacher,
        "year_group": won.year_group,
        "prize": won.prize,
        "prize_for": won.prize_for,
        **{"week_from": won.first, "week_until": won.last, "period_start": won.first, "period_end": won.last},
    }
    return Letter(
        reference=won.reference,
        kind=won.kind,
        language="en",
        recipient_lines=(),
        salutation="",
        date=date,
        fields=given(values, fields_to_give(won.kind)),
    )


def unprintable(won: Won, letterhead: Letterhead, date: dt.date, templates: Templates) -> bool:
    """Whether no page can be made of it, such as for a name in a script that no font has: one is written by hand."""
    return check_letter(certificate(won, date), letterhead, templates=templates) is not None


def certificates_file(
    winners: Sequence[Won], letterhead: Letterhead, date: dt.date, templates: Templates
) -> bytes | None:
    """The certificates to print, in the order given, each on its own sheet; None for nobody.

    Raises `templates.TemplateError` when a template is at fault.
    """
    if not winners:
        return None
    return render_batch([certificate(won, date) for won in winners], letterhead, templates=templates)

"""Values of the fields of ``fields`` that several kinds need: marks by day, the last sessions, what a notice costs.

Belongs here: turning marks, a rule's row and the policy's numbers into text for templates. Does not belong here: where
marks and rows come from (`derive/`), and words (``letter_templates``).
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence

from attendance_pipeline.derive.parents import tariff
from attendance_pipeline.law.policy import PenaltyNotices
from attendance_pipeline.law.register_codes import ATTENDED, POSSIBLE, UNAUTHORISED
from attendance_pipeline.letters.letter import FieldValue, Row
from attendance_pipeline.letters.marks import flags_of


def mark_rows(sessions: Iterable[tuple[datetime.date, str, str]]) -> tuple[Row, ...]:
    """The rows of the field ``marks`` from (day, ``AM`` or ``PM``, code or empty), by date: one row a day."""
    days: dict[datetime.date, dict[str, str]] = {}
    for day, session, code in sessions:
        days.setdefault(day, {})[session] = code
    return tuple(
        {"date": day, "am": codes.get("AM", ""), "pm": codes.get("PM", "")} for day, codes in sorted(days.items())
    )


def recent_fields(marks: Sequence[Row], sessions: int) -> dict[str, FieldValue]:
    """``recent_marks`` and its figures: the last so many possible sessions of ``marks``; a pupil with fewer has all.

    Where the count begins with an afternoon, the morning of that day is left out.
    """
    flags = flags_of(marks)
    rows: list[Row] = []
    counted: list[int] = []
    for row, both in zip(reversed(marks), reversed(flags), strict=True):
        kept = {**row}
        for half, one in (("pm", both[1]), ("am", both[0])):
            if len(counted) == sessions:
                kept[half] = ""
            elif one & POSSIBLE:
                counted.append(one)
        if kept["am"] or kept["pm"] or len(counted) < sessions:
            rows.append(kept)
        if len(counted) == sessions:
            break
    attended = sum(bool(one & ATTENDED) for one in counted)
    return {
        "recent_marks": tuple(reversed(rows)),
        "recent_sessions": str(len(counted)),
        "recent_attended": str(attended),
        "recent_missed": str(len(counted) - attended),
        "recent_unauthorised": str(sum(bool(one & UNAUTHORISED) for one in counted)),
    }


def notice_cost_fields(setting: PenaltyNotices, notices_before: int) -> dict[str, FieldValue]:
    """What the policy says of a penalty notice to a parent who has had so many that count."""
    values: dict[str, FieldValue] = {
        "notices_before": str(notices_before),
        "notice_limit": str(setting.limit),
        "notice_limit_years": str(setting.limit_years),
    }
    if (cost := tariff(notices_before, setting)) is not None:
        values |= {"notice_amount": f"£{cost.amount}", "notice_days": str(setting.payment_days)}
        if cost.early_amount is not None:
            values |= {"notice_early_amount": f"£{cost.early_amount}", "notice_early_days": str(cost.early_days)}
    return values


def given(values: Mapping[str, FieldValue], known: Mapping[str, object]) -> dict[str, FieldValue]:
    """The values that a kind knows (``fields.fields_to_give``): for a builder that has the figures of all kinds."""
    return {name: value for name, value in values.items() if name in known}

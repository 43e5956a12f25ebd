"""Days in words, for sentences that the rules say about themselves. Nothing else belongs here."""

from __future__ import annotations

import datetime as dt


def date_words(day: dt.date) -> str:
    """A day as a person writes it: 5 January 2026."""
    return f"{day.day} {day:%B %Y}"


def short_date(day: dt.date) -> str:
    """The same where there is little room: Mon 5 Jan 2026."""
    return f"{day:%a} {day.day} {day:%b %Y}"

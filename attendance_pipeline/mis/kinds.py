"""The kinds of extract and their native columns (contract.md section 2): headers, names, and what cells they hold.

Data about columns only. What a cell means is in `cells.py`, which rules a column must meet in `schemas.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ACTIONS = frozenset(
    [
        "letter_approved",
        "letter_rejected",
        "letter_sent",
        "phone_call",
        "meeting_arranged",
        "meeting_held",
        "target_agreed",
        "plan_agreed",
        "plan_reviewed",
        "follow_up_done",
        "home_visit",
        "agency_contacted",
        "support_refused",
        "intervention_changed",
        "reason_questioned",
        "evidence_accepted",
        "hold",
        "release",
        "set_stage",
        "close_episode",
        "referral_made",
        "notice_to_improve_issued",
        "penalty_notice_issued",
        "penalty_notice_withdrawn",
        "penalty_notice_paid",
        "not_pursued",
    ]
)


@dataclass(frozen=True)
class Column:
    """`header` as the contract writes it; `name` as our tables do; `cell`: see schemas.CELLS.

    needed: the file is refused without the column, unless it has `instead`; filled: a row is quarantined with a blank
    cell there; also: other headers that mean it; extra: understood where it is there, and no part of the contract.
    """

    header: str
    cell: str = "text"
    needed: bool = False
    filled: bool = False
    instead: str = ""
    also: tuple[str, ...] = ()
    extra: bool = False

    @property
    def name(self) -> str:
        return self.header.lower().replace(" ", "_")


@dataclass(frozen=True)
class Kind:
    """`once`: columns whose values a file may hold only once; rows that agree in them and differ elsewhere conflict.

    `subject`: columns that name what a newer extract's rows replace; of several in one place the first that is filled.
    `numbered`: rows alike in `subject` are told apart by their order. `private`: columns left out of the warehouse and
    of the kept copy. `only_known`: left out of the kept copy, with those, are columns that are not understood.
    """

    columns: tuple[Column, ...]
    once: tuple[str, ...] = ()
    subject: tuple[str | tuple[str, ...], ...] = ()
    numbered: bool = False
    private: tuple[str, ...] = ()
    only_known: bool = False

    def column(self, header: str) -> Column:
        return next(c for c in self.columns if c.header == header)


def _text(*headers: str) -> tuple[Column, ...]:
    return tuple(Column(h) for h in headers)


def _flags(*headers: str) -> tuple[Column, ...]:
    return tuple(Column(h, "flag") for h in headers)


STUDENT_ID = "Student ID"
_STUDENT_HEADERS = ("StudentId", "MIS ID", "MISID")
_UPN = Column("UPN", "upn", needed=True, filled=True, instead=STUDENT_ID)
# In a row without a UPN, the MIS's own number of the pupil stands for it.
_STUDENT = Column(STUDENT_ID, "student", also=_STUDENT_HEADERS, extra=True)
# Said of a form or an entry of the log that was made: it is to count no more.
_WITHDRAWN = Column("Withdrawn", "flag", also=("Cancelled", "Entered in Error"), extra=True)

KINDS: dict[str, Kind] = {
    "pupils": Kind(
        (
            Column("UPN", "upn", needed=True, filled=True),
            Column("Admission Number"),
            Column("Forename", needed=True),
            Column("Surname", needed=True),
            Column("Preferred Forename"),
            Column("Date of Birth", "date", needed=True),
            Column("Sex"),
            Column("Year Group", "year_group", needed=True),
            Column("Class", needed=True),
            Column("Entry Date", "date", needed=True),
            Column("Leaving Date", "date"),
            *_text("Enrolment Status", "SEN"),
            *_flags("FSM", "Pupil Premium", "EAL"),
            *_text("Home Language", "Ethnicity"),
            *_flags("Looked After", "Social Worker", "Young Carer"),
            Column(STUDENT_ID, also=_STUDENT_HEADERS, extra=True),
        ),
        once=("UPN",),
        subject=("UPN",),
    ),
    "contacts": Kind(
        (
            _UPN,
            Column("Contact ID", needed=True, filled=True),
            Column("Priority"),
            *_text("Title", "Forename", "Surname", "Relationship"),
            *_flags("Parental Responsibility", "Lives With Pupil", "Receives Correspondence", "Court Restriction"),
            *_text("Address 1", "Address 2", "Address 3", "Town", "County", "Postcode", "Email", "Telephone"),
            Column("Language"),
            _STUDENT,
        ),
        once=("UPN", "Contact ID"),
        subject=("UPN",),
    ),
    "classes": Kind(
        (Column("Class", needed=True, filled=True), Column("Teacher", needed=True), Column("Email")),
        once=("Class", "Teacher"),
        subject=("Class",),
    ),
    "register": Kind(
        (
            _UPN,
            Column("Date", "register_date", needed=True, filled=True),
            Column("Session", "session", needed=True, filled=True),
            Column("Code", "code", needed=True),
            Column("Minutes Late", "minutes"),
            Column("Comment", "unread"),
            Column(
                "Amended By", "unread", also=("Changed By", "Modified By", "Updated By", "Last Amended By"), extra=True
            ),
            _STUDENT,
        ),
        private=("Comment", "Amended By"),
    ),
    "lessons": Kind(
        (
            _UPN,
            Column("Date", "register_date", needed=True, filled=True),
            Column("Period", needed=True, filled=True),
            *_text("Subject", "Class"),
            Column("Code", "code", needed=True),
            Column("Minutes Late", "minutes"),
            _STUDENT,
        ),
        once=("UPN", "Date", "Period"),
    ),
    "notifications": Kind(
        (
            # The second are the headers of Google's forms, and of Microsoft's.
            Column("Submitted", "moment", needed=True, also=("Timestamp", "Completion time")),
            Column("UPN", "maybe_upn"),
            Column("Pupil Name", needed=True, instead="UPN", also=("Name of Pupil", "Pupil's Name", "Child's Name")),
            Column("First Date", "date", needed=True, filled=True, also=("First Day of Absence",)),
            Column("Last Date", "date", also=("Last Day of Absence",)),
            Column("Reason", also=("Reason for Absence",)),
            Column("Evidence"),
            Column("Class", extra=True),
            Column("Date of Birth", "maybe_date", extra=True),
            Column("Session", "maybe_session", extra=True),
            _WITHDRAWN,
            _STUDENT,
        ),
        # Not the UPN where there is a name: a form to which the office adds the UPN is still that form.
        subject=("Submitted", ("Pupil Name", "UPN"), "First Date", "Last Date"),
        numbered=True,
        private=("Reason", "Evidence"),
        only_known=True,
    ),
    "interventions": Kind(
        (
            _UPN,
            Column("Date", "date", needed=True, filled=True),
            Column("Action", "action", needed=True, filled=True),
            Column("Stage", "stage"),
            *_text("Contact ID", "Barrier", "Agency", "Outcome"),
            Column("From", "date"),
            Column("Until", "date"),
            Column("Amount", "amount"),
            *_text("By", "Note"),
            # Which letter an entry is about, where it is not the stage's own: its kind, or its reference.
            Column("Letter", "letter", extra=True),
            Column("Reference", "reference", extra=True),
            _WITHDRAWN,
            _STUDENT,
        ),
        subject=("UPN", "Date", "Action", "Stage", "Contact ID", "Letter", "Reference"),
        numbered=True,
    ),
}


def header_key(text: str) -> str:
    """What makes two headers the same: letters and digits, whatever the case, spaces or underscores."""
    return re.sub(r"[\s_]+", " ", text).strip().casefold()

"""What the headers of a list of pupils may mean: who a row is about, and the figures it gives.

Names only. What stands in the cells is for the readers (`export`, `lists`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attendance_pipeline.mis.cells import tidy
from attendance_pipeline.mis.kinds import KINDS
from attendance_pipeline.mis.sims_xml import CAPTIONS

NAME, UPN, STUDENT_ID, ADMISSION = "Name", "UPN", "Student ID", "Admission Number"
FORENAME, SURNAME, PREFERRED = "Forename", "Surname", "Preferred Forename"
CLASS, YEAR, BORN, ENTRY, LEAVING = "Class", "Year Group", "Date of Birth", "Entry Date", "Leaving Date"

# Who a row is about, besides the native headers and those of SIMS's reports and of other systems.
_ALSO: Mapping[str, tuple[str, ...]] = {
    NAME: ("Name", "Full Name", "Pupil Name", "Student Name", "Pupil", "Student", "Child", "Legal Name", "Pupils",
           "Preferred Name and Surname", "Name of Pupil", "Child's Name", "Learner", "Learner Name", "Legal Full Name",
           "Preferred Full Name", "Student Full Name"),
    UPN: ("Unique Pupil No", "Pupil UPN", "Student UPN", "UPN Number"),
    STUDENT_ID: ("Pupil ID", "Student No", "Student Number", "Person ID", "MIS ID", "External ID"),
    ADMISSION: ("Adno", "Adm No", "Admission No", "Admission", "Admissions Number", "Adm Number"),
    FORENAME: ("Given Name", "First Name", "Pupil Forename", "Student Forename", "legal_first_name", "Firstname"),
    SURNAME: ("Family Name", "Last Name", "Pupil Surname", "Student Surname", "legal_last_name", "Lastname"),
    PREFERRED: ("preferred_first_name", "Known As"),
    CLASS: ("Class Name", "Tutor Group Name", "Registration Form", "Tutor", "Form Group", "Registration", "Group",
            "registration_group", "Reg Form", "Form Class"),
    YEAR: ("NC Year Group", "NCY", "Year Code", "Yr", "Year Grp"),
    BORN: ("Birthdate", "Born"),
    ENTRY: ("Start Date", "Enrolment Date", "Joined", "Date Joined", "enrolment_start_date"),
    LEAVING: ("Date Left", "Leaving", "Left", "enrolment_end_date"),
}  # fmt: skip
WHO = tuple(_ALSO)

# Figures by what a header says once it is squeezed (`_squeezed`). `of` other_counts.FIGURES.
_COUNTS: Mapping[str, tuple[str, ...]] = {
    "possible": ("possible", "possiblemarks", "possiblesessions", "sessionspossible", "possibleattendances", "sessions",
                 "termlysessionspossible", "totalpossible", "totalsessions", "possibleattendance", "totalmarks",
                 "annualsessionspossible"),
    "attended": ("attended", "attendedsessions", "sessionsattended", "attendances", "presentplusaea", "presentandaea",
                 "actualattendances", "totalattended", "totalattendances", "presentaea", "totalpresent",
                 "presentplusapprovededucationalactivity", "presentplusapprovededactivity"),
    "present": ("present", "presentmarks", "presentsessions", "sessionspresent"),
    "approved": ("approvededactivity", "approvededucationalactivity", "aea", "approvedactivity", "approvededucational",
                 "educationalactivity", "approvededucationalactivities"),
    "authorised": ("authorised", "authorisedabsence", "authorisedabsences", "authabsence", "authabsences", "authabs",
                   "auth",
                   "sessionsauthorised", "termlysessionsauthorised", "authorisedabsencesessions", "authorisedsessions",
                   "authorisedmarks", "annualsessionsauthorised"),
    "unauthorised": ("unauthorised", "unauthorisedabsence", "unauthorisedabsences", "unauthabsence", "unauthabsences",
                     "unauthabs",
                     "unauth", "sessionsunauthorised", "termlysessionsunauthorised", "unauthorisedabsencesessions",
                     "unauthorisedsessions", "unauthorisedmarks", "annualsessionsunauthorised"),
    "absent": ("absent", "absences", "totalabsences", "totalabsence", "sessionsmissed", "missed", "absentsessions",
               "sessionsabsent", "absentmarks", "missedsessions", "allabsences"),
    "late_before": ("latebeforereg", "latebeforeregister", "latebeforeregistersclosed", "latebeforeregclosed",
                    "latesbeforereg", "latebefore"),
    "late_after": ("lateafterreg", "lateafterregister", "lateafterregistersclosed", "lateafterregclosed",
                   "latesafterreg", "lateafter"),
    "late": ("late", "lates", "lateboth", "latesessions", "totallates", "totallate", "sessionslate"),
    "not_established": ("unexplainedabsences", "unexplainedabsence", "unexplained", "noreasonyet", "noreason"),
    "unmarked": ("missingmarks", "missing", "unmarked", "unmarkedsessions", "marksmissing", "missingsessions"),
    "not_required": ("attendancenotrequired", "notrequired"),
}  # fmt: skip
_PERIOD = {
    "from": ("startdate", "from", "periodfrom", "datefrom", "fromdate", "start", "periodstart"),
    "to": ("enddate", "to", "periodto", "dateto", "todate", "end", "periodend"),
}
_STAGE = ("stage", "ladderstage", "interventionstage", "currentstage", "attendancestage", "stageofintervention")
_PERSISTENT = ("pa", "persistentabsence", "persistentlyabsent", "persistentabsentee", "ispa", "persistent", "papupil")
_PERCENT = re.compile(r"%|percent|\bpct\b|\brate\b|\bperc\b|\bavg\b", re.IGNORECASE)


def key_of(header: str) -> str:
    """What makes two headers the same."""
    return re.sub(r"[\W_]+", "", tidy(header)).casefold()


def _who_keys() -> dict[str, str]:
    out: dict[str, str] = {}
    for field, names in _ALSO.items():
        native = next((c for c in KINDS["pupils"].columns if c.header == field), None)
        known = (field, *(native.also if native else ()), *CAPTIONS["pupils"].get(field, ()), *names)
        for name in known:
            out.setdefault(key_of(name), field)
    return out


_KEYS = _who_keys()


def who_columns(headers: Sequence[str]) -> dict[str, int]:
    """Place of each column that says who a row is about: of several that mean the same, the first."""
    out: dict[str, int] = {}
    for place, header in enumerate(headers):
        field = _KEYS.get(key_of(header))
        if field is not None:
            out.setdefault(field, place)
    return out


def figure_columns(headers: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """(counts, shares): place of each column of sessions, and of each of a percentage, by the figure it gives.

    A header that says attendance and nothing else may be either: it is among the shares, and its cells decide.
    """
    counts: dict[str, int] = {}
    shares: dict[str, int] = {}
    for place, header in enumerate(headers):
        key = key_of(header)
        if _PERCENT.search(header) or key in ("attendance", "att", "attend"):
            if (share := _share(key)) is not None:
                shares.setdefault(share, place)
            continue
        figure = next((f for f, keys in _COUNTS.items() if key in keys), None)
        if figure is not None:
            counts.setdefault(figure, place)
    if "present" in counts and "approved" not in counts and "attended" not in counts:
        # Without a column of approved activities beside it, `present` is everything that is attendance.
        counts["attended"] = counts.pop("present")
    return counts, shares


_SHARES = (("unauth", "unauthorised"), ("auth", "authorised"), ("absen", "absent"), ("late", "late"),
           ("att", "attended"), ("present", "attended"))  # fmt: skip


def _share(key: str) -> str | None:
    """The figure whose percentage a header means; a bare `%` is attendance."""
    return "attended" if key in ("", "percent", "percentage") else next((f for part, f in _SHARES if part in key), None)


def other_columns(headers: Sequence[str]) -> dict[str, int]:
    """Places of `from`, `to`, `stage` and `persistent`."""
    names = {**_PERIOD, "stage": _STAGE, "persistent": _PERSISTENT}
    out: dict[str, int] = {}
    for place, header in enumerate(headers):
        for name, keys in names.items():
            if key_of(header) in keys:
                out.setdefault(name, place)
    return out

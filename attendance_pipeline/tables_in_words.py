"""What each column of each table of `attendance export` is: for docs/tables.md and for whoever works in a notebook.

Only words, one row a column, in the order of the contract. What stands in a table is made elsewhere.
"""

from __future__ import annotations

_SCHOOL = "the school's id in attendance.toml"
_UPN = "the pupil's unique pupil number as it is now"
_DAY = "the school day; figures are those at its end"
_EXTRACT = "name of the file that says so"
_LINE = "line of that file, the header counted as 1"
_RATIO = "a ratio from 0 to 1, six decimals"

_SUMS = {
    "possible": "possible sessions in the window",
    "attended": "attended sessions in it, approved educational activity and L included",
    "authorised": "sessions of authorised absence",
    "unauthorised": "sessions of unauthorised absence",
}

TABLES_IN_WORDS: dict[str, dict[str, str]] = {
    "register": {
        "school": _SCHOOL,
        "upn": _UPN,
        "date": "day of the session",
        "session": "AM or PM",
        "code": "the register code that stands",
        "recorded_on": "the day the MIS made the extract that says so",
        "extract": _EXTRACT,
        "line": _LINE,
    },
    "amendments": {
        "school": _SCHOOL,
        "upn": _UPN,
        "date": "day of the session",
        "session": "AM or PM",
        "old_code": "the code before; empty where there was none",
        "new_code": "the code after; empty where the mark was withdrawn",
        "recorded_on": "the day the MIS made the extract that changed it",
        "extract": _EXTRACT,
        "line": f"{_LINE}; empty where a complete extract withdrew the mark by not naming it",
        "reason": "the reason, where the extract gave one",
        "by": "who made the amendment, where the extract says",
    },
    "quarantine": {
        "school": _SCHOOL,
        "extract": _EXTRACT,
        "line": _LINE,
        "column": "the column that could not be used; (row) and (file) for the whole of one",
        "rule": "the rule it broke",
    },
    "measures": {
        "school": _SCHOOL,
        "upn": _UPN,
        "date": _DAY,
        "measure": "year_to_date, term_to_date or rolling_4_school_weeks",
        **_SUMS,
        "late_before_close": "of the attended: late before the register closed (L)",
        "late_after_close": "of the unauthorised: after it closed (U)",
        "attendance": f"attended of possible, {_RATIO}; empty where none was possible",
    },
    "groups": {
        "school": f"{_SCHOOL}; empty in the trust's own rows",
        "date": _DAY,
        "group_kind": "trust, school, year, class or cohort",
        "group": "which one",
        "measure": "as in measures",
        "pupils": "pupils on roll that day",
        **_SUMS,
        "attendance": f"attended of possible of all its pupils, {_RATIO}",
        "persistent": "pupils who missed a tenth or more; empty for rolling_4_school_weeks",
        "severe": "pupils who missed half or more; empty for rolling_4_school_weeks",
    },
    "stages": {
        "school": _SCHOOL,
        "upn": _UPN,
        "date": _DAY,
        "stage": "0 to 4",
        "status": "monitoring or awaiting_action; at stage 0 insufficient_data, watch or none",
        "episode": "number of the episode within the academic year; empty at stage 0",
        "opened_on": "the day the present stage opened; empty at stage 0",
        "review_due": "the day of the next review; empty at stage 0 and while awaiting action",
        "reviews": "reviews at this stage so far; empty at stage 0",
        "checkpoint": f"attendance that the next review compares with, {_RATIO}; empty at stage 0",
        "tier": "1 everybody, 2 at risk, 3 on the ladder",
    },
    "stage_events": {
        "school": _SCHOOL,
        "upn": _UPN,
        "date": "the day it happened",
        "event": "opened, no_sessions, recovered, escalated, stalled, dropped, dropped_accepted_reasons, not_dropped, "
        "left, set or closed",
        "from_stage": "the stage before; 0 where there was none",
        "to_stage": "the stage after; the same where it stays",
        "episode": "number of the episode",
        "attendance": f"the figure that was decided on, {_RATIO}",
        "threshold": f"the season's threshold, or the level of the stage that opened, {_RATIO}",
    },
    "penalty_notices": {
        "school": _SCHOOL,
        "upn": _UPN,
        "date": _DAY,
        "rule": "name of the rule in the policy",
        "status": "met, met_provisional, near or not_met",
        "counted": "sessions that count, those without a reason yet (N) included",
        "needed": "sessions still missing to the number",
        "window_from": "first day of the window",
        "window_to": "its last day: the newest whose marks are settled",
        "drops_out_on": "the first school day whose window excludes the oldest counted session",
        "blocked_by": "what stands in the way where the number is reached",
    },
    "letters": {
        "reference": "what the letter bears, and what leads to its evidence",
        "school": _SCHOOL,
        "upn": _UPN,
        "contact_id": "the recipient, as the MIS numbers contacts",
        "kind": "the kind of letter",
        "episode": "the episode it belongs to, where there is one",
        "stage": "the stage it belongs to, where there is one",
        "proposed_on": "the day it was first proposed for",
        "state": "proposed, approved, held, rejected, sent or superseded",
        "reason": "why it is held, rejected or superseded",
    },
    "tasks": {
        "school": _SCHOOL,
        "owner": "whose worklist it is on; class-<name> for a class teacher",
        "task": "what is to be done",
        "upn": "the pupil; empty for a task of the whole school",
        "opened_on": "the day it came up",
        "due_on": "the day it is due; empty where the calendar ends first",
        "closed_on": "the day it was done, or no longer needed; empty while open",
    },
}  # fmt: skip

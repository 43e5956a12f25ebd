"""What each register code counts for, written out by hand a second time.

Belongs here: the classes of rules.md section 2 as a small table. Must not: anything imported from the project, for this
table is one side of a comparison.
"""

from __future__ import annotations

from datetime import date

ATTENDED = ("/", "\\", "L", "K", "V", "P", "W", "B", "J")
AUTHORISED = ("C1", "C2", "C", "J1", "M", "S", "T", "R", "I", "E", "H", "F")
UNAUTHORISED = ("G", "N", "O", "U")
NOT_POSSIBLE = ("D", "X", "Q", "Y", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "Z", "#")

X_POSSIBLE_FROM = date(2020, 9, 1)
X_POSSIBLE_TO = date(2022, 3, 31)


def code_class(code: str) -> str:
    """`attended`, `authorised`, `unauthorised` or `not_possible`; a code outside its dates keeps its class."""
    if code in ATTENDED:
        return "attended"
    if code in AUTHORISED:
        return "authorised"
    if code in UNAUTHORISED:
        return "unauthorised"
    if code in NOT_POSSIBLE:
        return "not_possible"
    raise ValueError("the reference model was given a code that is not in its table; use codes of register-codes.csv")


def is_possible(code: str, day: date) -> bool:
    """Whether a session so marked is a possible session.

    Reading: X of 2020-22 is possible, not attended and not an absence, so it lowers attendance but is in no absence sum.
    """
    if code == "X" and X_POSSIBLE_FROM <= day <= X_POSSIBLE_TO:
        return True
    return code_class(code) != "not_possible"

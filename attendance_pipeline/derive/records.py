"""The records that the compiled loops read and write.

Belongs here: the fields of one record, each with its meaning. Not here: filling them (`plan`), and reading them (the
loops of `ladder` and `penalty_notices`).

A loop gets what it needs as a few arrays of records: a tuple of many arrays costs a count of references for each at
every call. No field may be called like an attribute that every NumPy record has (`size`, `min`): compiled code reads
the field, plain Python the attribute.

Days are numbers on the calendar's axis; -1 means there is none. Percentages are whole thousandths of a percent.
"""

from __future__ import annotations

import numpy as np


def _records(**fields: str) -> np.dtype[np.void]:
    return np.dtype([(name, "<i8") for name in fields])


# What the ladder in force says on one day.
DAY = _records(
    in_force="1 where some version is",
    opens="1 where, besides, the school has gone live",
    cut="the cut-off day",
    threshold="of the season; -1 where no version is in force",
    minimum="possible sessions below which there is too little data",
    start="first day of the window of the ladder's measure",
    gate_start="first day of the look-back",
    gate_minimum="unaccepted sessions that must be in it",
    illness_spells="spells after which I is questionable; 0 off",
    resolve_n="school days after which an N that nobody has explained is unaccepted",
    recovered_at="attendance over the period that counts as recovered",
    quiet="school weeks after a recovery in which nothing opens",
    relapse="school weeks after a recovery within which the stage left opens again",
    stalled="reviews without real improvement that lead on; 0 off",
    improvement="above the checkpoint that counts as real improvement",
    answered_within="how old, in school days, a log entry may be that a stage requires",
    reset="1 on days of a year that every pupil starts at stage 0",
    daily="1 where a stage with a level opens on the day attendance falls below it, not only at a review",
    last_stage="the highest that opens by itself",
    year_start="first day of the academic year",
    week="the school week",
)
# What it says of one stage on one day.
RUNG = _records(
    clock="which row of Plan.dues says when a review is due",
    reviews_before_next="reviews without which it does not lead on",
    requires="bits of policy.ACTIONS",
    supposed="school days after its opening on which all that is supposed to be done; -1 where the log says",
    below="attendance below which it opens; -1 where what a review of the stage before finds decides",
)
# One entry of the intervention log on the axis of school days; see `compile_log`.
ENTRY = _records(
    action="index in policy.ACTIONS",
    stage="-1 blank",
    after="the entry's date, or the next school day (n: none)",
    before="the entry's date, or the last school day before (-1: none)",
    from_="first school day of its dates",
    until="last school day of its dates",
    until_given="1 where a person wrote it",
)
# A penalty-notice rule, one of its alternatives, and the window of an alternative on one day.
RULE = _records(
    first="its first alternative",
    stop="the alternative after its last",
    near="sessions still needed at which it is near",
    own_sessions="1: some window is counted in the pupil's own sessions, not in days, or asks for their attendance",
    tabled="1: WINDOW.drop and `arrives` say when a session comes into its windows and leaves them",
    same_codes="1: it counts the codes that the rule before it counts, of the same pupils",
    own_number="1: a number of the school's own, and not about penalty notices",
)
ALTERNATIVE = _records(
    sessions="needed",
    kind="index in policy.WINDOW_KINDS",
    length="of the window, in its own unit",
    below="attendance in the window that must be below this; -1 where none is asked for",
    at_least="attendance in the window that must not be below this; -1 where none is asked for",
    holiday="how many of the counted sessions must be G",
    broken_weeks="how many different school weeks must hold a counted session",
    in_a_row="1: somewhere in the window so many must follow one another",
)
WINDOW = _records(
    start="first day of the window of this day; n where there is no cut-off day",
    drop="the first day whose window excludes a session of this day; -1 where the calendar ends first",
    week="the school week of this day",
)
# One pupil at the end of one day. At stage 0 only `status` means something. `possible` 0: the checkpoint is null.
STAGE_ROW = np.dtype(
    [
        ("stage", "u1"),
        ("status", "u1"),
        ("reviews", "<u2"),
        ("episode", "<u2"),
        ("opened_on", "<i2"),
        ("review_due", "<i2"),
        ("checkpoint_attended", "<u2"),
        ("checkpoint_possible", "<u2"),
    ]
)
# `looked_from` to `looked_to`: the days of the look-back (opened) or of the period (a review); -1 for the rest.
# `checkpoint_*`: the checkpoint a review compared with; `period_*`: the sessions of its period.
EVENT_ROW = np.dtype(
    [
        ("pupil", "<i4"),
        ("day", "<i4"),
        ("event", "u1"),
        ("from_stage", "u1"),
        ("to_stage", "u1"),
        ("episode", "<u2"),
        ("attended", "<u2"),
        ("possible", "<u2"),
        ("threshold", "<i4"),
        ("looked_from", "<i4"),
        ("looked_to", "<i4"),
        ("checkpoint_attended", "<u2"),
        ("checkpoint_possible", "<u2"),
        ("period_attended", "<u2"),
        ("period_possible", "<u2"),
    ]
)
# What the ladder remembers of one pupil from one day to the next.
STATE = np.dtype(
    [
        (name, "<i8")
        for name in (
            "stage",
            "awaiting",  # 1: the clock has not started, for want of an action that the stage requires
            "episode",
            "opened_on",
            "checkpoint_attended",
            "checkpoint_possible",
            "period_from",
            "due",
            "reviews",
            "stalled",
            "recovered",  # 1: there was a recovery, and the next four say of what
            "recovered_attended",
            "recovered_possible",
            "recovered_week",
            "recovered_stage",
            "nothing_opens_until",
            "told",  # events so far, of all pupils of the chunk
        )
    ]
)
# A penalty-notice rule on one day for one pupil.
# `alternative`: which of the rule's alternatives is reported; `blocked`: bits of BLOCKS, only when met or provisional.
# `window_from`, `drops_out_on`: day numbers, -1 null. The window ends on the cut-off day.
NOTICE_ROW = np.dtype(
    [
        ("status", "u1"),
        ("alternative", "u1"),
        ("blocked", "u1"),
        ("spare", "u1"),
        ("counted", "<u2"),
        ("window_from", "<i2"),
        ("drops_out_on", "<i2"),
    ]
)

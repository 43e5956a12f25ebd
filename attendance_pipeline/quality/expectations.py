"""What is expected of a day's register, in words that a data manager reads, and what it means when it falls short.

Belongs here: the table of checks. Not here: working a figure out (`figures.py`), asking Great Expectations
(`plausibility.py`), the limits themselves (`home_settings.QualitySetting`), holding a letter (`letters/`). The page for
data managers is docs/data-quality.md; every check of this table has its place there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from attendance_pipeline.home_settings import QualitySetting

# What waits when a check falls short. `nothing`: a warning. `that day`: letters that are decided on the marks of that
# day. `until settled`: also those of the school days after it, because the marks are there and go on counting.
NOTHING, THAT_DAY, UNTIL_SETTLED = "nothing", "that day", "until settled"
# Of whom a check speaks: the school on one day, a class on one day, or the roll as it is now.
SCHOOL, CLASS, ROLL = "school", "class", "roll"
Unit = Literal["%", "points", "times", ""]

# Groups of checks, as they are shown beside the register; each is about one thing that somebody does something about.
GROUPS = {
    "registers_taken": "Registers were taken: sessions and classes without marks. Letters that rest on such a day "
    "wait.",
    "reasons_known": "Absences have a reason: not too many marks are N. Letters that rest on such a day wait.",
    "marks_believable": "Marks can be believed: absence and codes beside the school's own weeks before. Letters "
    "wait where far more are absent than can be; the rest is a warning.",
    "corrections_usual": "No more marks were changed late than is usual at the school. A warning: nothing waits.",
    "roll_and_contacts": "The roll and the contacts can be worked with: numbers on roll, pupils twice, nobody to write "
    "to. A warning: nothing waits.",
}


@dataclass(frozen=True)
class Check:
    """One expectation of one figure.

    `figure` and `pupils` are columns of the figures: what is looked at, and how many pupils a shortfall concerns
    (blank: not asked). `limit` names the setting. `expected` has the limit at `{}`; `short` says a shortfall in a
    few words, for lists of letters. `least`: the figure is to be at
    least the limit, else at most. `of_few`: a shortfall counts from so many times `few_pupils` on.
    """

    name: str
    group: str
    scope: str
    figure: str
    pupils: str
    limit: str
    unit: Unit
    waits: str
    short: str
    expected: str
    means: str
    to_do: str
    least: bool = False
    of_few: int = 1

    def limit_in(self, setting: QualitySetting) -> float:
        """The limit that a home or school has set, in the unit of the figure."""
        return float(getattr(setting, self.limit))

    def expected_in(self, setting: QualitySetting) -> str:
        return self.expected.format(f"{self.limit_in(setting):g}")

    def waits_days(self, setting: QualitySetting) -> int:
        """On how many school days' decisions letters wait, the day itself included; 0 for a warning."""
        return {NOTHING: 0, THAT_DAY: 1}.get(self.waits, setting.letters_wait_school_days)


_ASK_FOR_REGISTERS = (
    "Find out which registers are missing (the classes are named below, where a whole class is), have them "
    "completed in the school's system, and let the next extract bring them."
)
_LOOK_AT_MARKS = (
    "Look at the day in the school's system. If the marks are wrong, correct them there: the next extract brings the "
    "correction. If they are right, put the date into confirmed_days in attendance.toml: letters go again that night."
)

CHECKS: tuple[Check, ...] = (
    Check(
        name="marks_present",
        group="registers_taken",
        scope=SCHOOL,
        figure="sessions without a mark (%)",
        pupils="pupils concerned: no mark",
        limit="unmarked_percent",
        unit="%",
        waits=THAT_DAY,
        short="registers are missing",
        expected="at most {}% of the sessions of pupils on roll are without a mark",
        means="Registers are missing, or the extract holds only part of the school.",
        to_do=_ASK_FOR_REGISTERS,
    ),
    Check(
        name="morning_marks",
        group="registers_taken",
        scope=SCHOOL,
        figure="pupils without a morning mark (%)",
        pupils="pupils concerned: no morning mark",
        limit="unmarked_morning_percent",
        unit="%",
        waits=THAT_DAY,
        short="morning registers are missing",
        expected="at most {}% of pupils on roll are without a morning mark",
        means="Morning registers are missing, or the extract holds only part of the school.",
        to_do=_ASK_FOR_REGISTERS,
    ),
    Check(
        name="class_morning",
        group="registers_taken",
        scope=CLASS,
        figure="pupils without a morning mark (%)",
        pupils="pupils concerned: no morning mark",
        limit="class_unmarked_percent",
        unit="%",
        waits=THAT_DAY,
        short="the morning register was not taken",
        expected="at most {}% of the class are without a morning mark",
        means="The morning register of the class was not taken, or was not saved.",
        to_do="Ask the class teacher for the register and complete it in the school's system.",
    ),
    Check(
        name="class_afternoon",
        group="registers_taken",
        scope=CLASS,
        figure="pupils without an afternoon mark (%)",
        pupils="pupils concerned: no afternoon mark",
        limit="class_unmarked_percent",
        unit="%",
        waits=THAT_DAY,
        short="the afternoon register was not taken",
        expected="at most {}% of the class are without an afternoon mark",
        means="The afternoon register of the class was not taken or not saved, or the extract was made before it was.",
        to_do="Ask the class teacher for the register and complete it in the school's system.",
    ),
    Check(
        name="not_established",
        group="reasons_known",
        scope=SCHOOL,
        figure="marks that are N (%)",
        pupils="pupils concerned: N",
        limit="not_established_percent",
        unit="%",
        waits=THAT_DAY,
        short="too many marks are N",
        expected="at most {}% of marks are N, reason not yet established",
        means="The office has not worked through the day's absences, or the system writes N by itself.",
        to_do="Establish the reasons and replace each N; after five school days it must become O.",
    ),
    Check(
        name="class_not_established",
        group="reasons_known",
        scope=CLASS,
        figure="marks that are N (%)",
        pupils="pupils concerned: N",
        limit="class_not_established_percent",
        unit="%",
        waits=THAT_DAY,
        short="too many marks of the class are N",
        expected="at most {}% of the class's marks are N",
        means="A register was opened and left: absent pupils and present ones may bear the same N.",
        to_do="Ask the class teacher who was there, and replace each N.",
    ),
    Check(
        name="some_attended",
        group="marks_believable",
        scope=SCHOOL,
        figure="possible sessions absent (%)",
        pupils="pupils concerned: absent",
        limit="absent_percent",
        unit="%",
        waits=UNTIL_SETTLED,
        short="hardly anybody attended",
        expected="at most {}% of possible sessions are absent",
        means="A closure or strike that is not in the calendar, or codes that were read as what they are not.",
        to_do="If the school was closed, put the day into closures of its calendar. " + _LOOK_AT_MARKS,
    ),
    Check(
        name="sudden_jump",
        group="marks_believable",
        scope=SCHOOL,
        figure="absence above own weeks (points)",
        pupils="pupils concerned: more absent than usual",
        limit="absence_jump_points",
        unit="points",
        waits=UNTIL_SETTLED,
        short="far more were absent than usual",
        expected="absence is at most {} points above the median of the school's own weeks before",
        means="An outbreak or hard weather; or a code map that turned presence into absence.",
        to_do=_LOOK_AT_MARKS,
    ),
    Check(
        name="hardly_any_absent",
        group="marks_believable",
        scope=SCHOOL,
        figure="absence beside own weeks (% of it)",
        pupils="pupils concerned: fewer absent than usual",
        limit="absence_least_percent_of_usual",
        unit="%",
        waits=NOTHING,
        short="hardly anybody was absent",
        expected="absence is at least {}% of the median of the school's own weeks before",
        means="Blanks may have been read as present, or absences left out of the extract.",
        to_do="Compare the day with the school's system. If blank means not entered there, say so in the column map.",
        least=True,
        of_few=2,
    ),
    Check(
        name="code_mix",
        group="marks_believable",
        scope=SCHOOL,
        figure="codes unlike own weeks (points)",
        pupils="pupils concerned: other codes than usual",
        limit="code_mix_points",
        unit="points",
        waits=NOTHING,
        short="codes are unlike those of other weeks",
        expected="at most {}% of marks stand in another group of codes than in the school's own weeks before",
        means="A trip of a whole year group, study leave, a closure; or a code map that needs a new line.",
        to_do="If the group of codes that is named does not fit what happened, check the code map. A closure belongs "
        "in the calendar.",
    ),
    Check(
        name="reason_mix",
        group="marks_believable",
        scope=SCHOOL,
        figure="reasons of absence unlike own weeks (points)",
        pupils="pupils concerned: other reasons than usual",
        limit="reason_mix_points",
        unit="points",
        waits=NOTHING,
        short="reasons of absence are unlike those of other weeks",
        expected="at most {}% of absences have another kind of reason than in the school's own weeks before",
        means="Many took the same leave; or a code map turned one reason into another.",
        to_do="If the kind of reason that is named does not fit what happened, check the code map before letters go.",
        of_few=2,
    ),
    Check(
        name="class_reasons",
        group="marks_believable",
        scope=CLASS,
        figure="possible sessions unauthorised (%)",
        pupils="pupils concerned: unauthorised",
        limit="class_unauthorised_percent",
        unit="%",
        waits=UNTIL_SETTLED,
        short="nearly the whole class was absent without leave",
        expected="at most {}% of the class's possible sessions are unauthorised absence",
        means="A class on a trip or with a supply teacher, whose register was filled with O.",
        to_do=_LOOK_AT_MARKS,
    ),
    Check(
        name="late_corrections",
        group="corrections_usual",
        scope=SCHOOL,
        figure="marks changed late (times the usual)",
        pupils="pupils concerned: marks changed late",
        limit="corrections_times_usual",
        unit="times",
        waits=NOTHING,
        short="many marks were changed late",
        expected="at most {} times as many marks of earlier days are changed as on the largest of the school's own "
        "weeks before",
        means="A bulk rewrite: a registration time or a code map was changed, or the extract is of another kind than "
        "usual.",
        to_do="Ask who changed the marks and why. What it changed for families is in the impact report.",
    ),
    Check(
        name="roll_change",
        group="roll_and_contacts",
        scope=SCHOOL,
        figure="change of the number on roll (%)",
        pupils="pupils concerned: on or off roll",
        limit="roll_change_percent",
        unit="%",
        waits=NOTHING,
        short="the number on roll changed suddenly",
        expected="the number on roll changes by at most {}% from one school day to the next",
        means="Entry or leaving dates were lost or rewritten, leavers came back, or another school's extract was "
        "dropped.",
        to_do="Compare the entry and leaving dates of the pupils extract with the school's system.",
    ),
    Check(
        name="duplicates",
        group="roll_and_contacts",
        scope=ROLL,
        figure="pupils on roll twice",
        pupils="",
        limit="duplicate_pupils",
        unit="",
        waits=NOTHING,
        short="pupils seem to be on roll twice",
        expected="at most {} pupils on roll share name and date of birth with another who has another UPN",
        means="One child under two UPNs, often a temporary and a permanent one: their marks are counted apart.",
        to_do="Give the leaving one a leaving date, or correct the UPN in the school's system. A true namesake: raise "
        "duplicate_pupils.",
    ),
    Check(
        name="silent",
        group="roll_and_contacts",
        scope=ROLL,
        figure="pupils on roll without any mark for weeks",
        pupils="",
        limit="silent_pupils",
        unit="",
        waits=NOTHING,
        short="pupils on roll have no marks",
        expected="at most {} pupils on roll have had no mark for weeks",
        means="Leavers who are still listed, or pupils whom the register extract leaves out. No register is missing "
        "for them.",
        to_do="Give leavers their leaving date in the school's system; or let the extract hold the whole school.",
    ),
    Check(
        name="no_recipient",
        group="roll_and_contacts",
        scope=ROLL,
        figure="pupils about whom nobody may be written to (%)",
        pupils="pupils concerned: no recipient",
        limit="no_recipient_percent",
        unit="%",
        waits=NOTHING,
        short="about many pupils nobody may be written to",
        expected="about at most {}% of pupils on roll there is nobody who may be written to",
        means="Contacts are missing, or none is marked as one who receives correspondence. Those pupils' letters are "
        "held for that, nobody else's.",
        to_do="Complete the contacts in the school's system. held.csv beside the letters names whose letter waits.",
    ),
    Check(
        name="no_address",
        group="roll_and_contacts",
        scope=ROLL,
        figure="pupils without an address to write to (%)",
        pupils="pupils concerned: no address",
        limit="no_address_percent",
        unit="%",
        waits=NOTHING,
        short="many pupils have no address to write to",
        expected="for at most {}% of pupils on roll no recipient has an address",
        means="Addresses are missing from the contacts. Those pupils' posted letters are held for that, nobody else's.",
        to_do="Complete the addresses in the school's system. held.csv beside the letters names whose letter waits.",
    ),
)  # fmt: skip
BY_NAME = {check.name: check for check in CHECKS}


def checks_of(scope: str) -> tuple[Check, ...]:
    """The checks of one scope, in order."""
    return tuple(check for check in CHECKS if check.scope == scope)

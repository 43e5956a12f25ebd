"""The board: what the attendance lead, and each class teacher, looks at in the morning; one page that needs no server.

Belongs here: which facts of a school day the board holds, for whom, and in which shape its script reads them. Not here:
a figure's rule (`derive/`), how the page looks and behaves (`templates/board/`), putting it together as a file
(`board_page.py`).

A class teacher's page holds the pupils of that class and nothing of another. A reason that names a court, care or
safeguarding is on no page, and neither are the free notes of the intervention log, whose words nobody checks. The page
holds no UPN, no address and no date of birth.

Percentages are whole tenths of a percent, rounded as on paper; days are numbers in the list `days` of the page.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive import ladder
from attendance_pipeline.derive.codes import by_code
from attendance_pipeline.derive.counting import Sessions
from attendance_pipeline.derive.groups import GROUP_KINDS, ROLLING
from attendance_pipeline.derive.ladder import EVENTS, STATUSES
from attendance_pipeline.derive.patterns import SchoolPatterns, patterns_of
from attendance_pipeline.derive.penalty_notices import BLOCKS, MET_PROVISIONAL, NEAR
from attendance_pipeline.derive.plan import STAGES, measure_start
from attendance_pipeline.derive.tables import groups_on, penalty_notices_on, stages_on, windows_of
from attendance_pipeline.derive.tiers import HUNDRED_PERCENT
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.drive_names import class_audiences
from attendance_pipeline.law.absence_thresholds import absent_from
from attendance_pipeline.law.policy import MEASURES, PERCENT_SCALE, Ladder, rolling_school_weeks
from attendance_pipeline.law.register_codes import AUTHORISED, CODES, POSSIBLE, UNAUTHORISED
from attendance_pipeline.reports.benchmarks import Comparison
from attendance_pipeline.reports.board_page import page_bytes
from attendance_pipeline.reports.board_proof import Proofs, Source
from attendance_pipeline.reports.class_lists import NO_CLASS, next_step
from attendance_pipeline.reports.figures import in_words, rounded
from attendance_pipeline.reports.restricted import ELSEWHERE, is_restricted
from attendance_pipeline.reports.why import Sent, why_all
from attendance_pipeline.reports.worklist_rows import CLASS_OWNER, ListSheet, OwnerLists
from attendance_pipeline.spreadsheets import Column

LEAD = "attendance-lead"
PAGE = "index.html"
# Cohorts that speak of care: their names would say of a child in a small group what the board must not.
HIDDEN_COHORTS = ("Looked After", "Social Worker")
# A code that says that a child is held in custody: on the board it is one of the codes of a session not required.
PLAIN_CODES = {"Y5": ("Y", "Unable to attend")}
# What the log says of a letter, the ledger says better; and a hold may be one for safeguarding.
_NOT_CONTACTS = frozenset({"letter_approved", "letter_rejected", "letter_sent"})
_SAYS_NO_WHY = frozenset({"hold", "release"})
# Where an overdue row is one thing to do; other sheets repeat them, or count them.
_COUNTED_SHEETS = frozenset({"to_do", "letters"})
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
_COMPARED = ("national", "local")  # a region beside them would be a third line in the same place
_OFF_ROLL = " "
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_MEASURES = {
    "year_to_date": "Attendance, year to date",
    "term_to_date": "Attendance, term to date",
    "half_term_to_date": "Attendance, half-term to date",
}

Json: TypeAlias = dict[str, Any]
Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LetterShown:
    """A letter of the ledger. `day`: sent, or else since when it is in its state. `to`: whom it goes to, by name."""

    pupil: int
    kind: str
    title: str
    state: str
    day: dt.date
    to: str = ""
    reason: str = ""
    reference: str = ""
    stage: int | None = None


@dataclass(frozen=True)
class Contact:
    """An entry of the intervention log; `detail`: outcome, barrier or agency, as staff wrote them."""

    pupil: int
    day: dt.date
    action: str
    stage: int | None = None
    by: str = ""
    detail: tuple[str, ...] = ()


@dataclass(frozen=True)
class BoardInputs:
    """What a board shows besides what was derived. `names`: row in PupilTable to (name, name to sort by). `keys`: row
    to the short sign by which the page's address names a pupil. `teachers`: class to its teacher. `lists`: today's, of
    every owner. `published`: what the school is compared with; None: nothing. `as_at`: what the register was read from,
    in words. `source`: file and line of a session; None: the pages have no proof."""

    derived: Derived
    day: int
    school: str
    names: Mapping[int, tuple[str, str]]
    keys: Mapping[int, str]
    as_at: str = ""
    teachers: Mapping[str, str] = field(default_factory=dict)
    letters: Sequence[LetterShown] = ()
    contacts: Sequence[Contact] = ()
    lists: Sequence[OwnerLists] = ()
    published: Comparison | None = None
    source: Source | None = None


def board_files(given: BoardInputs, earlier: Iterable[str] = ()) -> dict[str, dict[str, bytes]]:
    """Audience to file name to page: the lead's, and one for each class with a pupil on roll.

    `earlier`: audiences that had a page before. A class that has no pupil now gets a page that says so: one that nobody
    renews would go on showing pupils who have moved.
    """
    board = _Board(given)
    pages = {LEAD: board.page(None)}
    pages |= {folder: board.page(name) for name, folder in class_audiences(board.class_names).items()}
    pages |= {folder: board.page(folder.removeprefix(CLASS_OWNER)) for folder in earlier if folder not in pages}
    return {audience: {PAGE: page_bytes(page)} for audience, page in pages.items()}


def board_data(given: BoardInputs, class_name: str | None = None) -> Json:
    """What one page holds; None: the lead's."""
    return _Board(given).page(class_name)


class _Board:
    """The facts of one school day, worked out once for all pages."""

    def __init__(self, given: BoardInputs) -> None:
        self.given = given
        self.derived, self.day = given.derived, given.day
        self.calendar = given.derived.inputs.calendar
        # The class of now: who may read a page is not a matter of the day it is about.
        self.pupils = given.derived.inputs.pupils
        self.first = int(self.calendar.year_start[given.day])
        self.end = int(self.calendar.year_end[given.day])
        self.on_roll = self.pupils.on_roll(given.day)
        self.rows = sorted(np.flatnonzero(self.on_roll).tolist(), key=lambda p: (given.names[p][1], p))
        labels = [str(c) or NO_CLASS for c in self.pupils.class_name]
        self.class_of = {p: labels[p] for p in self.rows}
        self.class_names = sorted(set(self.class_of.values()))
        self._pupils: dict[int, Json] = {}

    # ------------------------------------------------------------ pages

    def page(self, class_name: str | None) -> Json:
        """All that one page holds."""
        rows = [p for p in self.rows if class_name in (None, self.class_of[p])]
        inside = np.zeros(len(self.pupils), dtype=np.bool_)
        inside[rows] = True
        classes = self.class_names if class_name is None else [class_name]
        number = {name: i for i, name in enumerate(classes)}
        mine = [o for o in self.given.lists if class_name is None or o.owner == f"{CLASS_OWNER}{class_name}"]
        policy = self.derived.plan.policy
        return {
            "school": self.given.school,
            "year": self.calendar.year_names[self.calendar.year[self.day]],
            "date": self.calendar.date(self.day).isoformat(),
            "asAt": self.given.as_at,
            "policy": f"{policy.name} {policy.version}",
            "ofClass": class_name,
            "classes": [{"name": name, "teacher": self.given.teachers.get(name, "")} for name in classes],
            **self._days(),
            "codes": _codes(),
            "rules": [rule.replace("-", " ") for rule in self.derived.plan.rule_names],
            "tiles": self._tiles(inside, mine, class_name),
            "trend": self._trend(None if class_name is None else inside),
            "published": self._published() if class_name is None else [],
            "publishedBy": self.given.published.said() if self.given.published and class_name is None else "",
            "groups": self._group_rows if class_name is None else [],
            "reasons": self._reasons(inside),
            "weekdays": self._weekdays(inside),
            "lists": [{"owner": o.title, "sheets": [self._sheet(sheet, inside) for sheet in o.sheets]} for o in mine],
            "pupils": [self._pupil(p, number, class_name is None) for p in rows],
            **(self._of_proofs() if class_name is None else {}),
        }

    def _of_proofs(self) -> Json:
        """What the proofs of all pupils share."""
        return self._proofs.shared() if self._proofs else {}

    def _days(self) -> Json:
        """The academic year as the calendar and the lines of the page need it."""
        c, first = self.calendar, self.first
        days = range(first, self.end + 1)
        weeks = sorted({int(c.week[d]) for d in days})
        spans = [[d for d in days if c.week[d] == w] for w in weeks]
        levels = self.derived.plan.ladder["threshold"]
        thresholds: list[list[int]] = []
        for d in days:
            level = int(levels[d])
            if level < 0:
                continue
            if thresholds and thresholds[-1][2] == level and thresholds[-1][1] == d - 1 - first:
                thresholds[-1][1] = d - first
            else:
                thresholds.append([d - first, d - first, level])
        return {
            "days": [c.date(d).isoformat() for d in days],
            "today": self.day - first,
            "weeks": [[span[0] - first, span[-1] - first] for span in spans],
            "halfTerms": [
                {"name": h.name, "first": h.first - first, "last": h.last - first}
                for h in c.half_terms
                if first <= h.first <= self.end
            ],
            # From day, to day, percent.
            "thresholds": [[a, b, level / PERCENT_SCALE] for a, b, level in thresholds],
            "measure": _measure_words(self._measure),
            "stageNotes": self._stage_notes(),
        }

    @property
    def _version(self) -> Ladder | None:
        """The ladder that is in force on the day."""
        return self.derived.plan.versions[int(self.derived.plan.version[self.day])]

    @cached_property
    def _measure(self) -> str:
        return self._version.measure if self._version else MEASURES[0]

    def _stage_notes(self) -> list[str]:
        """What stands below the head of each column: what the policy asks for before the stage's weeks begin."""
        notes = ["Recovered this year, and below the threshold again"]
        for stage in self._version.stages.in_order if self._version else ():
            asked = _listed([_in_words(action).lower() for action in getattr(stage, "requires", ())])
            unit, many = stage.clock
            weeks = f"{many} school weeks"
            if unit != "school_weeks":
                name = unit.replace("_", "-").removesuffix("s")
                weeks = f"Until the end of the {name}" if many == 1 else f"Until the end of {many} {name}s"
            notes.append(f"{weeks} from: {asked}" if asked else weeks)
        return notes

    # ------------------------------------------------------------ a pupil

    def _pupil(self, p: int, classes: Mapping[str, int], for_lead: bool) -> Json:
        """One pupil as one page shows it; what is empty is left out."""
        of_page: Json = {"l": self._letters(p, for_lead), "h": self._contacts(p, for_lead)}
        if for_lead:  # class teachers have no evidence of cases (docs/data-protection.md)
            of_page["proof"] = self._proof_of.get(p)
        return {**self._shared(p), "c": classes[self.class_of[p]], **{k: v for k, v in of_page.items() if v}}

    def _shared(self, p: int) -> Json:
        if p not in self._pupils:
            self._pupils[p] = self._of_every_page(p)
        return self._pupils[p]

    def _of_every_page(self, p: int) -> Json:
        """What every page with the pupil says of the pupil alike."""
        name, sort_name = self.given.names[p]
        stage, at = self._stages, self._place[p]
        year, recent = self._tenths["year"][p], self._tenths["recent"][p]
        due = int(stage["review_due"][at])
        awaiting = int(stage["status"][at]) == ladder.AWAITING_ACTION
        on = int(stage["stage"][at])
        found: Json = {
            "id": self.given.keys[p],
            "n": name,
            "s": sort_name,
            "y": str(self.pupils.year_group[p]),
            "g": on,
            "st": STATUSES[int(stage["status"][at])],
            "a": year,
            "r": recent,
            "ch": None if year is None or recent is None else recent - year,
            "k": [int(v) for v in self._sums[p]],  # possible, attended, authorised, unauthorised, late
            "m": self._marks[p],
            "w": self._weekly["week"][p],
            "v": self._weekly["line"][p],
            "next": next_step(on, awaiting, self.calendar.date(due) if due >= 0 else None),
            "due": self.calendar.date(due).isoformat() if due >= 0 else "",
            "since": self.calendar.date(int(stage["opened_on"][at])).isoformat() if on else "",
            "e": self._events.get(p, ()),
            "pn": self._notices.get(p, ()),
            "why": [words for words in self._why.get(p, ()) if not is_restricted(words)],
            "pat": [words for words in self._patterns.of(p).sentences if not is_restricted(words)],
        }
        return {k: v for k, v in found.items() if v not in ("", (), [], None)}

    @cached_property
    def _stages(self) -> Mapping[str, npt.NDArray[Any]]:
        return stages_on(self.derived, self.day)

    @cached_property
    def _place(self) -> dict[int, int]:
        return {int(p): i for i, p in enumerate(self._stages["pupil"])}

    @cached_property
    def _windows(self) -> tuple[Sessions, ...]:
        return windows_of(self.derived, self.day)

    @cached_property
    def _tenths(self) -> dict[str, list[int | None]]:
        return {name: _percents(self._windows[i]) for name, i in (("year", 0), ("recent", ROLLING))}

    @cached_property
    def _sums(self) -> npt.NDArray[np.int64]:
        year = self._windows[0]
        return np.stack([year.possible, year.attended, year.authorised, year.unauthorised, year.late], axis=1)

    @cached_property
    def _marks(self) -> list[str]:
        """The year's marks up to the day as a sign a session, AM and PM of each day; a blank for days off roll."""
        letters = np.frombuffer(_ALPHABET.encode(), dtype=np.uint8)
        marks = letters[np.minimum(self.derived.inputs.marks[:, self.first : self.day + 1], len(letters) - 1)]
        days = np.arange(self.first, self.day + 1)
        off = (days < self.pupils.entry[:, None]) | (days > self.pupils.leave[:, None])
        marks[off] = ord(_OFF_ROLL)
        return [row.tobytes().decode() for row in marks]

    @cached_property
    def _week_ends(self) -> list[tuple[int, int]]:
        """First and last day of each school week of the year up to the day."""
        days = np.arange(self.first, self.day + 1)
        weeks = self.calendar.week[self.first : self.day + 1]
        return [(int(days[weeks == w][0]), int(days[weeks == w][-1])) for w in np.unique(weeks)]

    @cached_property
    def _weekly(self) -> dict[str, list[list[int | None]]]:
        """By pupil: attendance of each school week, and the ladder's measure at the end of each."""
        counts, starts = self.derived.counts, measure_start(self.calendar, self._measure)
        week = [_percents(counts.window(first, last)) for first, last in self._week_ends]
        line = [_percents(counts.window(int(starts[last]), last)) for _, last in self._week_ends]
        return {"week": _by_pupil(week, len(self.pupils)), "line": _by_pupil(line, len(self.pupils))}

    @cached_property
    def _events(self) -> dict[int, list[list[Any]]]:
        """By pupil: day, stage before, stage after and what happened."""
        out: dict[int, list[list[Any]]] = defaultdict(list)
        events = self.derived.events
        for e in events[(events["day"] >= self.first) & (events["day"] <= self.day)]:
            before, after = int(e["from_stage"]), int(e["to_stage"])
            out[int(e["pupil"])].append([int(e["day"]) - self.first, before, after, event_words(e)])
        return out

    @cached_property
    def _notices(self) -> dict[int, list[list[Any]]]:
        """By pupil: rule, status, counted, needed, first day of the window, day on which the oldest drops out, and what
        stands in the way; rules of which nothing is counted are left out."""
        out: dict[int, list[list[Any]]] = defaultdict(list)
        c = penalty_notices_on(self.derived, self.day)
        own_number = self.derived.plan.notices.rules["own_number"] == 1
        for i in np.flatnonzero((c["counted"] > 0) & ~own_number[c["rule"]]):
            blocked = [ELSEWHERE if is_restricted(b) else b for n, b in enumerate(BLOCKS) if c["blocked"][i] >> n & 1]
            window, drops = int(c["window_from"][i]), int(c["drops_out_on"][i])
            out[int(c["pupil"][i])].append(
                [
                    int(c["rule"][i]),
                    int(c["status"][i]),
                    int(c["counted"][i]),
                    int(c["needed"][i]),
                    self.calendar.date(window).isoformat() if window >= 0 else "",
                    self.calendar.date(drops).isoformat() if drops >= 0 else "",
                    "; ".join(blocked),
                ]
            )
        return out

    @cached_property
    def _why(self) -> dict[int, list[str]]:
        sent = {
            p: [Sent(m.kind, m.day, m.stage) for m in letters if m.state == "sent"]
            for p, letters in self._letters_of.items()
        }
        return why_all(self.derived, self.day, sent, self.rows)

    @cached_property
    def _proofs(self) -> Proofs | None:
        return Proofs(self.derived, self.day, self.given.source) if self.given.source else None

    @cached_property
    def _proof_of(self) -> dict[int, Json]:
        return self._proofs.of(self.rows) if self._proofs else {}

    @cached_property
    def _patterns(self) -> SchoolPatterns:
        return patterns_of(self.derived.inputs, self.first, self.day)

    @cached_property
    def _letters_of(self) -> dict[int, list[LetterShown]]:
        return _grouped(self.given.letters)

    def _letters(self, p: int, for_lead: bool) -> list[list[str]]:
        """Day, title, state, to whom, why it is held or was given up, reference: the newest first."""
        return [
            [
                letter.day.isoformat(),
                letter.title,
                letter.state,
                letter.to,
                _openly(letter.reason.split("; ")) if for_lead else "",
                letter.reference,
            ]
            for letter in sorted(self._letters_of.get(p, ()), key=lambda m: (m.day, m.reference), reverse=True)
        ]

    @cached_property
    def _contacts_of(self) -> dict[int, list[Contact]]:
        return _grouped(self.given.contacts)

    def _contacts(self, p: int, for_lead: bool) -> list[list[Any]]:
        """Day, what was done, stage, by whom, and for the lead its outcome: the newest first."""
        return [
            [
                c.day.isoformat(),
                _in_words(c.action),
                c.stage or 0,
                "" if is_restricted(c.by) else c.by,
                _openly(c.detail) if for_lead and c.action not in _SAYS_NO_WHY else "",
            ]
            for c in sorted(self._contacts_of.get(p, ()), key=lambda c: c.day, reverse=True)
            if c.action not in _NOT_CONTACTS and (for_lead or c.action not in _SAYS_NO_WHY)
        ]

    # ------------------------------------------------------------ the whole

    def _tiles(self, inside: Bools, mine: Sequence[OwnerLists], class_name: str | None) -> list[Json]:
        today = self.derived.counts.window(self.day, self.day)
        year, recent = self._windows[0], self._windows[ROLLING]
        stages = self.derived.stage_rows(self.day)["stage"]
        near = sum(self._worst(p) == NEAR for p in np.flatnonzero(inside).tolist())
        provisional = sum(self._worst(p) == MET_PROVISIONAL for p in np.flatnonzero(inside).tolist())
        met = sum(self._worst(p) > MET_PROVISIONAL for p in np.flatnonzero(inside).tolist())
        if_n = f"{provisional} more if N counts, " if provisional else ""
        to_date, lately = _pooled(year, inside), _pooled(recent, inside)
        change = None if to_date is None or lately is None else lately - to_date
        waiting = sum(m.state == "proposed" and bool(inside[m.pupil]) for m in self.given.letters)
        late = _overdue(mine)
        date = self.calendar.date(self.day)
        persistent, severe, of = self._absent(inside)
        steps = [int((stages[inside] == stage).sum()) for stage in range(1, STAGES + 1)]
        at_each = ", ".join(str(n) for n in steps)
        return [
            {"label": f"{date:%A} {date.day} {date:%B}", "percent": _pooled(today, inside), "note": "attendance today"},
            {"label": "Year to date", "percent": to_date, "change": change, "note": "points, last four weeks"},
            {"label": "Persistently absent", "count": persistent, "of": of, "note": f"{severe} of them severely"},
            {"label": "On the ladder", "count": sum(steps), "note": f"{at_each} at stages 1 to 4", "to": "#/ladder"},
            {"label": "Overdue", "count": late, "note": "tasks and letters", "to": "#/lists"},
            {"label": "Penalty notices", "count": met, "note": f"met; {if_n}{near} near", "to": "#/notices"},
            *([{"label": "Letters to approve", "count": waiting, "to": "#/lists"}] if class_name is None else []),
        ]

    def _worst(self, p: int) -> int:
        return max((row[1] for row in self._notices.get(p, ())), default=0)

    @cached_property
    def _group_rows(self) -> list[Json]:
        """Year, class and cohort with the figures of the contract's table `groups`, without what speaks of care."""
        c = groups_on(self.derived, self.day)
        found: dict[tuple[str, str], Json] = {}
        for i in range(len(c["kind"])):
            kind, name = GROUP_KINDS[c["kind"][i]], str(c["group"][i])
            name = self.given.school if kind == "school" else name
            row = found.setdefault((kind, name), {"kind": kind, "name": name, "pupils": int(c["pupils"][i])})
            rate = _rounded(int(c["attended"][i]), int(c["possible"][i]))
            if c["measure"][i] == 0:
                row |= {"year": rate, "persistent": int(c["persistent"][i]), "severe": int(c["severe"][i])}
            elif c["measure"][i] == ROLLING:
                row["recent"] = rate
        return [row for row in found.values() if row["name"] not in HIDDEN_COHORTS or row["kind"] != "cohort"]

    def _absent(self, inside: Bools) -> tuple[int, int, int]:
        """Pupils persistently and severely absent in the year to date, of how many."""
        year, date = self._windows[0], self.calendar.date(self.day)
        absent, possible = year.absent.astype(np.int64) * HUNDRED_PERCENT, year.possible.astype(np.int64)
        persistent, severe = (
            int((inside & (possible > 0) & (absent >= absent_from(kind, date) * possible)).sum())
            for kind in ("persistent", "severe")
        )
        return persistent, severe, int(inside.sum())

    def _trend(self, inside: Bools | None) -> Json:
        """Attendance of each school week, and of the year to the end of each, pooled over these pupils.

        None: over everybody who was on roll then, also those who have left; the year as the table `groups` has it.
        """
        counts = self.derived.counts
        everybody = np.ones(len(self.pupils), dtype=np.bool_)
        return {
            "week": [
                _pooled(counts.window(first, last), everybody if inside is None else inside)
                for first, last in self._week_ends
            ],
            "year": [
                _pooled(counts.window(self.first, last), self.pupils.on_roll(last) if inside is None else inside)
                for _, last in self._week_ends
            ],
        }

    def _published(self) -> list[Json]:
        """England and the local authority: published year to date by the last day counted, on days of this year."""
        given, out = self.given.published, []
        for style, area, points in given.lines if given else ():
            name = area if given and given.this_year else f"Last year, {area}"
            days = [(self.calendar.on_or_before(day), percent) for day, percent in points]
            shown = [[d - self.first, int(rounded(p) * 10)] for d, p in days if self.first <= d <= self.day]
            if shown and style in _COMPARED:
                out.append({"style": style, "name": name, "points": shown})
        return out

    def _reasons(self, inside: Bools) -> list[Json]:
        """Sessions of absence in the year to date by code, the most frequent first."""
        totals = self._by_code[inside].sum(axis=0)
        rows = [r for r in CODES.rows if r.bits & (AUTHORISED | UNAUTHORISED) and totals[r.number]]
        return [
            {"code": r.code, "meaning": r.meaning, "kind": r.code_class, "sessions": int(totals[r.number])}
            for r in sorted(rows, key=lambda r: (-int(totals[r.number]), r.number))
        ]

    @cached_property
    def _by_code(self) -> npt.NDArray[np.uint16]:
        return by_code(self.derived.inputs, self.first, self.day)

    @cached_property
    def _absent_by_weekday(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """By pupil, weekday and half of the day: sessions of absence, and possible ones."""
        days = np.arange(self.first, self.day + 1)
        flags = self.derived.plan.flags[self.derived.plan.era[days][:, None], self.derived.inputs.marks[:, days]]
        flags[(days < self.pupils.entry[:, None]) | (days > self.pupils.leave[:, None])] = 0
        weekday = self.calendar.weekday[days]
        absent, possible = (flags & (AUTHORISED | UNAUTHORISED)) != 0, (flags & POSSIBLE) != 0
        return tuple(  # type: ignore[return-value]  # two of them
            np.stack([what[:, weekday == w].sum(axis=1) for w in range(len(_WEEKDAYS))], axis=1)
            for what in (absent, possible)
        )

    def _weekdays(self, inside: Bools) -> list[Json]:
        absent, possible = (part[inside].sum(axis=0) for part in self._absent_by_weekday)
        return [
            {"name": name, **{h: _rounded(int(absent[w, i]), int(possible[w, i])) for i, h in enumerate(("am", "pm"))}}
            for w, name in enumerate(_WEEKDAYS)
        ]

    def _sheet(self, sheet: ListSheet, inside: Bools) -> Json:
        """A list as the page shows it: columns without a single value are left out."""
        columns = [c if isinstance(c, Column) else Column(c) for c in sheet.columns]
        found = list(sheet.rows)
        used = [c for c in columns if any(r.get(c.key) not in (None, "") for r in found)]
        return {
            "name": sheet.name,
            "note": sheet.note,
            "empty": sheet.empty,
            "columns": [{"t": c.title, "k": c.kind, **({"w": 1} if c.wrap else {})} for c in used],
            "rows": [
                {
                    "v": [_cell(r.get(c.key)) for c in used],
                    **self._link(r.get("pupil_row"), inside),
                    **({"tone": r["tone"]} if r.get("tone") and sheet.key != "everyone" else {}),
                }
                for r in found
            ],
            "pupil": next((i for i, c in enumerate(used) if c.key == "pupil"), -1),
        }

    def _link(self, row: object, inside: Bools) -> Json:
        """The page of whom a row is about, where this board has it."""
        return {"p": self.given.keys[int(row)]} if isinstance(row, int | np.integer) and inside[row] else {}


def _overdue(mine: Sequence[OwnerLists]) -> int:
    """How many things are overdue; a task of several owners, a row on the list of each, is one of them."""
    return len(
        {
            tuple(sorted((key, repr(value)) for key, value in row.items() if key != "owner"))
            for lists in mine
            for sheet in lists.sheets
            if sheet.key in _COUNTED_SHEETS
            for row in sheet.rows
            if row.get("tone") == "late"
        }
    )


# ---------------------------------------------------------------- words


def event_words(event: np.void) -> str:
    """What an event of the ladder was, in words; `event`: a row of `derive.records.EVENT_ROW`."""
    kind, before, after = EVENTS[int(event["event"])], int(event["from_stage"]), int(event["to_stage"])
    figure = _rounded(int(event["attended"]), int(event["possible"]))
    at = "" if figure is None else f" at {figure / 10:.1f}%"
    words = {
        "opened": f"Stage {after} opened{at}",
        "escalated": f"Review: attendance dropped, on to stage {after}{at}",
        "stalled": f"Review: no real improvement, on to stage {after}{at}",
        "recovered": f"Recovered{at}: off the ladder from stage {before}",
        "dropped": f"Review: dropped{at}, stage {before} goes on",
        "dropped_accepted_reasons": f"Review: dropped{at} for accepted reasons, stage {before} goes on",
        "not_dropped": f"Review: did not drop{at}, stage {before} goes on",
        "no_sessions": f"Review: no session to look at, stage {before} goes on",
        "left": f"Left the school at stage {before}",
        "set": f"A person set stage {after}",
        "closed": f"A person closed stage {before}",
    }
    return words.get(kind, _in_words(kind))


def _in_words(word: str) -> str:
    words = word.replace("_", " ")
    return words[:1].upper() + words[1:]


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def _openly(parts: Iterable[str]) -> str:
    """Reasons as they may stand on the board: what is restricted is only said to be there, once."""
    given = [part for part in parts if part]
    said = [part for part in given if not is_restricted(part)]
    return "; ".join([*said, *([ELSEWHERE] if len(said) < len(given) else [])])


def _codes() -> list[Json | None]:
    """By code number: what a calendar shows for it. The class is one of `look.SESSIONS`."""
    out: list[Json | None] = [None] * (max(r.number for r in CODES.rows) + 1)
    for r in CODES.rows:
        code, meaning = PLAIN_CODES.get(r.code, (r.code, r.meaning))
        kind = {"present": "attended", "approved_activity": "attended"}.get(r.code_class, r.code_class)
        kind = {"not_collected": "not_possible"}.get(kind, kind)
        out[r.number] = {"c": code, "t": meaning, "k": "late" if r.code == "L" else kind}
    return out


# ---------------------------------------------------------------- figures


def _measure_words(measure: str) -> str:
    weeks = rolling_school_weeks(measure)
    if weeks is None:
        return _MEASURES[measure]
    return "Attendance, last school week" if weeks == 1 else f"Attendance, last {in_words(weeks)} school weeks"


def _rounded(part: int, whole: int) -> int | None:
    """part / whole in tenths of a percent, halves up on the exact fraction, as `figures.tenths`."""
    return (part * 2000 // whole + 1) // 2 if whole else None


def _percents(sessions: Sessions) -> list[int | None]:
    """By pupil, as `_rounded`."""
    part, whole = sessions.attended.astype(np.int64), sessions.possible.astype(np.int64)
    found = (part * 2000 // np.maximum(whole, 1) + 1) // 2
    return [v if n else None for v, n in zip(found.tolist(), whole.tolist(), strict=True)]


def _pooled(sessions: Sessions, inside: Bools) -> int | None:
    return _rounded(int(sessions.attended[inside].sum()), int(sessions.possible[inside].sum()))


def _by_pupil(columns: Sequence[Sequence[int | None]], pupils: int) -> list[list[int | None]]:
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(pupils)]


def _grouped(given: Iterable[Any]) -> dict[int, list[Any]]:
    out: dict[int, list[Any]] = defaultdict(list)
    for one in given:
        out[one.pupil].append(one)
    return out


def _cell(value: Any) -> Any:
    """A value of a list as JSON: a date in ISO form, nothing as an empty text."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, int | float) else str(value)

"""A trial as a workbook: seven sheets, each a table with its header, filters and print set-up.

Which rows and columns each sheet has. How a table looks in a spreadsheet program is in `spreadsheets.py`; nothing is
written to a disk here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from attendance_pipeline.spreadsheets import Column, Sheet, workbook_bytes
from attendance_pipeline.trial import words
from attendance_pipeline.trial.differences import Comparison
from attendance_pipeline.trial.export import Export, columns_told
from attendance_pipeline.trial.outcome import Outcome

Row = Mapping[str, Any]

_WHO = (
    Column("pupil", "Pupil", width=26),
    Column("class", "Class", width=9),
    Column("year", "Year", width=7),
    Column("upn", "UPN or number", width=16),
)


_SUMMARY = (Column("what", "What", width=46), Column("value", "Value", width=96, wrap=True))
_READ = (
    Column("column", "Column", width=34),
    Column("taken", "Taken as", width=24),
    Column("why", "Why", width=84, wrap=True),
)
_CALENDAR = (
    Column("what", "What", width=38),
    Column("first", "First day", "date", 12),
    Column("last", "Last day", "date", 12),
    Column("days", "Days", "whole", 8),
    Column("note", "Note", width=80, wrap=True),
)
_NOTICES = (
    *_WHO,
    Column("rule", "Rule", width=24),
    Column("status", "Status", width=15),
    Column("counted", "Counted", "whole", 10),
    Column("needed", "Still needed", "whole", 14),
    Column("from", "Window from", "date", 14),
    Column("drops", "Oldest drops out", "date", 18),
    Column("weeks", "In school weeks", "whole", 17),
    Column("sessions", "Sessions (and when each drops out)", width=64, wrap=True),
    Column("note", "Note", width=30, wrap=True),
)
_STAGES = (
    *_WHO,
    Column("stage", "Stage", "whole", 9),
    Column("done", "Stage if all done", "whole", 18),
    Column("status", "Status", width=17),
    Column("opened", "Opened", "date", 15),
    Column("now", "Attendance now", "percent", 17),
    Column("then", "When it opened", "percent", 17),
    Column("threshold", "Below", "percent", 9),
    Column("why", "Why it opened", width=64, wrap=True),
)
_ABSENT = (
    *_WHO,
    Column("attendance", "Attendance", "percent", 13),
    Column("possible", "Possible", "whole", 11),
    Column("attended", "Attended", "whole", 11),
    Column("authorised", "Authorised", "whole", 13),
    Column("unauthorised", "Unauthorised", "whole", 15),
    Column("severe", "Severe", width=10),
    Column("since", "Joined", "date", 12),
)
_DIFFERENCES = (
    Column("pupil", "Pupil", width=26),
    Column("class", "Class", width=9),
    Column("line", "Line in list", "whole", 13),
    Column("sure", "Match", width=12),
    Column("by", "Matched by", width=18),
    Column("about", "About", width=18, wrap=True),
    Column("theirs", "Theirs", width=32, wrap=True),
    Column("ours", "Here", width=32, wrap=True),
    Column("status", "Result", width=20),
    Column("words", "Explanation", width=60, wrap=True),
)


def workbook(export: Export, outcome: Outcome, found: Comparison | None) -> bytes:
    """The workbook of a trial. The same trial gives the same bytes."""
    nothing: list[Row] = [{"pupil": "nothing was compared: --against LIST"}]
    consider = "Penalty notices. A threshold that is met is to be considered; a person decides"
    sheets = [
        Sheet("Summary", _SUMMARY, _summary(export, outcome, found)),
        Sheet("How it was read", _READ, _read(export)),
        Sheet("Calendar", _CALENDAR, _calendar(outcome)),
        Sheet("Penalty notices", _NOTICES, _notices(outcome), heading=consider),
        Sheet("Stages", _STAGES, _stages(outcome)),
        Sheet("Persistent absence", _ABSENT, _absent(outcome), heading="Persistent and severe absence, year to date"),
        Sheet("Differences", _DIFFERENCES, _differences(found) if found else nothing),
    ]
    return workbook_bytes(sheets, title="Attendance: one export tried out", created=outcome.last_date)


def _who(outcome: Outcome, pupil: int) -> dict[str, Any]:
    person = outcome.people[pupil]
    number = person.upn or person.student_id or person.admission
    return {"pupil": person.name, "class": person.class_name, "year": person.year, "upn": number}


def _summary(export: Export, outcome: Outcome, found: Comparison | None) -> Iterator[Row]:
    h = outcome.headline
    yield {"what": "File", "value": export.file_name}
    yield {"what": "Read as", "value": f"{export.form}; {export.rows:,} marks of {len(export.people):,} pupils"}
    yield {"what": "Every mark counted up to", "value": outcome.last_date}
    yield {"what": "School days, school weeks", "value": f"{outcome.calendar.days}, {outcome.calendar.weeks}"}
    yield {"what": "Attendance of all pupils, year to date", "value": words.share(h.attended, h.possible)}
    if outcome.absent is None:
        yield {"what": "Persistently absent", "value": "not told of so few school days"}
    else:
        yield {"what": "Persistently absent, of these severely", "value": f"{h.persistent}, {h.severe}"}
    for rule in outcome.rules:
        rows = [n for n in outcome.notices if n.rule == rule]
        many = {s: sum(n.status == s for n in rows) for s in words.STATUS}
        yield {"what": f"{rule}: met", "value": many["met"]}
        yield {"what": f"{rule}: met only if N counts", "value": many["met_provisional"]}
        yield {"what": f"{rule}: near", "value": many["near"]}
        yield {
            "what": f"{rule}: the rule",
            "value": f"{words.rule_words(outcome, rule)}. {words.rule_source(outcome, rule)}",
        }
    yield {"what": "On the ladder", "value": h.on_ladder}
    yield {"what": "The ladder", "value": words.stage_assumption(outcome)}
    yield {
        "what": "Policy",
        "value": f"{outcome.derived.plan.policy.name}, version {outcome.derived.plan.policy.version}",
    }
    for sentence in words.blank_words(outcome, export):
        yield {"what": "Blank cells", "value": sentence}
    for what, other in words.blank_table(outcome):
        cells = ", ".join(f"{n} {c}" for n, c in zip(words.HEADLINE, words.headline_cells(other), strict=True))
        yield {"what": f"If blank means {what}", "value": cells}
    if found is not None:
        yield {"what": "Compared with", "value": f"{found.file_name}: {found.taken}"}
        for sentence in found.summary:
            yield {"what": "", "value": sentence}
    for sentence in (*outcome.assumed, *([words.extrapolation(outcome)] if outcome.notices else [])):
        yield {"what": "Assumed", "value": sentence}


def _read(export: Export) -> Iterator[Row]:
    for column, taken, why in columns_told(export):
        yield {"column": column, "taken": taken, "why": why}
    for code, n in export.codes.items():
        yield {"column": code, "taken": "register code", "why": words.counted(n, "mark")}
    for code, n in export.unknown.items():
        yield {"column": code, "taken": "no register code", "why": f"{words.counted(n, 'mark')}, left out"}
    for reason in words.left_out(export):
        yield {"column": "", "taken": "left out", "why": reason}
    for note in export.notes:
        yield {"column": "", "taken": "assumed", "why": note}


def _calendar(outcome: Outcome) -> Iterator[Row]:
    found = outcome.calendar
    for t in found.terms:
        yield {"what": f"{t.year} {t.season}", "first": t.starts, "last": t.ends, "days": t.days, "note": "school days"}
    for b in found.breaks:
        name = b.name or "not a usual holiday: are marks missing?"
        yield {"what": name, "first": b.starts, "last": b.ends, "days": b.weekdays, "note": "weekdays without school"}
    for day in found.single:
        yield {"what": "no school", "first": day, "last": day, "days": 1, "note": "INSET day or closure"}
    for day, n in found.odd.items():
        yield {
            "what": "not a school day",
            "first": day,
            "last": day,
            "days": 0,
            "note": f"{n} pupils have marks, which count in nothing",
        }
    for sentence in outcome.assumed:
        yield {"what": "assumed", "note": sentence}


def _notices(outcome: Outcome) -> Iterator[Row]:
    for n in outcome.notices:
        drops = [
            f"{s.date:%d/%m/%Y} {s.session} {s.code}" + (f" ({s.drops_out_on:%d/%m/%Y})" if s.drops_out_on else "")
            for s in n.sessions
        ]
        yield {
            **_who(outcome, n.pupil),
            "rule": n.rule,
            "status": words.STATUS[n.status],
            "counted": n.counted,
            "needed": n.needed,
            "from": n.window_from,
            "drops": n.drops_out_on,
            "weeks": n.weeks_left,
            "sessions": "; ".join(drops),
            "note": "; ".join(n.notes),
        }


def _stages(outcome: Outcome) -> Iterator[Row]:
    for s in outcome.stages:
        yield {
            **_who(outcome, s.pupil),
            "stage": s.stage,
            "done": s.if_done,
            "status": s.status.replace("_", " "),
            "opened": s.opened_on or "next school day",
            "now": Fraction(*s.now) if s.now[1] else None,
            "then": Fraction(s.attended, s.possible) if s.possible else None,
            "threshold": Fraction(s.threshold, 100_000),
            "why": words.why_stage(s),
        }


def _absent(outcome: Outcome) -> Iterator[Row]:
    for a in outcome.absent or ():
        yield {
            **_who(outcome, a.pupil),
            "attendance": Fraction(a.attended, a.possible),
            "possible": a.possible,
            "attended": a.attended,
            "authorised": a.authorised,
            "unauthorised": a.unauthorised,
            "severe": "severe" if a.severe else "",
            "since": a.since,
        }


def _differences(found: Comparison) -> Iterator[Row]:
    for d in found.rows:
        yield {
            "pupil": d.named,
            "class": d.class_name,
            "line": d.line,
            "sure": d.matched.sure if d.matched else "",
            "by": d.matched.by.split(";")[0] if d.matched and d.pupil is not None else "",
            "about": d.about,
            "theirs": d.theirs,
            "ours": d.ours,
            "status": d.status,
            "words": d.explanation,
        }

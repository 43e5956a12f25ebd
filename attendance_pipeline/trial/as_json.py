"""A trial as plain values for JSON: the same as the terminal and the workbook show, in full. No figure is made here."""

from __future__ import annotations

import datetime as dt
from typing import Any

from attendance_pipeline.trial import words
from attendance_pipeline.trial.differences import Comparison
from attendance_pipeline.trial.export import Export, columns_told
from attendance_pipeline.trial.outcome import Headline, Outcome
from attendance_pipeline.trial.people import Person


def as_json(export: Export, outcome: Outcome, found: Comparison | None) -> dict[str, Any]:
    """Dates are ISO, attendance is attended and possible sessions; null where there is nothing."""
    return {
        "file": export.file_name,
        "read": {
            "form": export.form,
            "marks": export.rows,
            "pupils": len(export.people),
            "known_by": export.known_by,
            "columns": [{"column": c, "taken_as": t, "why": w} for c, t, w in columns_told(export)],
            "codes": dict(export.codes),
            "unknown_codes": dict(export.unknown),
            "left_out": [
                {"column": s.column, "rule": s.rule, "rows": s.rows, "lines": list(s.lines)} for s in export.set_aside
            ],
            "warnings": dict(export.warnings),
            "notes": list(export.notes),
        },
        "calendar": {
            "school_days": outcome.calendar.days,
            "school_weeks": outcome.calendar.weeks,
            "last_day": outcome.last_date.isoformat(),
            "terms": [
                {
                    "year": t.year,
                    "season": t.season,
                    "first": _iso(t.starts),
                    "last": _iso(t.ends),
                    "school_days": t.days,
                }
                for t in outcome.calendar.terms
            ],
            "breaks": [
                {"name": b.name, "first": _iso(b.starts), "last": _iso(b.ends), "weekdays": b.weekdays}
                for b in outcome.calendar.breaks
            ],
            "single_days": [_iso(d) for d in outcome.calendar.single],
            "not_school_days": {d.isoformat(): n for d, n in outcome.calendar.odd.items()},
            "assumed": list(outcome.assumed),
        },
        "blank": {
            "taken_as": outcome.blank,
            "chosen": outcome.chosen,
            "sessions": outcome.cells,
            "otherwise": _headline(outcome.other) if outcome.other else None,
        },
        "policy": {"name": outcome.derived.plan.policy.name, "version": outcome.derived.plan.policy.version},
        "headline": _headline(outcome.headline),
        "penalty_notices": [
            {
                **_who(outcome.people[n.pupil]),
                "rule": n.rule,
                "status": n.status,
                "counted": n.counted,
                "needed": n.needed,
                "window_from": _iso(n.window_from),
                "window_to": _iso(outcome.last_date),
                "drops_out_on": _iso(n.drops_out_on),
                "school_weeks_left": n.weeks_left,
                "sessions": [
                    {"date": _iso(s.date), "session": s.session, "code": s.code, "drops_out_on": _iso(s.drops_out_on)}
                    for s in n.sessions
                ],
                "notes": list(n.notes),
            }
            for n in outcome.notices
        ],
        "stages": [
            {
                **_who(outcome.people[s.pupil]),
                "stage": s.stage,
                "status": s.status,
                "stage_if_every_step_done": s.if_done,
                "opened_on": _iso(s.opened_on),
                "attended": s.attended,
                "possible": s.possible,
                "threshold_percent": s.threshold / 1000,
                "attended_now": s.now[0],
                "possible_now": s.now[1],
                "why": words.why_stage(s),
            }
            for s in outcome.stages
        ],
        "insufficient_data": outcome.insufficient,
        "persistent_absence": None
        if outcome.absent is None
        else [
            {
                **_who(outcome.people[a.pupil]),
                "possible": a.possible,
                "attended": a.attended,
                "authorised": a.authorised,
                "unauthorised": a.unauthorised,
                "severe": a.severe,
                "joined": _iso(a.since),
            }
            for a in outcome.absent
        ],
        "left": [{**_who(outcome.people[p]), "last_mark": _iso(day)} for p, day in outcome.left.items()],
        "differences": None if found is None else _comparison(found),
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "file": found.file_name,
        "taken_for": found.taken,
        "summary": list(found.summary),
        "rows": [
            {
                "pupil": d.named,
                "class": d.class_name or None,
                "line": d.line,
                "match": d.matched.sure if d.matched else None,
                "matched_by": d.matched.by if d.matched else None,
                "about": d.about or None,
                "theirs": d.theirs or None,
                "ours": d.ours or None,
                "status": d.status,
                "explanation": d.explanation or None,
            }
            for d in found.rows
        ],
    }


def _who(person: Person) -> dict[str, Any]:
    return {
        "pupil": person.name,
        "upn": person.upn or None,
        "number": person.student_id or person.admission or None,
        "class": person.class_name or None,
        "year": person.year or None,
    }


def _headline(h: Headline) -> dict[str, int]:
    return vars(h).copy()


def _iso(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()

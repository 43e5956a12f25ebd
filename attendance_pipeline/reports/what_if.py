"""A what-if as a person reads it: the same marks under today's policy and under others, as lines, JSON, workbook, page.

Belongs here: hours of work, totals, who moves up or down, the words that say what a what-if can and cannot know. Not
here: deriving (`derive/what_if.py`), reading a home (`steps/what_if.py`), writing a file.

Lines, JSON and workbook name pupils: they are for the person who asked, and go into no log. The page names nobody.
"""

from __future__ import annotations

import datetime as dt
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from attendance_pipeline.derive.dates import date_words, short_date
from attendance_pipeline.derive.what_if import KINDS, STAGES, Outcome
from attendance_pipeline.reports import look
from attendance_pipeline.reports.charts import Line, Stack, line_chart, render_page, stacked_chart
from attendance_pipeline.spreadsheets import Column, Sheet, workbook_bytes

REFERRAL = KINDS.index("referral_pack")
ON_LADDER = range(1, STAGES)
_WIDE = 110  # characters of a line on a terminal

BEFORE_APPROVAL = (
    "Letters are those that the ladder would ask for, one a pupil: before approvals and holds, and however many "
    "parents each goes to. Warnings of penalty notices and letters about illness are not among them."
)
BY_THE_LOG = (
    "What a stage requires before it is monitored is looked up in the intervention log, on every side. The log is of "
    "the policy of the time: another policy waits for letters and meetings that nobody had a reason to record."
)
SUPPOSED = (
    "What a stage requires before it is monitored (a letter sent, a meeting held) is supposed to be done {days} after "
    "the stage opens, on every side but 'as logged': the log is of the policy of the time and cannot say what another "
    "would have had done."
)
KEPT = (
    "Stages set and episodes closed by a person, reasons questioned, evidence accepted, and penalty notices and "
    "Notices to Improve that were issued, are as in the log on every side."
)
SAME_MARKS = "Nobody knows how families would have answered another policy: the marks are the same on every side."
HOURS = "Hours reckon with {minutes} (minutes each); say your own with --minutes."


@dataclass(frozen=True)
class Side:
    """One policy of a what-if: `name` as it is headed; `values`: what a sweep set in it."""

    name: str
    outcome: Outcome
    values: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Mover:
    """A pupil on roll whose stage on the last day is another. Stages are those of `today` and of the other policy."""

    upn: str
    name: str
    class_name: str
    today: int
    other: int
    highest_today: int
    highest_other: int


@dataclass(frozen=True)
class WhatIf:
    """Of one school. `sides`: the first is today's policy. `weeks`: the last school day of each school week.
    `movers`: between the first side and the second, of a comparison without a sweep. `days_supposed`: None by the log.
    """

    school_id: str
    school: str
    first: dt.date
    last: dt.date
    weeks: tuple[dt.date, ...]
    sides: tuple[Side, ...]
    movers: tuple[Mover, ...] = ()
    logged: Side | None = None
    days_supposed: int | None = None
    as_at: dt.date | None = None
    minutes: Mapping[str, int] | None = None

    @property
    def swept(self) -> bool:
        return any(side.values for side in self.sides)

    @property
    def shown(self) -> tuple[Side, ...]:
        """Today's as it was where that is another, and the sides."""
        return self.sides if self.logged is None else (self.logged, *self.sides)


@cache
def staff_minutes() -> Mapping[str, int]:
    """Minutes by action, as shipped."""
    return tomllib.loads(files(__package__).joinpath("data", "staff_minutes.toml").read_text(encoding="utf-8"))


def hours(o: Outcome, minutes: Mapping[str, int] | None = None) -> list[float]:
    """Hours of work by week, to a tenth."""
    m = {**staff_minutes(), **(minutes or {})}
    letters = o.letters.sum(axis=1) - o.letters[:, REFERRAL]
    total = (
        letters * m["letter"]
        + o.meetings * m["meeting"]
        + o.reviews * m["review"]
        + o.letters[:, REFERRAL] * m["referral"]
        + o.new_cases * m["case"]
    )
    return [round(float(x) / 60, 1) for x in total]


def moved(today: Outcome, other: Outcome) -> tuple[int, int]:
    """How many pupils stand higher on the last day, and how many lower."""
    return int((other.at_end > today.at_end).sum()), int((other.at_end < today.at_end).sum())


def notes(told: WhatIf) -> list[str]:
    """What the figures rest on, in sentences."""
    days = told.days_supposed
    out = [BEFORE_APPROVAL]
    if days is None:
        out.append(BY_THE_LOG)
    else:
        out.append(SUPPOSED.format(days="at once" if days == 0 else f"{days} school day{'' if days == 1 else 's'}"))
        if days == 0:
            out[-1] = out[-1].replace("at once after the stage opens", "on the day the stage opens")
    minutes = {**staff_minutes(), **(told.minutes or {})}
    return [*out, KEPT, SAME_MARKS, HOURS.format(minutes=", ".join(f"{k} {v}" for k, v in minutes.items()))]


# ---------------------------------------------------------------- figures


def week_row(side: Side, week: int, minutes: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The figures of one school week."""
    o = side.outcome
    return {
        **{f"stage_{s}": int(o.stages[week, s]) for s in range(STAGES)},
        "awaiting_action": int(o.awaiting[week]),
        "letters": int(o.letters[week].sum()),
        "meetings": int(o.meetings[week]),
        "reviews": int(o.reviews[week]),
        "hours": hours(o, minutes)[week],
        "cases": int(o.cases[week]),
        "new_cases": int(o.new_cases[week]),
        "near": int(o.near[week]),
    }


def totals(side: Side, minutes: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The figures of the whole period; stages, cases and `near` on its last day."""
    o = side.outcome
    return {
        **{f"stage_{s}": int(o.stages[-1, s]) for s in range(STAGES)},
        "awaiting_action": int(o.awaiting[-1]),
        **{f"reached_{s}": int((o.highest >= s).sum()) for s in ON_LADDER},
        **{kind: int(n) for kind, n in zip(KINDS, o.letters.sum(axis=0), strict=True)},
        "letters": int(o.letters.sum()),
        "meetings": int(o.meetings.sum()),
        "reviews": int(o.reviews.sum()),
        "hours": round(sum(hours(o, minutes)), 1),
        "busiest_week_letters": int(o.letters.sum(axis=1).max(initial=0)),
        "busiest_week_hours": max(hours(o, minutes), default=0.0),
        "cases": int(o.cases[-1]),
        "new_cases": int(o.new_cases.sum()),
        "near": int(o.near[-1]),
    }


# ---------------------------------------------------------------- lines


def as_lines(told: WhatIf) -> list[str]:
    """For a terminal."""
    out = [f"{told.school}: {date_words(told.first)} to {date_words(told.last)}, {len(told.weeks)} school weeks"]
    if told.as_at is not None:
        out[0] += f", by what was recorded up to {date_words(told.as_at)}"
    out.append("")
    out += _sweep_lines(told) if told.swept else [*_total_lines(told), "", *_week_lines(told), "", *_mover_lines(told)]
    return [*out, *(line for note in notes(told) for line in ("", *textwrap.wrap(note, _WIDE)))]


_TOTALS = (
    *((f"stage_{s}", f"at stage {s} on the last day") for s in ON_LADDER),
    ("awaiting_action", "  of them waiting for an action"),
    *((f"reached_{s}", f"reached stage {s}" + (" or higher" if s < STAGES - 1 else "")) for s in ON_LADDER),
    ("letters", "letters asked for"),
    ("busiest_week_letters", "  in the busiest week"),
    ("meetings", "meetings"),
    ("reviews", "reviews"),
    ("hours", "hours of work"),
    ("busiest_week_hours", "  in the busiest week"),
    ("cases", "penalty-notice cases on the last day"),
    ("new_cases", "  new in the period"),
)


def _total_lines(told: WhatIf) -> Iterator[str]:
    sides = told.shown
    widths = [max(len(s.name), 8) for s in sides]
    yield " " * 40 + "  ".join(s.name.rjust(w) for s, w in zip(sides, widths, strict=True))
    figures = [totals(s, told.minutes) for s in sides]
    for key, words in _TOTALS:
        cells = "  ".join(_cell(f[key]).rjust(w) for f, w in zip(figures, widths, strict=True))
        yield f"{words:<40}{cells}"


_SHORT = (*((f"stage_{s}", f"st.{s}") for s in ON_LADDER), ("letters", "lett"), ("meetings", "meet"),
          ("hours", "hours"), ("cases", "case"))  # fmt: skip


def _week_lines(told: WhatIf) -> Iterator[str]:
    width = 6 * len(_SHORT)
    yield "Week to     " + "  |".join(s.name[:width].center(width) for s in told.sides)
    yield " " * 12 + "  |".join("".join(f"{short:>6}" for _, short in _SHORT) for _ in told.sides)
    for i, day in enumerate(told.weeks):
        rows = [week_row(s, i, told.minutes) for s in told.sides]
        yield f"{day}  " + "  |".join("".join(f"{_cell(r[key]):>6}" for key, _ in _SHORT) for r in rows)


def _mover_lines(told: WhatIf) -> Iterator[str]:
    up = [m for m in told.movers if m.other > m.today]
    down = [m for m in told.movers if m.other < m.today]
    yield f"On {short_date(told.last)} {len(up)} would stand higher and {len(down)} lower than under today's policy."
    for heading, some in (("Higher", up), ("Lower", down)):
        if some:
            yield f"{heading}:"
        for m in some:
            yield f"  {m.upn:<14}{m.name:<32}{m.class_name:<8}stage {m.today} -> {m.other}"


def _sweep_lines(told: WhatIf) -> Iterator[str]:
    names = [s.name for s in told.sides]
    width = max(map(len, names))
    heads = (*(f"st.{s}" for s in ON_LADDER), "letters", "meetings", "hours", "cases", "higher", "lower")
    yield " " * width + "".join(f"{h:>9}" for h in heads)
    today = told.sides[0].outcome
    for side, name in zip(told.sides, names, strict=True):
        t = totals(side, told.minutes)
        cells = (*(t[f"stage_{s}"] for s in ON_LADDER), t["letters"], t["meetings"], t["hours"], t["new_cases"],
                 *moved(today, side.outcome))  # fmt: skip
        yield f"{name:<{width}}" + "".join(f"{_cell(c):>9}" for c in cells)
    yield ""
    yield (
        "Stages on the last day; letters, meetings, hours and new penalty-notice cases of the whole period; how many "
        "pupils stand higher or lower on the last day than under today's policy."
    )


def _cell(value: float) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


# ---------------------------------------------------------------- JSON


def as_json(told: WhatIf) -> dict[str, Any]:
    """Everything, in the shape that docs/what-if.md describes."""

    def side(s: Side) -> dict[str, Any]:
        return {
            "name": s.name,
            "policy": s.outcome.policy.name,
            "policy_version": s.outcome.policy.version,
            "values": {k: v if isinstance(v, int | str) else float(v) for k, v in s.values},
            "totals": totals(s, told.minutes),
            "moved": dict(zip(("higher", "lower"), moved(told.sides[0].outcome, s.outcome), strict=True)),
            "weeks": [{"week_to": d.isoformat(), **week_row(s, i, told.minutes)} for i, d in enumerate(told.weeks)],
        }

    return {
        "school": told.school_id,
        "from": told.first.isoformat(),
        "to": told.last.isoformat(),
        "as_at": None if told.as_at is None else told.as_at.isoformat(),
        "actions": "by the log" if told.days_supposed is None else f"supposed after {told.days_supposed} school days",
        "as_logged": None if told.logged is None else side(told.logged),
        "today": side(told.sides[0]),
        "others": [side(s) for s in told.sides[1:]],
        "movers": [vars(m) for m in told.movers],
        "notes": notes(told),
    }


# ---------------------------------------------------------------- workbook and page


def workbook(results: Sequence[WhatIf]) -> bytes:
    """One or several schools as a workbook. Names pupils."""
    sheets: list[Sheet] = []
    for told in results:
        of = f"{told.school_id}, " if len(results) > 1 else ""
        keys = list(totals(told.sides[0]))
        sheets.append(
            Sheet(
                f"{of}side by side",
                [Column("side", "Policy"), *(Column(k, _title(k), _kind(k)) for k in keys),
                 Column("higher", "Stand higher than today", "whole"), Column("lower", "Stand lower", "whole")],
                [{"side": s.name, **totals(s, told.minutes),
                  **dict(zip(("higher", "lower"), moved(told.sides[0].outcome, s.outcome), strict=True))}
                 for s in told.shown],
            )
        )  # fmt: skip
        week_keys = list(week_row(told.sides[0], 0))
        sheets.append(
            Sheet(
                f"{of}by week",
                [Column("side", "Policy"), Column("week", "Week to", "date"),
                 *(Column(k, _title(k), _kind(k)) for k in week_keys)],
                [{"side": s.name, "week": day, **week_row(s, i, told.minutes)}
                 for s in told.shown for i, day in enumerate(told.weeks)],
            )
        )  # fmt: skip
        if not told.swept:
            sheets.append(
                Sheet(
                    f"{of}who moves",
                    [Column("upn", "UPN"), Column("name", "Pupil"), Column("class_name", "Class"),
                     Column("way", "Stands"), Column("today", "Stage today", "whole"),
                     Column("other", "Stage there", "whole"), Column("highest_today", "Highest today", "whole"),
                     Column("highest_other", "Highest there", "whole")],
                    [{**vars(m), "way": "higher" if m.other > m.today else "lower"} for m in told.movers],
                )
            )  # fmt: skip
        sheets.append(
            Sheet(f"{of}what this is", [Column("words", "", width=100, wrap=True)], [{"words": n} for n in notes(told)])
        )
    return workbook_bytes(sheets, title="What if", created=max(t.last for t in results))


_TITLES = {"awaiting_action": "Waiting for an action", "near": "Near a penalty notice", "cases": "Penalty-notice cases",
           "new_cases": "New cases"}  # fmt: skip


def _title(key: str) -> str:
    return _TITLES.get(key, key.replace("_", " ").capitalize())


def _kind(key: str) -> Any:
    return "decimal" if key.endswith("hours") else "whole"


def page(results: Sequence[WhatIf]) -> bytes:
    """Charts and totals as a page of HTML that names nobody."""
    schools = [
        {
            "name": t.school,
            "period": f"{date_words(t.first)} to {date_words(t.last)}",
            "charts": _sweep_charts(t) if t.swept else _charts(t),
            "heads": [s.name for s in t.shown],
            "rows": []
            if t.swept
            else [(words, [_cell(totals(s, t.minutes)[k]) for s in t.shown]) for k, words in _TOTALS],
            "sweep": list(_sweep_lines(t)) if t.swept else [],
            "notes": notes(t),
        }
        for t in results
    ]
    return render_page("what-if.html.j2", {"title": "What if", "schools": schools}).encode()


def _charts(told: WhatIf) -> list[tuple[str, str]]:
    most = max(int(s.outcome.stages[:, 1:].sum(axis=1).max(initial=0)) for s in told.shown)
    parts = [(f"Stage {s}", look.STAGES[s]) for s in ON_LADDER]
    out = []
    for s in told.shown:
        columns = [
            Stack(f"{d.day}/{d.month}", [int(n) for n in s.outcome.stages[i, 1:]]) for i, d in enumerate(told.weeks)
        ]
        desc = f"{s.name}: pupils on the ladder at the end of each school week, {most} at most on any side."
        out.append(
            (f"Pupils on the ladder: {s.name}", stacked_chart(columns, parts, name=s.name, desc=desc, most=most))
        )
    styles = ("school", "national", "region")
    for words, series in (
        ("Letters asked for, so far", lambda s: np.cumsum(s.outcome.letters.sum(axis=1))),
        ("Hours of work, so far", lambda s: np.cumsum(hours(s.outcome, told.minutes))),
        ("Penalty-notice cases at the end of the week", lambda s: s.outcome.cases),
    ):
        lines = [
            Line(s.name, [(i, float(v)) for i, v in enumerate(series(s))], style)
            for s, style in zip(told.sides, styles, strict=False)
        ]
        top = max([float(v) for line in lines for _, v in line.points if v is not None] + [1.0])
        chart = line_chart(lines, name=words, desc=f"{words}, by school week, for each policy.", span=(0, top), unit="")
        out.append((words, chart))
    return out


def _sweep_charts(told: WhatIf) -> list[tuple[str, str]]:
    points = told.sides[1:]
    out = []
    for words, key in (("Pupils at stage 2 or higher on the last day", ""), ("Letters in the period", "letters"),
                       ("Hours of work in the period", "hours"), ("New cases", "new_cases")):  # fmt: skip
        values = [
            float(s.outcome.stages[-1, 2:].sum()) if not key else float(totals(s, told.minutes)[key]) for s in points
        ]
        label = points[0].name if len(points) == 1 else f"{points[0].name} to {points[-1].name}"
        line = Line("", list(enumerate(values)))
        desc = f"{words}, policy after policy: {label}."
        out.append(
            (f"{words}: {label}", line_chart([line], name=words, desc=desc, span=(0, max([*values, 1.0])), unit=""))
        )
    return out

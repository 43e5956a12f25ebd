"""What a trial comes to, as text for a terminal of 100 columns; a block at a time, so that the first is there at once.

Belongs here: tables and sentences for a screen, and saying what was left out of them. Not here: any figure.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from attendance_pipeline.derive.dates import short_date
from attendance_pipeline.derive.reconcile import AGREES, EXPLAINED
from attendance_pipeline.trial import words
from attendance_pipeline.trial.differences import Comparison
from attendance_pipeline.trial.export import Export, columns_told
from attendance_pipeline.trial.outcome import Outcome

WIDTH = 100
ROWS = 12  # of a table; the rest is in the workbook
_MOST_REASONS = 8
_WIDEST = 36  # characters of a column that does not give way
_INDENT = "  "


def heading(text: str) -> str:
    return f"\n{text}\n{'-' * len(text)}"


def paragraph(text: str) -> str:
    return textwrap.fill(text, WIDTH - 2, initial_indent=_INDENT, subsequent_indent=_INDENT)


def cut(text: str, width: int) -> str:
    """The text in at most so many columns; what is cut off ends with a sign that says so."""
    return text if len(text) <= width else text[: width - 1] + "…"


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    most: int | None,
    wide: int = -1,
    rest: str = "rows",
    below: Sequence[str] = (),
) -> Iterator[str]:
    """Lines of a table that fits the width: `wide` is the column that gives way; more than `most` rows are counted.

    `below`: of each row, what is said in full under it.
    """
    shown = rows if most is None else rows[:most]
    widths = [max(len(h), *(len(r[i]) for r in shown)) if shown else len(h) for i, h in enumerate(headers)]
    wide %= len(headers)
    gaps = len(_INDENT) + 2 * (len(headers) - 1)
    for i in range(len(headers)):
        if i != wide:
            widths[i] = min(widths[i], max(len(headers[i]), _WIDEST))
    widths[wide] = max(8, min(widths[wide], WIDTH - gaps - sum(w for i, w in enumerate(widths) if i != wide)))
    for i, row in enumerate((headers, *shown)):
        cells = (cut(c, w).ljust(w) for c, w in zip(row, widths, strict=True))
        yield (_INDENT + "  ".join(cells)).rstrip()
        if below and i:
            yield textwrap.indent(paragraph(below[i - 1]), _INDENT)
    if len(rows) > len(shown):
        yield f"{_INDENT}… and {len(rows) - len(shown):,} more {rest}"


def how_it_was_read(export: Export, most: int | None = ROWS) -> Iterator[str]:
    yield cut(f"{export.file_name}: {export.form}", WIDTH)
    yield paragraph(
        f"{words.counted(export.rows, 'mark')}, {words.counted(len(export.people), 'pupil')} known by "
        f"{export.known_by}. Nothing is stored and nothing is sent."
    ).strip()
    yield heading("How it was read")
    columns = [(c, taken, "certain" if why.startswith("certain") else why) for c, taken, why in columns_told(export)]
    if columns:
        yield from table(("column", "taken as", "why"), columns, most, rest="columns")
    if export.codes:
        yield paragraph(f"Codes: {words.codes_words(export.codes)}")
    if export.unknown:
        example = next(iter(export.unknown))
        yield paragraph(
            f"Not register codes, and left out: {words.codes_words(export.unknown)}. If you know what one means, say "
            f"so: --code '{example}=I'"
        )
    for line in words.left_out(export):
        yield paragraph(f"Left out: {line}")
    for warning, n in export.warnings.items():
        yield paragraph(f"{warning}: {words.counted(n, 'mark')}")
    for note in export.notes:
        yield paragraph(note)


def calendar(outcome: Outcome) -> Iterator[str]:
    found = outcome.calendar
    yield heading("Calendar, as the marks show it")
    yield paragraph(
        f"{found.days} school days in {found.weeks} school weeks, {short_date(found.calendar.date(0))} to "
        f"{short_date(outcome.last_date)}"
    )
    terms = [
        (f"{t.year} {t.season}", f"{short_date(t.starts)} to {short_date(t.ends)}", f"{t.days} school days")
        for t in found.terms
    ]
    yield from table(("term", "first and last mark", ""), terms, None)
    breaks = [
        (b.name or "not a usual holiday", f"{short_date(b.starts)} to {short_date(b.ends)}", f"{b.weekdays} weekdays")
        for b in found.breaks
    ]
    if breaks:
        yield from table(("no school", "first and last weekday", ""), breaks, ROWS, rest="breaks")
    if found.single:
        shown = ", ".join(short_date(d) for d in found.single[:ROWS])
        more = f" and {len(found.single) - ROWS} more" if len(found.single) > ROWS else ""
        yield paragraph(f"Single days: {shown}{more}")
    if found.odd:
        shown = ", ".join(f"{short_date(d)} ({n})" for d, n in list(found.odd.items())[:ROWS])
        yield paragraph(f"Marks on days taken for no school days, which count in nothing (pupils): {shown}")
    for sentence in outcome.assumed:
        yield paragraph(f"Assumed: {sentence}")


def blanks(outcome: Outcome, export: Export) -> Iterator[str]:
    said = words.blank_words(outcome, export)
    if not said:
        return
    yield heading("Blank cells")
    yield from (paragraph(s) for s in said)
    rows = [(what, *words.headline_cells(h)) for what, h in words.blank_table(outcome)]
    if rows:
        yield from table(("if blank means", *words.HEADLINE), rows, None, wide=0)


def notices(outcome: Outcome, most: int | None = ROWS) -> Iterator[str]:
    if not outcome.rules:
        yield heading("Penalty notices")
        yield paragraph(f"No statutory rule of the policy is in force on {short_date(outcome.last_date)}.")
        return
    for rule in outcome.rules:
        found = [n for n in outcome.notices if n.rule == rule]
        yield heading(f"Penalty notices: {rule}")
        met = sum(n.status == "met" for n in found)
        provisional = sum(n.status == "met_provisional" for n in found)
        yield paragraph(
            f"{words.rule_words(outcome, rule)}. With every mark up to {short_date(outcome.last_date)}: threshold met "
            f"by {met}, met only if N counts by {provisional}, near by {len(found) - met - provisional}. A threshold "
            "that is met is to be considered; a person decides."
        )
        if not found:
            continue
        rows = [
            (
                outcome.people[n.pupil].name,
                outcome.people[n.pupil].class_name or "-",
                str(n.counted),
                words.STATUS[n.status],
                words.drop_words(n),
            )
            for n in found
        ]
        below = [words.sessions_words(words.notice_sessions(n)) for n in found]
        head = ("pupil", "class", "counted", "status", "oldest drops out")
        yield from table(head, rows, most, wide=0, rest="pupils", below=below)
        yield paragraph("Below each: the days, a sign for the morning and one for the afternoon; · does not count.")
        doubtful = [outcome.people[n.pupil].name for n in found if n.notes]
        if doubtful:
            yield paragraph(
                "May not be of compulsory school age, outside which no session counts; check the date of birth: "
                + ", ".join(doubtful)
            )
    if outcome.notices:
        yield paragraph(words.extrapolation(outcome))


def stages(outcome: Outcome, most: int | None = ROWS) -> Iterator[str]:
    yield heading("Stages of the ladder")
    yield paragraph(words.stage_assumption(outcome))
    if outcome.derived.plan.policy.ladder_on(outcome.last_date) is None:
        yield paragraph("No ladder of the policy is in force on the last day of the file.")
        return
    if outcome.insufficient:
        yield paragraph(
            f"{words.counted(outcome.insufficient, 'pupil')} with too few possible sessions for the ladder."
        )
    if not outcome.stages:
        yield paragraph("Nobody is on the ladder.")
        return
    rows = [
        (
            outcome.people[s.pupil].name,
            outcome.people[s.pupil].class_name or "-",
            str(s.stage),
            str(s.if_done),
            words.opened_words(s),
            words.share(*s.now),
        )
        for s in outcome.stages
    ]
    below = [words.why_stage(s) for s in outcome.stages]
    head = ("pupil", "class", "stage", "all done", "opened", "now")
    yield from table(head, rows, most, wide=0, rest="pupils", below=below)


def absence(outcome: Outcome, most: int | None = ROWS) -> Iterator[str]:
    yield heading("Persistent and severe absence, year to date")
    if outcome.absent is None:
        yield paragraph(
            f"The file has {outcome.calendar.days} school days: too few. Persistent absence is of a term or a year."
        )
        return
    window = outcome.year_to_date
    pupils = int((window.possible > 0).sum())
    h = outcome.headline
    yield paragraph(
        f"Attendance of all pupils {words.share(h.attended, h.possible)}. Persistently absent {h.persistent}, of these "
        f"severely {h.severe}; of {pupils} pupils with a possible session since "
        f"{short_date(outcome.school.date(int(outcome.school.year_start[outcome.last])))}."
    )
    rows = [
        (
            outcome.people[a.pupil].name,
            outcome.people[a.pupil].class_name or "-",
            words.share(a.attended, a.possible),
            str(a.possible),
            str(a.authorised),
            str(a.unauthorised),
            "severe" if a.severe else "",
            f"joined {short_date(a.since)[4:]}" if a.since else "",
        )
        for a in outcome.absent
    ]
    if rows:
        head = ("pupil", "class", "attendance", "possible", "authorised", "unauth.", "", "")
        yield from table(head, rows, most, wide=0, rest="pupils")


def differences(outcome: Outcome, found: Comparison, most: int | None = ROWS) -> Iterator[str]:
    yield heading(cut(f"Beside {found.file_name}", WIDTH))
    if found.taken:
        yield paragraph(f"Taken for: {found.taken}.")
    yield from (paragraph(s) for s in found.summary)
    if not found.differences:
        yield paragraph("No difference.")
        return
    alike: Counter[str] = Counter(d.words for d in found.rows if d.status == EXPLAINED and not d.alone)
    for why, n in alike.most_common(_MOST_REASONS):
        yield paragraph(f"{words.counted(n, 'row')} explained: {why}")
    if len(alike) > _MOST_REASONS:
        rest = sum(alike.values()) - sum(n for _, n in alike.most_common(_MOST_REASONS))
        yield paragraph(f"{words.counted(rest, 'row')} explained otherwise, each by itself")
    single = [d for d in found.differences if d.status != EXPLAINED or d.alone]
    shown = single if most is None else single[:most]
    for d in shown:
        who = f"{d.named} ({d.class_name})" if d.class_name else d.named
        sure = (
            f"matched: {d.matched.sure}, by {d.matched.by.split(';')[0]}" if d.matched and d.pupil is not None else ""
        )
        yield cut(f"{_INDENT}{who}: {d.status}{f' ({sure})' if sure else ''}", WIDTH)
        both = [f"theirs: {d.theirs}" if d.theirs else "", f"here: {d.ours}" if d.ours else "", d.explanation]
        yield textwrap.indent(paragraph("; ".join(b for b in both if b)), _INDENT)
    if len(single) > len(shown):
        more = len(single) - len(shown)
        yield f"{_INDENT}… and {more:,} more rows that the list's own way of counting does not explain"
    agree = sum(d.status == AGREES for d in found.rows)
    yield paragraph(f"{words.counted(agree, 'row')} {'agrees' if agree == 1 else 'agree'}.")

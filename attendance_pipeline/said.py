"""What a command says of what came of it, in plain lines. Counts and folders; no pupil."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

from attendance_pipeline.home import Home
from attendance_pipeline.letters.batch import PRINT_FILE
from attendance_pipeline.running import Outcome
from attendance_pipeline.steps.troubles import told_by_school
from attendance_pipeline.store.impact import StoredReport

# What a delivery is called: by what is in its folder, the assets that make it and the words for how many.
_WHAT = {
    "letters": ("letter_batches", "letters"),
    "worklists": ("worklists", "worklists"),
    "board": ("attendance_board", "boards"),
    "classes": ("class_lists", "class lists"),
    "monitoring": ("monitoring", "pupils monitored"),
    "pastoral": ("pastoral_packs", "pupils on pastoral packs"),
    "incentives": ("punctuality_raffles prize_pots", "winners of prizes"),
    "impact": ("impact_reports", "changed stages and cases"),
    "data-quality": ("data_quality", "findings in the data"),
    "governors": ("governor_reports", "governor report files"),
    "readiness": ("letter_readiness", "matters before the letters"),
    "phone-list": ("phone_lists", "pupils to call this morning"),
    "school-year": ("school_year_notes", "things for the next year"),
}


def said(home: Home, outcome: Outcome) -> str:
    """Days, deliveries and the ledger; on the last lines what needs a person."""
    lines = []
    if outcome.days:
        first, last = outcome.days
        many = f"{outcome.derived} school days, {first} to {last}"
        lines.append(f"Done: {many if outcome.derived > 1 else f'school day {first}'}.")
    if outcome.folders:
        lines += ["", f"Delivered to {home.drive}:"]
        for what, folders in outcome.folders.items():
            asset, words = _WHAT.get(what, (what, what))
            more = f" and {len(folders) - 1} more" if len(folders) > 1 else ""
            made = sum(outcome.made.get(one, 0) for one in asset.split())
            lines.append(f"  {made:>5,} {words:<27}{_first(home, folders[-1])}{more}")
    for report in outcome.impact:
        lines += ["", *said_of_impact(home, report)]
    if outcome.letters:
        lines += ["", "Letters in the ledger:", *_ledger(outcome)]
    if outcome.years_wanted:
        lines += ["", *outcome.years_wanted]
    if outcome.set_aside or outcome.held or outcome.left_in_inbox or outcome.no_inbox or outcome.unsupported:
        lines.append("")
    if outcome.set_aside:
        lines.append(
            f"{_number(outcome.set_aside, 'row')} newly set aside ({outcome.in_quarantine} in all): "
            f"`attendance export quarantine` says where and why."
        )
    if outcome.held:
        lines.append(
            f"{_number(outcome.held, 'letter')} newly held ({outcome.all_held} in all): held.csv beside the letters "
            "says why."
        )
    if outcome.unsupported:
        lines.append(
            f"{_number(outcome.unsupported, 'letter')} sent that would not be sent today: `attendance impact` names "
            "the references; the impact report says more."
        )
    if outcome.left_in_inbox:
        lines.append(
            f"{_number(outcome.left_in_inbox, 'file')} left in the inbox, open or not to be taken: tried again next "
            "time; the log of the run says why."
        )
    lines += [
        f"{home.school(school).name} has no inbox: nothing can come. {home.school(school).inbox} is no folder that "
        "can be read. Make it, put it back or give access."
        for school in outcome.no_inbox
    ]
    if outcome.troubles:
        lines += ["", *said_of_troubles(home, outcome)]
    return "\n".join(lines) or "Nothing was due."


def said_of_troubles(home: Home, outcome: Outcome) -> list[str]:
    """A line for each school that failed, with what was being done and what to do about it."""
    schools = {t.school for t in outcome.troubles}
    others = "the others are done" if len(schools) < len(home.schools) else "nothing else failed"
    head = f"{len(schools)} of {_number(len(home.schools), 'school')} failed; {others}. The next night tries again:"
    return [head, *(f"  {line}" for line in told_by_school(home, outcome.troubles))]


def said_of_impact(home: Home, report: StoredReport, *, references: bool = False) -> list[str]:
    """What a correction has changed, in counts; with `references`, for a person who asks, those of the letters."""
    content = report.content
    lines = [f"{home.school(report.school).name}: what corrections changed, impact report of {report.day}"]
    for what, count in content["counts"].items():
        if count:
            lines.append(f"  {count:>5,} {what}")
        lines += [
            f"        {n['reference'] or '(not proposed yet)':<20}{n['kind']}, asked for since {n['since']}"
            for n in content["letters"]
            if references and n["counted_as"] == what
        ]
    if content["earliest_mark"] is not None:
        earliest = dt.date.fromisoformat(content["earliest_mark"])
        calendar = home.school(report.school).calendar
        back = calendar.on_or_before(report.day) - calendar.on_or_after(earliest)
        lines.append(f"  The earliest of these marks is of {earliest}, {_number(back, 'school day')} back.")
    return [*lines, f"  All of it, with names: {home.drive / report.path}"]


def said_of_demo(home: Home, outcome: Outcome) -> str:
    """The same, and what to open first."""
    # Everything is new in a home that was made just now.
    outcome = replace(outcome, set_aside=outcome.in_quarantine, held=outcome.all_held)
    invented = "The school and everybody in it are invented."
    lines = [f"The demonstration is in {home.path}. {invented}", "", said(home, outcome)]
    opened = [
        *_files(outcome, "board", "attendance-lead", "index.html"),
        *_files(outcome, "letters", "office", PRINT_FILE),
        *_files(outcome, "letters", "office", "batch.xlsx"),
        *_files(outcome, "letters", "office", "held.csv"),
        *_files(outcome, "worklists", "attendance-lead", "*.xlsx"),
        *_files(outcome, "classes", "attendance-lead", "*.pdf"),
        *_files(outcome, "monitoring", "attendance-lead", "*.html"),
        *_files(outcome, "pastoral", "attendance-lead", "*.pdf"),
        *_files(outcome, "incentives", "attendance-lead", "*-certificates.pdf"),
        *_files(outcome, "governors", "governors", "*.pdf"),
        *_files(outcome, "data-quality", "data-manager", "what-to-do.html"),
    ]
    lines += ["", "Open:", *(f"  {file}" for file in opened)]
    lines += ["", f"Dagster: attendance ui --home {home.path}"]
    return "\n".join(lines)


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _first(home: Home, folder: Path) -> str:
    return folder.relative_to(home.drive).as_posix()


def _ledger(outcome: Outcome) -> list[str]:
    states = ("proposed", "held", "approved", "sent", "rejected", "superseded")
    shown = [s for s in states if any(state == s for _, state in outcome.letters)]
    lines = ["  " + "".join(f"{word:>12}" for word in ("", *shown))]
    for kind in sorted({kind for kind, _ in outcome.letters}):
        counts = "".join(f"{outcome.letters.get((kind, state), 0):>12,}" for state in shown)
        lines.append(f"  {kind:>12}{counts}")
    return lines


def _files(outcome: Outcome, what: str, audience: str, pattern: str) -> list[Path]:
    folders = [f for f in outcome.folders.get(what, ()) if audience in f.parts]
    return [file for folder in folders[-1:] for file in sorted(folder.glob(pattern))[:1]]

"""`letters ...`: the ledger of letters, and what a person decides of them.

Decisions are written into the intervention log of the school, taken in by a run of the home's own, and the ledger is
brought up to them at once. Who decided is `--by`, else the name of the person at this machine.
"""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attendance_pipeline.commands.telling import (
    DONE,
    NEEDS_A_PERSON,
    Arguments,
    Commands,
    UsageError,
    day,
    home_of,
    say_progress,
    today,
)
from attendance_pipeline.home import Home, open_home

STATES = ("proposed", "held", "approved", "sent", "rejected", "superseded")
_UNKNOWN = "{}: there is no such letter; `attendance letters list` shows all"
_DECISIONS = {
    "approve": "approve letters; a held one whose reasons a person may let go, goes",
    "reject": "reject letters: they are not to go, and are not proposed again",
    "hold": "hold letters until they are released",
    "release": "let held letters go",
    "sent": "say that approved letters were sent or given; the stage's clock starts on that day",
}


def add(commands: Commands) -> None:
    letters = commands.family("letters", "the ledger of letters: list, show, approve, reject, hold, release, sent")
    listed = letters.add("list", _list, "the letters, newest last")
    _chosen(listed)
    listed.add_argument("--as-at", type=day, metavar="D", help="as the ledger stood on that evening")
    listed.add_argument("--json", action="store_true", help="as JSON")

    words = "one letter: to whom, why, on what it relies, and what became of it"
    shown = letters.add("show", _show, words)
    shown.add_argument("reference", metavar="REFERENCE")
    shown.add_argument("--json", action="store_true", help="as JSON, with the whole evidence")
    shown.add_argument("--html", type=Path, metavar="FILE", help="write the letter itself as a page to look at")

    words = "what one letter relies on: figures, policy, as-at, and every session with its file and line"
    evidence = letters.add("evidence", _evidence, words)
    evidence.add_argument("reference", metavar="REFERENCE")
    evidence.add_argument("--json", action="store_true", help="as JSON")

    for name, words in _DECISIONS.items():
        decided = letters.add(name, partial(_decide, name), words)
        decided.add_argument("references", nargs="*", metavar="REFERENCE")
        decided.add_argument("--batch", type=day, metavar="D", help="all letters of the batch of that day that can be")
        decided.add_argument("--school", metavar="S", help="with --batch: of one school")
        decided.add_argument("--on", type=day, metavar="D", help="as of that day (default: today)")
        decided.add_argument("--by", metavar="NAME", help="who decided (default: the name you are logged in with)")
        decided.add_argument("--reason", default="", metavar="TEXT", help="why, for the log")

    words = "take the decisions out of a batch workbook (batch.xlsx) that somebody has filled in"
    returned = letters.add("return", _return, words)
    returned.add_argument("file", type=Path, metavar="FILE")


def _chosen(parser: ArgumentParser) -> None:
    parser.add_argument("--school", metavar="S", help="one school (default: all)")
    parser.add_argument("--state", choices=STATES, help="one state (default: all)")
    parser.add_argument("--kind", metavar="KIND", help="one kind, such as letter_1 (default: all)")
    parser.add_argument("--batch", type=day, metavar="D", help="the batch of that day (default: all)")


def _list(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.steps.letters_listed import listed
    from attendance_pipeline.steps.site import Site

    if arguments.school is not None:
        home.school(arguments.school)
    with Site(home) as site:
        site.warehouse.upgrade()
        rows = listed(
            site, school=arguments.school, state=arguments.state, kind=arguments.kind, batch_day=arguments.batch,
            as_at=arguments.as_at,
        )  # fmt: skip
    if arguments.json:
        print(json.dumps(rows, indent=2, default=str))
        return DONE
    columns = ("reference", "state", "kind", "class", "pupil", "recipient", "proposed_on", "reason")
    _print_table([{**r, "kind": r["kind"].replace("_", " ")} for r in rows], columns)
    print(f"{len(rows)} letter{'' if len(rows) == 1 else 's'}.")
    return DONE


def _print_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    if not rows:
        return
    text = [[str(r[c] or "") for c in columns] for r in rows]
    heads = [c.replace("_", " ") for c in columns]
    widths = [max(len(head), *(len(t[i]) for t in text)) for i, head in enumerate(heads)]
    for line in (heads, *text):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _show(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.steps.letters_listed import shown
    from attendance_pipeline.steps.site import Site

    with Site(home) as site:
        site.warehouse.upgrade()
        letter = shown(site, arguments.reference)
    if letter is None:
        raise UsageError(_UNKNOWN.format(arguments.reference))
    if arguments.html is not None:
        return _write_page(home, arguments)
    if arguments.json:
        print(json.dumps(letter, indent=2, default=str))
        return DONE
    for key in ("reference", "school", "kind", "state", "reason", "pupil", "class", "recipient", "address", "language",
                "stage", "opening_day", "proposed_on", "batch"):  # fmt: skip
        if letter[key]:
            print(f"{key.replace('_', ' '):<14}{letter[key]}")
    print("\nWhat became of it")
    for e in letter["events"]:
        way = f"{e['from_state'] or 'new'} -> {e['to_state']}"
        print(f"  {e['day'] or ''!s:<12}{way:<26}{e['by']}{': ' + e['reason'] if e['reason'] else ''}")
    if letter["relied_on"]:
        print("\nWhat it relies on")
        for line in letter["relied_on"]:
            print(f"  {line}")
    return DONE


def _write_page(home: Home, arguments: Arguments) -> int:
    from attendance_pipeline.steps.preview import Unprintable, page_of
    from attendance_pipeline.steps.site import Site
    from attendance_pipeline.table_files import write_page

    file: Path = arguments.html
    if not file.parent.is_dir():
        raise UsageError(f"{file.parent}: there is no such folder")
    with Site(home) as site:
        try:
            page = page_of(site, arguments.reference)
        except Unprintable as why:
            raise UsageError(str(why)) from None
    write_page(page, file)
    print(f"Wrote {file}")
    return DONE


def _evidence(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.letters.evidence_sheet import as_json
    from attendance_pipeline.steps.letters_listed import shown
    from attendance_pipeline.steps.site import Site

    with Site(home) as site:
        site.warehouse.upgrade()
        letter = shown(site, arguments.reference)
    if letter is None:
        raise UsageError(_UNKNOWN.format(arguments.reference))
    evidence = as_json(letter["evidence"])
    if arguments.json:
        print(json.dumps({"reference": arguments.reference, **evidence}, indent=2, default=str))
        return DONE
    print(f"{letter['reference']}: {letter['kind'].replace('_', ' ')}, {letter['pupil']}, {letter['state']}")
    for line in evidence.get("told", ["The ledger holds no figures for it."]):
        print(line)
    return DONE


def _decide(decision: str, arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    if bool(arguments.references) == bool(arguments.batch):
        raise UsageError("either references, or --batch with the day of a batch")
    if arguments.school is not None and not arguments.batch:
        raise UsageError("--school goes with --batch")
    from attendance_pipeline.letters.decisions import Wanted
    from attendance_pipeline.steps.letters_listed import of_batch
    from attendance_pipeline.steps.site import Site

    references = arguments.references
    if arguments.batch:
        with Site(home) as site:
            site.warehouse.upgrade()
            references = of_batch(site, arguments.batch, decision, arguments.school)
        if not references:
            print(f"Nothing in the batch of {arguments.batch} to {decision}." if decision != "sent" else "Nothing "
                  f"approved in the batch of {arguments.batch}.")  # fmt: skip
            return DONE
    on, by = arguments.on or today(), arguments.by or getpass.getuser()
    return _write(home, [Wanted(r, decision, on, by, arguments.reason) for r in dict.fromkeys(references)])


def _return(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.letters.returned import UnreadableWorkbook
    from attendance_pipeline.steps.decided import decisions_in

    try:
        wanted, _ = decisions_in(arguments.file)
    except UnreadableWorkbook as fault:
        raise UsageError(str(fault)) from None
    except OSError as error:
        raise UsageError(f"{arguments.file}: {error.strerror}") from None
    if not wanted:
        print("No decision is filled in.")
        return DONE
    return _write(home, wanted)


def _write(home: Home, wanted: Sequence[Any]) -> int:
    from attendance_pipeline.running import run_decisions

    said = run_decisions(home, wanted, today(), say_progress())
    if not said.states:  # mistyped, and nothing was written
        raise UsageError(
            "\n".join(_UNKNOWN.format(reference) for reference in dict.fromkeys(w.reference for w in wanted))
        )
    refused, done = {r.reference for r in said.written.refused}, set(said.written.done)
    for reference, (state, reason) in sorted(said.states.items()):
        if reference not in refused:
            so = " already" if reference in done else ""
            print(f"{reference}: {state}{so}{f' ({reason})' if reason else ''}")
    for r in said.written.refused:
        print(f"{r.reference}: not done: {r.why}")
    return NEEDS_A_PERSON if refused else DONE

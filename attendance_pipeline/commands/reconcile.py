"""`reconcile`: the MIS's own summary of attendance beside ours, and what each difference is made of."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, UsageError, day, home_of
from attendance_pipeline.home import open_home

if TYPE_CHECKING:
    from attendance_pipeline.steps.reconcile import Reconciled, Reconcilement

_WIDTH = 100


def add(commands: Commands) -> None:
    words = (
        "the MIS's own figures of attendance beside ours: differences split into leavers, period, codes, blank marks"
    )
    reconcile = commands.add("reconcile", _reconcile, words)
    reconcile.add_argument("file", type=Path, metavar="MIS_SUMMARY", help="CSV, XLSX, JSON or a SIMS report as XML")
    reconcile.add_argument("--school", metavar="S", help="which school it is of, where the home has several")
    reconcile.add_argument("--date", type=day, metavar="D", help="our figures up to that day (default: the newest)")
    reconcile.add_argument("--json", action="store_true", help="as JSON, with every pupil (docs/reconcile.md)")
    reconcile.add_argument("--all", action="store_true", help="print pupils who agree too")


def _reconcile(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    if arguments.school is None and len(home.schools) > 1:
        raise UsageError(f"--school: say which of {', '.join(home.school_ids)} the summary is of")
    school = home.schools[0] if arguments.school is None else home.school(arguments.school)
    from attendance_pipeline.mis.formats import UnreadableFile
    from attendance_pipeline.steps.reconcile import NothingToCompare, reconcile_list
    from attendance_pipeline.steps.site import Site
    from attendance_pipeline.trial.lists import read_list

    file: Path = arguments.file
    try:
        listed = read_list(file.name, file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except UnreadableFile as fault:
        raise UsageError(f"{file.name}: {fault}") from None
    with Site(home) as site:
        try:
            found = reconcile_list(site, school, listed, arguments.date)
        except NothingToCompare as why:
            raise UsageError(str(why)) from None
    print(
        json.dumps(_as_json(found), indent=2, ensure_ascii=False)
        if arguments.json
        else "\n".join(_lines(found, arguments.all))
    )
    return DONE


def _as_json(found: Reconcilement) -> dict[str, Any]:
    return {**vars(found), "first": str(found.first), "last": str(found.last), "rows": [vars(r) for r in found.rows]}


def _lines(found: Reconcilement, every: bool) -> Iterator[str]:
    yield f"{found.school}, {found.first:%d/%m/%Y} to {found.last:%d/%m/%Y}"
    for sentence in found.summary:
        yield from textwrap.wrap(sentence, _WIDTH)
    if found.theirs:
        yield ""
        yield f"{'All pupils':<18}{'theirs':>9}{'ours':>9}{'differ':>9}  of which"
        for name in sorted(found.theirs):
            differ = found.theirs[name] - found.ours.get(name, 0)
            parts = {part: v[name] for part, v in found.parts.items() if v.get(name)}
            parts |= {"not explained": found.rest[name]} if found.rest.get(name) else {}
            ours = found.ours.get(name, 0)
            yield f"{name:<18}{found.theirs[name]:>9}{ours:>9}{differ:>+9}  {_signed(parts)}".rstrip()
    shown = [r for r in found.rows if every or r.status != "agrees"]
    if shown:
        yield ""
    for r in shown:
        yield from _row(r)


def _row(r: Reconciled) -> Iterator[str]:
    line = f" (line {r.line})" if r.line else ""
    yield f"{r.name}, {r.class_name or 'no class'}{line}: {r.status}"
    theirs = ", ".join([*(f"{n} {v}" for n, v in r.theirs.items()), *(f"{n} {v:g}%" for n, v in r.shares.items())])
    ours = ", ".join(f"{n} {v}" for n, v in r.ours.items())
    parts = [f"{part}: {_signed(v)}" for part, v in r.parts.items()]
    parts += [f"not explained: {_signed(r.rest)}"] if r.rest else []
    for head, text in (("theirs", theirs), ("ours", ours), ("parts", "; ".join(parts)), ("why", r.words)):
        if text:
            yield from textwrap.wrap(text, _WIDTH, initial_indent=f"  {head:<8}", subsequent_indent=" " * 10)


def _signed(values: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {v:+}" for n, v in values.items() if v)

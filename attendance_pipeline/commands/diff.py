"""`diff`: what two evenings knew and said, and why they differ. Changes nothing."""

from __future__ import annotations

import json

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, UsageError, day, home_of
from attendance_pipeline.commands.what_if import refuse_empty
from attendance_pipeline.home import open_home


def add(commands: Commands) -> None:
    words = "what marks, figures, stages and cases differ between two evenings, and why"
    asked = commands.add("diff", _diff, words)
    asked.add_argument("--from-as-at", type=day, required=True, metavar="A", help="the earlier evening")
    asked.add_argument("--to-as-at", type=day, required=True, metavar="B", help="the later one")
    asked.add_argument("--school", metavar="S", help="one school (default: all)")
    asked.add_argument("--json", action="store_true", help="as JSON (docs/as-at.md)")


def _diff(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    first, last = arguments.from_as_at, arguments.to_as_at
    if first > last:
        raise UsageError(f"--from-as-at {first} is after --to-as-at {last}")
    schools = home.schools if arguments.school is None else (home.school(arguments.school),)
    refuse_empty(home)
    from attendance_pipeline.reports.evenings import as_json, as_lines
    from attendance_pipeline.steps.evenings import evenings
    from attendance_pipeline.steps.site import Site

    with Site(home) as site:
        told = [evenings(site, school, first, last) for school in schools]
    if arguments.json:
        print(json.dumps([as_json(t) for t in told], indent=2, ensure_ascii=False))
    else:
        print("\n\n".join("\n".join(as_lines(t)) for t in told))
    return DONE

"""`impact`: what the latest corrections have changed, in counts and references of letters. No names."""

from __future__ import annotations

import json

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, home_of
from attendance_pipeline.home import open_home


def add(commands: Commands) -> None:
    impact = commands.add("impact", _impact, "what late corrections have changed: each school's latest impact report")
    impact.add_argument("--school", metavar="S", help="one school (default: all)")
    impact.add_argument("--json", action="store_true", help="as JSON")


def _impact(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.said import said_of_impact
    from attendance_pipeline.steps.impact import reports
    from attendance_pipeline.steps.site import Site

    with Site(home) as site:
        site.warehouse.upgrade()
        found = reports(site, arguments.school)
    if arguments.json:
        told = [{"school": r.school, "day": r.day.isoformat(), "folder": r.path, **r.content} for r in found]
        print(json.dumps(told, indent=2))
    elif found:
        print("\n\n".join("\n".join(said_of_impact(home, r, references=True)) for r in found))
    else:
        print("No correction has changed anything that was worked out before.")
    return DONE

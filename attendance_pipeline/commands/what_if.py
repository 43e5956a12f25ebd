"""`what-if`: the same marks under another policy, or under hundreds, beside today's. Changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, UsageError, day, home_of, in_order
from attendance_pipeline.home import Home, open_home

ENDINGS = (".xlsx", ".html")
BY_LOG = "log"
DEFAULT_DAYS = 5  # school days: what a stage requires takes about a week to be done


def add(commands: Commands) -> None:
    words = "the same marks under another policy, beside today's: stages, letters, meetings, cases, who moves"
    asked = commands.add("what-if", _what_if, words)
    asked.add_argument(
        "--policy", type=Path, metavar="FILE", help="the other policy (default, with --sweep: the school's)"
    )
    asked.add_argument("--sweep", action="append", default=[], metavar="KEY=FIRST:LAST:STEP",
                       help="a setting of the policy over a range, or KEY=A,B,C; again for a grid")  # fmt: skip
    asked.add_argument("--from", dest="first", type=day, metavar="D", help="default: the start of the academic year")
    asked.add_argument("--to", dest="last", type=day, metavar="D", help="default: the newest day")
    asked.add_argument("--school", metavar="S", help="one school (default: all)")
    asked.add_argument("--as-at", type=day, metavar="D", help="by what was recorded up to that day")
    asked.add_argument("--actions", default=str(DEFAULT_DAYS), metavar="N|log",
                       help="school days after its opening on which what a stage requires is supposed to be done "
                       f"(default {DEFAULT_DAYS}); log: what the intervention log says")  # fmt: skip
    asked.add_argument("--minutes", action="append", default=[], metavar="ACTION=N",
                       help="minutes of work for a letter, meeting, review, referral or case")  # fmt: skip
    asked.add_argument("--json", action="store_true", help="as JSON (docs/what-if.md)")
    asked.add_argument("-o", "--output", type=Path, action="append", default=[], metavar="FILE",
                       help="*.xlsx, or *.html with charts; may be given twice")  # fmt: skip


def _what_if(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    in_order(arguments)
    if arguments.policy is None and not arguments.sweep:
        raise UsageError("--policy FILE, or --sweep KEY=FIRST:LAST:STEP for the school's own policy, or both")
    supposed, minutes = _days(arguments.actions), _minutes(arguments.minutes)
    for file in arguments.output:
        if file.suffix not in ENDINGS:
            raise UsageError(f"{file}: a name that ends in {' or '.join(ENDINGS)}")
        if not file.parent.is_dir():
            raise UsageError(f"{file}: there is no folder {file.parent}")
    schools = home.schools if arguments.school is None else (home.school(arguments.school),)
    refuse_empty(home)
    from attendance_pipeline.law.policy import read_policy
    from attendance_pipeline.law.policy_grid import parse_sweep
    from attendance_pipeline.reports.what_if import as_json, as_lines, page, workbook
    from attendance_pipeline.steps.site import Site
    from attendance_pipeline.steps.what_if import NothingToAsk, what_if
    from attendance_pipeline.table_files import write_page

    policy = None if arguments.policy is None else read_policy(arguments.policy)
    sweeps = [parse_sweep(text) for text in arguments.sweep]
    with Site(home) as site:
        try:
            told = [
                what_if(
                    site, school, policy, sweeps, first=arguments.first, last=arguments.last, supposed=supposed,
                    as_at=arguments.as_at, minutes=minutes,
                )
                for school in schools
            ]  # fmt: skip
        except NothingToAsk as why:
            raise UsageError(str(why)) from None
    for file in arguments.output:
        write_page(workbook(told) if file.suffix == ".xlsx" else page(told), file)
    if arguments.json:
        print(json.dumps([as_json(t) for t in told], indent=2, ensure_ascii=False))
    else:
        print("\n\n".join("\n".join(as_lines(t)) for t in told))
        for file in arguments.output:
            print(f"\nWrote {file}")
    return DONE


def refuse_empty(home: Home) -> None:
    """A question must not be what makes the database."""
    url = home.database_url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise UsageError(f"{home.path}: nothing is loaded yet")


def _days(text: str) -> int | None:
    if text == BY_LOG:
        return None
    if not text.isdigit() or int(text) > 200:
        raise UsageError(f"--actions {text}: a number of school days from 0 to 200, or log")
    return int(text)


def _minutes(given: list[str]) -> dict[str, int]:
    from attendance_pipeline.reports.what_if import staff_minutes

    out = {}
    for text in given:
        action, _, number = text.partition("=")
        if action not in staff_minutes() or not number.isdigit():
            raise UsageError(f"--minutes {text}: ACTION=N with an action of {', '.join(staff_minutes())}")
        out[action] = int(number)
    return out

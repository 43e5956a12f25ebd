"""`prune`: removes pupils who left before a day from everything that the program keeps and delivered, and proves it."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

from attendance_pipeline.commands.telling import (
    DONE,
    FAILED,
    NEEDS_A_PERSON,
    Arguments,
    Commands,
    UsageError,
    day,
    home_of,
    not_asked,
    say_progress,
    today,
)
from attendance_pipeline.home import open_home
from attendance_pipeline.law.retention import kept_since, years_kept

if TYPE_CHECKING:
    from attendance_pipeline.steps.removal import Removed
    from attendance_pipeline.steps.site import Site


def add(commands: Commands) -> None:
    words = "remove pupils who left before a day from every table, kept extract and delivery, and prove it"
    prune = commands.add("prune", _prune, words)
    prune.add_argument("--before", type=day, metavar="D", required=True, help="pupils who left before this day")
    prune.add_argument(
        "--pupil", metavar="UPN", default="", help="of these, this one alone (a request that was granted)"
    )
    prune.add_argument("--dry-run", action="store_true", help="say what would be removed, and change nothing")
    prune.add_argument("--json", action="store_true", help="counts and names of files as JSON")


def _prune(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.one_at_a_time import alone
    from attendance_pipeline.steps.site import Site

    now, say = today(), say_progress()
    if arguments.before > now:
        raise UsageError(f"--before {arguments.before} is still to come: nobody has left before it yet")
    from attendance_pipeline.steps.removal import RemovalRefused

    with alone(home, "prune", say), Site(home) as site:
        try:
            return _alone(arguments, site, now)
        except RemovalRefused as refused:
            raise UsageError(str(refused)) from None


def _alone(arguments: Arguments, site: Site, now: dt.date) -> int:
    from attendance_pipeline.steps import removal

    say, before = say_progress(), arguments.before
    only = arguments.pupil.strip().upper()
    begun = None if arguments.dry_run else removal.unfinished(site)
    if begun is not None:
        say(f"Going on with the removal of pupils who left before {begun.plan.before}, which did not come to its end")
        done = removal.remove(site, begun, now, say)
        if not done.is_proved or (begun.plan.before, begun.plan.only) == (before, only):
            return _tell(done, arguments, now)
        _tell(done, arguments, now)
    plan = removal.plan_of(site, before, now, only)
    elsewhere = not_asked(site.home)
    if only and not plan.schools:
        raise UsageError(
            f"--pupil: nobody with that UPN left any school of this home before {before}. A pupil who is on roll is "
            "not removed: the register has to be kept" + (f"; {elsewhere}" if elsewhere else "")
        )
    if elsewhere:
        say(f"{elsewhere[0].upper()}{elsewhere[1:]}")
    if arguments.dry_run:
        return _tell(removal.rehearse(site, plan), arguments, now)
    return _tell(removal.remove(site, plan, now, say) if plan.schools else removal.Removed(plan), arguments, now)


def _tell(done: Removed, arguments: Arguments, now: dt.date) -> int:
    """Say what came of it. Gives the exit code."""
    from attendance_pipeline.steps.removal import as_told

    if arguments.json:
        print(json.dumps(as_told(done), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_said(done, now, arguments.dry_run)))
    if arguments.dry_run:
        return DONE
    if not done.is_proved:
        return FAILED
    return NEEDS_A_PERSON if done.needs_a_person else DONE


def _said(done: Removed, now: dt.date, dry: bool) -> list[str]:
    plan, files, drive, left = done.plan, done.files, done.delivered, done.left
    if not plan.schools:
        return [f"Nobody left before {plan.before}: nothing to remove, and nothing was changed."]
    lines = ["WOULD BE REMOVED (nothing was changed):" if dry else "Removed:"]
    for one in plan.schools:
        why = ", ".join(f"{count:,} {words}" for words, count in one.why.items())
        who = "pupil" if one.pupils == 1 else "pupils"
        lines.append(f"  {one.school}: {one.pupils:,} {who} whose last day was before {plan.before} ({why})")
    lines += [f"  {count:9,}  {table}" for table, count in sorted(done.tables.items())]
    lines.append(f"  {files.rows:9,}  rows of {files.rewritten:,} kept extracts; {files.removed:,} removed whole")
    lines.append(f"  {drive.rows:9,}  rows of {drive.rewritten:,} lists on the drive; {drive.removed:,} files removed")
    lines.append(f"  {done.closed:9,}  school days closed: their group figures stay as they were published")
    if within := sum(one.within for one in plan.schools):
        years = years_kept(now)
        lines += [
            "",
            f"ENTRIES LESS THAN {years} YEARS OLD: {within:,} of these pupils have entries since {kept_since(now)}. "
            f"The School Attendance (Pupil Registration) (England) Regulations 2024 have each kept for {years} years.",
        ]
        if dry:
            lines.append("Unless the register is kept elsewhere, choose an earlier day.")
    if dry:
        return lines
    lines += ["", f"{left.looked_at:,} files and every table were looked through. The proof: state/{done.proof}"]
    if done.is_proved:
        lines.append("Nothing that the program keeps or delivered names one of them any more.")
    else:
        lines.append("NOT FINISHED: these still name one of them. Close files that are open and run it again:")
        lines += [f"  {name}" for name in [*left.ours, *(f"table {name}" for name in done.in_tables)]]
    for words, names in (
        ("Files that people made name one of them, and are left alone: look at them", left.theirs),
        ("Rows about somebody else name one of them (a note, say): look at them", left.others),
        ("A surname that nobody else bears stands in these, perhaps as another word", left.surnames),
    ):
        if names:
            lines += [f"{words}:", *(f"  {name}" for name in names[:20])]
            if len(names) > 20:
                lines.append(f"  and {len(names) - 20:,} more, which the proof names")
    lines.append(
        "Not reached: backups, archived logs of a database server, exports elsewhere, paper, and the MIS itself."
    )
    return lines

"""`explain`: why one pupil is at a stage, in sentences and with the proof. For the person at the terminal alone."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, UsageError, day, home_of
from attendance_pipeline.home import open_home

_MOST_CHOICES = 12


def add(commands: Commands) -> None:
    words = (
        "why this pupil is at this stage: figures, sessions, rule, policy version, letters, and what would change it"
    )
    explain = commands.add("explain", _explain, words)
    explain.add_argument("pupil", metavar="PUPIL", help="a UPN, an admission number, or a name that only one pupil has")
    explain.add_argument("--date", type=day, metavar="D", help="at the end of that day (default: the newest night's)")
    explain.add_argument("--as-at", type=day, metavar="D", help="by what was recorded up to that day")
    explain.add_argument("--school", metavar="S", help="of one school (default: all)")
    explain.add_argument("--class", dest="class_name", metavar="C", help="of one class, where several pupils fit")
    explain.add_argument("--json", action="store_true", help="as JSON (docs/explain.md)")


def _explain(arguments: Arguments) -> int:
    with _quickly():
        told = _told(arguments)
    print(told)
    return DONE


def _told(arguments: Arguments) -> str:
    home = open_home(home_of(arguments))
    from attendance_pipeline.steps.find_pupil import find_pupils
    from attendance_pipeline.steps.site import Site

    schools = home.schools if arguments.school is None else (home.school(arguments.school),)
    with Site(home) as site:
        found = find_pupils(site, arguments.pupil, schools)
        if arguments.class_name is not None:
            wanted = arguments.class_name.casefold()
            found = [p for p in found if p.class_name.casefold() == wanted]
        if not found:
            raise UsageError("PUPIL: no pupil has that UPN, admission number or name; names need every letter right")
        if len(found) > 1:
            raise UsageError(_several([f"{p.class_name or 'no class'} ({p.school.id})" for p in found]))
        from attendance_pipeline.reports.explained import as_json, as_lines
        from attendance_pipeline.steps.explain import Unexplained, explain

        try:
            told = explain(site, found[0], arguments.date, arguments.as_at)
        except Unexplained as why:
            raise UsageError(str(why)) from None
    return json.dumps(as_json(told), indent=2, ensure_ascii=False) if arguments.json else "\n".join(as_lines(told))


@contextmanager
def _quickly() -> Iterator[None]:
    """A person waits, and most of the time goes into loading libraries.

    Nothing that is loaded is garbage: it is not looked for meanwhile. And when compiled rules are first loaded, numba
    looks for SciPy's linear algebra, which no rule uses and which takes longer to load than the answer to give: told
    that it is not there, numba does without.
    """
    name, collecting = "scipy.linalg", gc.isenabled()
    hide = name not in sys.modules
    if hide:
        sys.modules[name] = None  # type: ignore[assignment]  # documented: importing it then raises ModuleNotFoundError
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
        if hide:
            del sys.modules[name]


def _several(choices: list[str]) -> str:
    shown = ", ".join(choices[:_MOST_CHOICES])
    more = f" and {len(choices) - _MOST_CHOICES} more" if len(choices) > _MOST_CHOICES else ""
    return (
        f"PUPIL: {len(choices)} pupils fit, of the classes {shown}{more}. Add --class C or --school S, or give the UPN "
        "or the admission number"
    )

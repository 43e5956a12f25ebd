"""`subject-access`: what a home holds on one pupil, for whoever answers a request."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from attendance_pipeline.commands.telling import (
    DONE,
    NEEDS_A_PERSON,
    Arguments,
    Commands,
    UsageError,
    home_of,
    not_asked,
    today,
)
from attendance_pipeline.home import open_home


def add(commands: Commands) -> None:
    words = "gather everything that is held on one pupil into a ZIP file"
    access = commands.add("subject-access", _subject_access, words)
    access.add_argument("upn", metavar="UPN", help="the pupil's UPN, present or former, or the admission number")
    access.add_argument("--school", metavar="S", help="of one school (default: all that have the pupil)")
    access.add_argument("-o", "--output", type=Path, metavar="FILE", help="the ZIP file (default: subject-access.zip)")


def _subject_access(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.steps.find_pupil import find_pupils
    from attendance_pipeline.steps.site import Site
    from attendance_pipeline.steps.subject_access import gather
    from attendance_pipeline.table_files import write_new

    output = arguments.output or Path("subject-access.zip")
    if output.exists():
        raise UsageError(f"{output}: there is such a file; name another with -o")
    schools = home.schools if arguments.school is None else (home.school(arguments.school),)
    elsewhere = not_asked(home) if arguments.school is None else ""
    counts: dict[str, int] = {}
    with Site(home) as site, io.BytesIO() as out:
        found = find_pupils(site, arguments.upn, schools)
        if not found:
            raise UsageError("; ".join(filter(None, ["UPN: no pupil of this home has that number", elsewhere])))
        if len({p.school.id for p in found}) != len(found):
            raise UsageError("UPN: several pupils of one school fit; give the UPN itself")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for pupil in found:
                gathered = gather(site, pupil, today())
                for name, content in gathered.files.items():
                    archive.writestr(f"{pupil.school.id}/{name}", content)
                counts |= {f"{pupil.school.id}/{name}": count for name, count in gathered.counts.items() if count}
        write_new(output, out.getvalue())
    for name, count in counts.items():
        print(f"{count:8,}  {name}")
    print(f"{output}: look through it before anything of it leaves the school; READ ME FIRST.txt says what for.")
    if elsewhere:
        print(f"{elsewhere[0].upper()}{elsewhere[1:]}.")
        return NEEDS_A_PERSON
    return DONE

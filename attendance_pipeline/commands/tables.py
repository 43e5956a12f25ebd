"""`export`: a table as a file."""

from __future__ import annotations

from pathlib import Path

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, UsageError, day, home_of, in_order
from attendance_pipeline.home import open_home


def add(commands: Commands) -> None:
    export = commands.add("export", _export, "write a table as CSV or Parquet")
    export.add_argument("table", metavar="TABLE", help="register, amendments, quarantine, measures, groups, stages, "
                        "stage_events, penalty_notices, letters or tasks")  # fmt: skip
    export.add_argument("--school", metavar="S", help="one school (default: all)")
    export.add_argument("--from", dest="first", type=day, metavar="D")
    export.add_argument("--to", dest="last", type=day, metavar="D")
    export.add_argument("--as-at", type=day, metavar="D", help="as it stood at the end of that day")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="*.csv or *.parquet (default: CSV to print)")


def _export(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.steps.export import TABLES, Period, export
    from attendance_pipeline.steps.site import Site
    from attendance_pipeline.table_files import ENDINGS, write_table

    table, output = arguments.table, arguments.output
    if table not in TABLES:
        raise UsageError(f"there is no table {table!r}; there are {', '.join(TABLES)}")
    if output is not None and output.suffix not in ENDINGS:
        raise UsageError(f"{output}: a name that ends in {' or '.join(ENDINGS)}")
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {output.parent}")
    in_order(arguments)
    schools = home.schools if arguments.school is None else (home.school(arguments.school),)
    with Site(home) as site:
        site.warehouse.upgrade()
        period = Period(arguments.first, arguments.last, arguments.as_at)
        frames = export(site, table, schools, period, trust=arguments.school is None)
        write_table(frames, output)
    return DONE

"""`ui`: Dagster's web page and daemon."""

from __future__ import annotations

from attendance_pipeline.commands.telling import Arguments, Commands, UsageError, home_of
from attendance_pipeline.home import open_home

LAST_PORT = 65_535


def add(commands: Commands) -> None:
    ui = commands.add("ui", _ui, "Dagster's web page and daemon for this home")
    ui.add_argument("--port", type=int, default=3000, metavar="P", help="on this machine alone (default 3000)")


def _ui(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    if not 0 < arguments.port <= LAST_PORT:
        raise UsageError(f"a port is a number from 1 to {LAST_PORT}, not {arguments.port}")
    from attendance_pipeline.serving import serve

    return serve(home, arguments.port)

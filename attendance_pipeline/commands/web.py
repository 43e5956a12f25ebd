"""`ui`: Dagster's web page and daemon."""

from __future__ import annotations

import ipaddress
import sys

from attendance_pipeline.commands.telling import Arguments, Commands, UsageError, home_of
from attendance_pipeline.home import open_home

LAST_PORT = 65_535
WARNING = (
    "attendance: this page asks nobody for a password, and whoever reaches it can start runs. "
    "Put a login in front of it: docs/security.md"
)


def add(commands: Commands) -> None:
    ui = commands.add("ui", _ui, "Dagster's web page and daemon for this home")
    ui.add_argument("--port", type=int, default=3000, metavar="P", help="the port of the page (default 3000)")
    ui.add_argument(
        "--host", metavar="ADDRESS", help="listen on this address (default: reached from this machine alone)"
    )
    ui.add_argument(
        "--name", action="append", default=[], help="by which the page may be called, as by a proxy with a login"
    )
    ui.add_argument("--read-only", action="store_true", help="the page shows, and starts nothing")


def _ui(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    if not 0 < arguments.port <= LAST_PORT:
        raise UsageError(f"a port is a number from 1 to {LAST_PORT}, not {arguments.port}")
    from attendance_pipeline.serving import HOST, serve

    host = arguments.host or HOST
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise UsageError(f"--host is the number of an address, such as 127.0.0.1, not {host}") from None
    if not address.is_loopback:
        if not arguments.name:
            raise UsageError("with --host say by --name, too, what the page is called; it answers to no other name")
        print(WARNING, file=sys.stderr)
    return serve(home, arguments.port, host, arguments.name, read_only=arguments.read_only)

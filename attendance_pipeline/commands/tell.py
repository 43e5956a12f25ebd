"""`tell` and `health`: the note of the morning now, trying out mail and webhook, and whether all is as it should be."""

from __future__ import annotations

import datetime as dt
import json
import sys

from attendance_pipeline.commands.telling import DONE, FAILED, NEEDS_A_PERSON, Arguments, Commands, home_of
from attendance_pipeline.home import open_home


def add(commands: Commands) -> None:
    words = "renew the note of the morning on the drive, and tell what was not told"
    tell = commands.add("tell", _tell, words)
    tell.add_argument("--test", action="store_true", help="only try mail, webhook and ping out; nothing is remembered")

    health = commands.add("health", _health, "say whether the nights run and the extracts come: 0 if so, else 1")
    health.add_argument("--json", action="store_true", help="as JSON, for a monitor")


def _tell(arguments: Arguments) -> int:
    from attendance_pipeline.steps.telling import morning, send_test

    now = dt.datetime.now(dt.UTC)
    if not arguments.test:
        problems = morning(home_of(arguments), now)
        for problem in problems:
            print(f"attendance: not told: {problem}", file=sys.stderr)
        return FAILED if problems else DONE
    sent = send_test(open_home(home_of(arguments)), now)
    if not sent:
        print("Neither mail nor webhook nor ping is set up: [telling] in attendance.toml.")
    for channel, wrong in sent.items():
        print(f"{channel}: {wrong or 'sent'}")
    return FAILED if any(sent.values()) else DONE


def _health(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.running import daemon_heard
    from attendance_pipeline.steps.health import health, health_as_json, health_in_words

    found = health(home, dt.datetime.now(dt.UTC), daemon_heard(home))
    print(json.dumps(health_as_json(found), indent=2) if arguments.json else health_in_words(found))
    return DONE if found.well else NEEDS_A_PERSON

"""`demo`: a home with an invented school, run and delivered."""

from __future__ import annotations

from pathlib import Path

from attendance_pipeline.commands.telling import DONE, FAILED, Arguments, Commands, UsageError, say_progress


def add(commands: Commands) -> None:
    words = "make a home with an invented school, run a term and last night, and deliver"
    demo = commands.add("demo", _demo, words)
    demo.add_argument("dir", nargs="?", metavar="DIR", help="a new folder (default: attendance-demo)")
    demo.add_argument("--pupils", type=int, default=420, metavar="N", help="pupils in each school (default 420)")
    demo.add_argument("--schools", type=int, default=1, metavar="N", help="schools (default 1)")
    demo.add_argument("--seed", type=int, default=1, metavar="S", help="another seed invents another school")


def _demo(arguments: Arguments) -> int:
    from attendance_pipeline.demo.run import run_demo
    from attendance_pipeline.said import said_of_demo

    say = say_progress()
    if arguments.pupils < 30 or arguments.schools < 1 or arguments.seed < 0:
        raise UsageError("at least 30 pupils, one school and a seed of 0 or more")
    folder = Path(arguments.dir) if arguments.dir else _unused("attendance-demo")
    home, outcome = run_demo(folder, arguments.pupils, arguments.schools, arguments.seed, say)
    print(said_of_demo(home, outcome))
    return FAILED if outcome.troubles else DONE


def _unused(name: str) -> Path:
    """A folder in the current one that does not exist yet: the name, or with -2, -3 ... after it."""
    folder, number = Path(name), 1
    while folder.exists():
        number += 1
        folder = Path(f"{name}-{number}")
    return folder

"""`init`, `check` and `policies`: the settings of a home."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from attendance_pipeline.commands.telling import DONE, REFUSED, Arguments, Commands, UsageError, home_of, today
from attendance_pipeline.home import SETTINGS_FILE, Home, init_home
from attendance_pipeline.home_check import Finding


def add(commands: Commands) -> None:
    init = commands.add("init", _init, "make an empty home with commented settings")
    init.add_argument("dir", metavar="DIR")

    words = "read every setting and template and say what is wrong; changes nothing"
    check = commands.add("check", _check, words)
    check.add_argument("--json", action="store_true", help="as JSON")

    policies = commands.add("policies", _policies, "say which policies come with the product, or print one to copy")
    policies.add_argument("name", metavar="NAME", nargs="?", help="print this one: save it in HOME/policies/")
    policies.add_argument("--json", action="store_true", help="the list as JSON")


def _init(arguments: Arguments) -> int:
    home = init_home(arguments.dir)
    print(f"Made {home}. Next: edit attendance.toml and calendars/, then run `attendance check --home {home}`.")
    return DONE


def _policies(arguments: Arguments) -> int:
    from attendance_pipeline.law.policy import shipped_policies, shipped_policy_text

    if arguments.name is not None and arguments.json:
        raise UsageError("--json is for the list; a policy is TOML")
    names = shipped_policies()
    if arguments.name is None:
        listed = [{"name": n, "about": shipped_policy_text(n).splitlines()[0].removeprefix("# ")} for n in names]
        if arguments.json:
            print(json.dumps(listed, indent=2))
            return DONE
        for policy in listed:
            print(f"{policy['name']}\n    {policy['about']}")
        return DONE
    if arguments.name not in names:
        print(f"no policy {arguments.name!r} comes with the product: {', '.join(names)}", file=sys.stderr)
        return REFUSED
    print(shipped_policy_text(arguments.name), end="")
    return DONE


def _examples(home: Home) -> Iterator[Finding]:
    """Worked examples of the home's policies that do not come out as they say."""
    from attendance_pipeline.derive.worked_examples import check_examples

    for policy in {school.policy.path: school.policy for school in home.schools}.values():
        for wrong in check_examples(policy):
            yield Finding("error", policy.path or home.path, f"examples[{wrong.number}]", str(wrong))


def _cluster(home: Home) -> Iterator[Finding]:
    """Whether the Dask cluster of the settings answers and has the code of this machine."""
    from attendance_pipeline.engine import DASK, DaskCluster, EngineError

    work = home.settings.work
    if work.engine != DASK or work.scheduler is None:
        return
    cluster = DaskCluster(work.scheduler)
    try:
        with cluster:
            cluster.connected()
    except EngineError as error:
        yield Finding("error", home.path / SETTINGS_FILE, "work.scheduler", str(error))


def _left_out(home: Home) -> Iterator[Finding]:
    """Schools whose data is held though nothing of them is worked out any more: taken away, or under another id now."""
    from attendance_pipeline.steps.site import schools_left_out

    for school in schools_left_out(home):
        words = f"the warehouse holds data of {school!r}, which no school has as its id: no night, no subject-access "
        words += "and no prune looks at it. Was the id changed? Change it back"
        yield Finding("warning", home.path / SETTINGS_FILE, "schools", words)


def _check(arguments: Arguments) -> int:
    from attendance_pipeline.home_check import check_home
    from attendance_pipeline.letters.language_names import language_name
    from attendance_pipeline.letters.templates import check_templates, unchecked_translations

    def templates(home: Home) -> Iterator[Finding]:
        problems = check_templates(home.letter_templates)
        for problem in problems:
            key = f"line {problem.line}" if problem.line else "template"
            yield Finding("error", problem.file, key, problem.message)
        for tag, kinds in ({} if problems else unchecked_translations(home.letter_templates)).items():
            words = f"nobody of the school has checked the {language_name(tag)} of {', '.join(kinds)}"
            yield Finding("note", home.letter_templates, tag, f"{words}: docs/letters.md says how to mark it")

    found = check_home(home_of(arguments), today(), [templates, _examples, _cluster, _left_out])
    errors = sum(f.severity == "error" for f in found)
    if arguments.json:
        rows = [{"severity": f.severity, "file": str(f.file), "key": f.key, "message": f.message} for f in found]
        print(json.dumps(rows, indent=2))
    else:
        for finding in found:
            print(finding)
        warnings = sum(f.severity == "warning" for f in found)
        print(f"{errors} errors, {warnings} warnings." if errors or warnings else "Everything is in order.")
    return REFUSED if errors else DONE

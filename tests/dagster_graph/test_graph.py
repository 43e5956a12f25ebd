"""The code location as a whole: what it holds, from what, that it loads anywhere, and that a fault in a home stops it.

All of it is written down in graph.txt beside this file, so that a change of the graph is seen as a change of that file:

    python tests/dagster_graph/test_graph.py     # writes it anew
"""

from __future__ import annotations

import datetime as dt
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.home import HOME_VARIABLE, init_home
from attendance_pipeline.law.settings_errors import SettingsErrors

GRAPH = Path(__file__).with_name("graph.txt")
WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"
AFTER_THE_CALENDAR = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)  # Dagster shows only days that have been


def written(definitions: dg.Definitions) -> str:
    """Everything that Dagster shows, but descriptions."""
    return "\n\n".join([*_assets(definitions), *_checks(definitions), *_jobs(definitions), *_times(definitions)]) + "\n"


def _assets(definitions: dg.Definitions) -> Iterator[str]:
    graph = definitions.resolve_asset_graph()
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        yield _lines(
            f"asset {key.to_user_string()}",
            ("from", _names(k.to_user_string() for k in node.parent_keys)),
            ("made by", "observing" if not node.is_materializable else "materialising"),
            ("group", node.group_name),
            ("owners", _names(node.owners)),
            ("kinds", _names(node.kinds)),
            ("partitions", _partitions(node.partitions_def)),
            ("a range is", node.backfill_policy.policy_type.name.lower() if node.backfill_policy else ""),
            ("code version", node.code_version or ""),
        )


def _partitions(found: dg.PartitionsDefinition | None) -> str:
    if found is None:
        return ""
    if isinstance(found, dg.DailyPartitionsDefinition):
        keys = found.get_partition_keys(current_time=AFTER_THE_CALENDAR)
        return f"{len(keys)} days from {keys[0]} to {keys[-1]}, {found.timezone}"
    return ", ".join(found.get_partition_keys())


def _checks(definitions: dg.Definitions) -> Iterator[str]:
    graph = definitions.resolve_asset_graph()
    for key in sorted(graph.asset_check_keys):
        yield _lines(
            f"check {key.name} of {key.asset_key.to_user_string()}",
            ("blocking", "yes" if graph.get_check_spec(key).blocking else "no"),
        )


def _jobs(definitions: dg.Definitions) -> Iterator[str]:
    for job in sorted(_own_jobs(definitions), key=lambda j: j.name):
        yield _lines(
            f"job {job.name}",
            ("assets", _names(k.to_user_string() for k in job.asset_layer.executable_asset_keys)),
            ("checks", _names(k.name for k in job.asset_layer.asset_graph.asset_check_keys)),
            ("runs in", job.executor_def.name),
        )


def _times(definitions: dg.Definitions) -> Iterator[str]:
    repository = definitions.get_repository_def()
    for schedule in sorted(repository.schedule_defs, key=lambda s: s.name):
        yield _lines(
            f"schedule {schedule.name}",
            ("starts", schedule.job_name),
            ("at", f"{schedule.cron_schedule}, {schedule.execution_timezone}"),
            ("at first", schedule.default_status.value.lower()),
        )
    for sensor in sorted(repository.sensor_defs, key=lambda s: s.name):
        yield _lines(
            f"sensor {sensor.name}",
            ("starts", _names(target.job_name for target in sensor.targets)),
            ("at first", sensor.default_status.value.lower()),
        )


def _own_jobs(definitions: dg.Definitions) -> list[dg.JobDefinition]:
    return [j for j in definitions.get_repository_def().get_all_jobs() if not j.name.startswith("__")]


def _names(names: object) -> str:
    return ", ".join(sorted(names))  # type: ignore[call-overload]  # strings


def _lines(head: str, *facts: tuple[str, str]) -> str:
    return "\n".join([head, *(f"    {name}: {value or 'none'}" for name, value in facts)])


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """Those of a new home, which has the example calendar."""
    home = init_home(tmp_path_factory.mktemp("graph") / "home")
    return build_definitions(home)


def test_the_graph_is_the_one_that_is_written_down(definitions: dg.Definitions) -> None:
    renew = f"{GRAPH.name} is out of date. If the change is meant: python tests/dagster_graph/{Path(__file__).name}"
    assert written(definitions) == GRAPH.read_text(encoding="utf-8"), renew


def test_everything_can_be_loaded(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_everything_says_in_words_what_it_is_for(definitions: dg.Definitions) -> None:
    graph, repository = definitions.resolve_asset_graph(), definitions.get_repository_def()
    said = {f"asset {k.to_user_string()}": graph.get(k).description for k in graph.get_all_asset_keys()}
    said |= {f"check {k.name}": graph.get_check_spec(k).description for k in graph.asset_check_keys}
    said |= {f"job {j.name}": j.description for j in _own_jobs(definitions)}
    said |= {f"schedule {s.name}": s.description for s in repository.schedule_defs}
    said |= {f"sensor {s.name}": s.description for s in repository.sensor_defs}
    assert len(said) >= 40
    assert {name: words for name, words in said.items() if len((words or "").split()) < 8} == {}


def test_without_a_home_it_loads_with_the_example_calendar(
    definitions: dg.Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert written(build_definitions()) == written(definitions)


def test_the_days_are_those_of_the_home_in_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = init_home(tmp_path / "home")
    file = home / "calendars" / "example.toml"
    text = file.read_text(encoding="utf-8")
    assert "closures = []" in text
    file.write_text(text.replace("closures = []", "closures = [2025-09-10]", 1), encoding="utf-8")
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    found = build_definitions().resolve_asset_graph().get(dg.AssetKey("register")).partitions_def
    assert found is not None
    days = found.get_partition_keys(current_time=AFTER_THE_CALENDAR)
    assert {"2025-09-09", "2025-09-11"} <= set(days)
    assert "2025-09-10" not in days


def test_a_home_with_a_fault_does_not_load_and_says_file_and_key(tmp_path: Path) -> None:
    home = init_home(tmp_path / "home")
    file = home / "attendance.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("time_zone", "timezone"), encoding="utf-8")
    with pytest.raises(SettingsErrors) as refused:
        build_definitions(home)
    assert str(refused.value) == f"{file}: trust.timezone: expected no such setting; did you mean 'time_zone'?"


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
def test_a_command_may_import_the_code_location_whatever_home_is_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "attendance.toml").write_text("[trust]\nnam = 'x'\n", encoding="utf-8")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    found = runpy.run_module("attendance_pipeline.definitions")
    with pytest.raises(SettingsErrors, match=r"trust\.nam: expected no such setting"):
        found["build_definitions"]()


def test_the_workspace_loads_one_code_location_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("dagster"), "definitions", "validate", "-w", WORKSPACE],
        check=False,
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k not in (HOME_VARIABLE, "DAGSTER_HOME")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.count("Validation successful for code location") == 1
    assert "Validation successful for code location attendance." in said


if __name__ == "__main__":
    os.environ.pop(HOME_VARIABLE, None)
    os.chdir(GRAPH.parent)
    GRAPH.write_text(written(build_definitions()), encoding="utf-8")

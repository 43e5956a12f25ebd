"""A policy with some settings changed, for every point of a grid: what a sweep of what-ifs asks about.

Belongs here: reading `thresholds.autumn=80:95:1`, which settings may be swept, and the policies that come of it, each
checked as if it stood in a file. Not here: what a policy makes of a register (`derive/what_if.py`).

A key changes every version of the ladder, or of the rule, that is in force on some day of the period asked about.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from attendance_pipeline.law.policy import Alternative, Ladder, Policy, PolicySetting
from attendance_pipeline.law.settings_errors import SettingsError, refused

MOST_POLICIES = 10_000
_SWEEP = "--sweep"
_SEASONS = ("autumn", "spring", "summer")
_NOT_SWEPT = {"valid_from", "valid_to", "source", "requires"}  # of the ladder: dates, words and lists
_RULES = "penalty_notice_rules"
# Of the rest of a policy, what has a say in stages, letters or cases.
_ELSEWHERE = ("letters.continuing_each_review", "statutory.resolve_n_school_days")

Value = int | Decimal | bool | str
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Sweep:
    """One setting and the values it is to take."""

    key: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class GridPoint:
    """A policy of the grid, and what was set in it."""

    values: tuple[tuple[str, Value], ...]
    policy: Policy

    @property
    def words(self) -> str:
        return ", ".join(f"{key} {value}" for key, value in self.values)


def parse_sweep(text: str) -> Sweep:
    """`KEY=FIRST:LAST:STEP`, both ends included, or `KEY=A,B,C`. Raises SettingsError."""
    key, equals, given = text.partition("=")
    if not equals or not key.strip() or not given.strip():
        shape = "KEY=FIRST:LAST:STEP or KEY=A,B,C, as in thresholds.autumn=80:95:1"
        raise SettingsError(None, f"{_SWEEP} {text}", shape)
    if ":" not in given:
        return Sweep(key.strip(), tuple(dict.fromkeys(_value(v) for v in given.split(","))))
    parts = given.split(":")
    try:
        first, last, step = (Decimal(p.strip()) for p in parts)
    except (InvalidOperation, ValueError):
        raise SettingsError(None, f"{_SWEEP} {text}", "three numbers, FIRST:LAST:STEP") from None
    if not all(n.is_finite() for n in (first, last, step)) or step <= 0 or last < first:
        raise SettingsError(None, f"{_SWEEP} {text}", "FIRST no greater than LAST, and a STEP above 0")
    many = int((last - first) / step) + 1
    if many > MOST_POLICIES:
        raise SettingsError(None, f"{_SWEEP} {text}", f"at most {MOST_POLICIES:,} values, not {many:,}")
    return Sweep(key.strip(), tuple(_plain(first + i * step) for i in range(many)))


def _value(text: str) -> Value:
    word = text.strip()
    if word in ("true", "false"):
        return word == "true"
    try:
        number = Decimal(word)
    except InvalidOperation:
        return word
    return _plain(number) if number.is_finite() else word


def _plain(number: Decimal) -> int | Decimal:
    return int(number) if number == number.to_integral_value() else number.normalize()


def sweep_keys(policy: Policy) -> list[str]:
    """Every key that may be swept in this policy, sorted."""
    keys = {"thresholds", *_ELSEWHERE}
    for key in _keys_of(Ladder):
        keys.add(key)
    for rule in policy.rules:
        keys.add(f"{_RULES}.{rule.name}.near_within")
        for i, alternative in enumerate(rule.any_of, 1):
            keys |= {f"{_RULES}.{rule.name}.any_of.{i}.{name}" for name in _swept_of(alternative)}
    return sorted(k for k in keys if not k.endswith(".consecutive_sessions"))


def _swept_of(alternative: Alternative) -> tuple[str, ...]:
    besides = ("attendance_below", "attendance_at_least", "holiday_sessions", "broken_weeks")
    return ("sessions", alternative.window[0], *(name for name in besides if getattr(alternative, name)))


def _keys_of(model: type[BaseModel], before: str = "") -> Iterable[str]:
    for name, field in model.model_fields.items():
        if name in _NOT_SWEPT:
            continue
        key = f"{before}{field.alias or name}"
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _keys_of(inner, f"{key}.")
        elif key != "stages.1.below":
            yield key


def policy_grid(policy: Policy, sweeps: Sequence[Sweep], days: Iterable[dt.date]) -> list[GridPoint]:
    """The policy at every point of the grid, the last sweep moving quickest. `days`: of the period that is asked about.

    Raises SettingsError for a key that is none, that is named twice, or that no version in force has; for a value that
    the setting cannot have; and for a grid that is too large.
    """
    known = sweep_keys(policy)
    for sweep in sweeps:
        if sweep.key not in known:
            near = get_close_matches(sweep.key, known, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise SettingsError(policy.path, f"{_SWEEP} {sweep.key}", f"one of {', '.join(known)}{meant}")
    if len({s.key for s in sweeps}) != len(sweeps):
        raise SettingsError(policy.path, _SWEEP, "each key once")
    many = math.prod(len(s.values) for s in sweeps)
    if many > MOST_POLICIES:
        raise SettingsError(policy.path, _SWEEP, f"at most {MOST_POLICIES:,} policies, not {many:,}")
    plain = policy.setting.model_dump(by_alias=True, exclude_unset=True)
    plain.pop("examples", None)  # worked examples of the file are of what it says, not of what it is changed to
    paths = {s.key: _paths(policy, s.key, list(days)) for s in sweeps}
    out = []
    for values in itertools.product(*(s.values for s in sweeps)):
        named = tuple((s.key, v) for s, v in zip(sweeps, values, strict=True))
        changed: Any = plain
        for key, value in named:
            for path in paths[key]:
                changed = _with(changed, path, value)
        with refused(policy.path or Path(policy.name), PolicySetting):
            setting = PolicySetting.model_validate(changed)
        out.append(GridPoint(named, Policy(setting, f"{policy.version} {named!r}", policy.path)))
    return out


def _paths(policy: Policy, key: str, days: Sequence[dt.date]) -> list[Place]:
    """Where a key stands in the policy: once for each version in force."""
    if key in _ELSEWHERE:
        return [tuple(key.split("."))]
    if key.startswith(f"{_RULES}."):
        name, *rest = key.removeprefix(f"{_RULES}.").split(".")
        inner: Place = tuple(int(word) - 1 if word.isdigit() else word for word in rest)
        rules = policy.rules
        there = {i for day in days for i, r in enumerate(rules) if r.name == name and r in policy.rules_on(day)}
        if inner[0] == "any_of":
            there = {i for i in there if _has(rules[i].any_of, inner)}
        found: list[Place] = [(_RULES, i, *inner) for i in sorted(there)]
    else:
        words = key.split(".")
        seasons = _SEASONS if key == "thresholds" else ("",)
        force = [policy.ladder_on(day) for day in days]
        versions = [i for i, v in enumerate(policy.setting.ladder) if any(v is f for f in force)]
        found = [("ladder", i, *words, *([s] if s else [])) for i in versions for s in seasons]
    if not found:
        raise SettingsError(policy.path, f"{_SWEEP} {key}", "a version in force within the period; there is none")
    return found


def _has(alternatives: Sequence[Any], inner: Place) -> bool:
    place, name = inner[1], str(inner[2])
    if not isinstance(place, int) or place >= len(alternatives):
        return False
    return name in _swept_of(alternatives[place])


def _with(plain: Any, path: Place, value: Value) -> Any:
    """The same with another value at one place; what lies beside the way is shared, not copied."""
    if not path:
        return value
    here, rest = path[0], path[1:]
    if isinstance(plain, Mapping):
        return {**plain, here: _with(plain.get(here, {}), rest, value)}
    if isinstance(plain, list | tuple):
        return [_with(part, rest, value) if i == here else part for i, part in enumerate(plain)]
    return {here: _with({}, rest, value)}  # a single number for all seasons, where one season is changed

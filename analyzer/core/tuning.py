"""From tables, as a TOML file holds them, to rules with their thresholds; whatever is wrong is named with its remedy.

The fields of a rule's class are the keys of its table, and their types say the units. There are no defaults:
what a rule is judged by stands in the file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, TypeVar, cast, get_type_hints

from analyzer.core.rules import RULES
from analyzer.core.rules.base import Named, Rule
from analyzer.core.sighting import Sight
from analyzer.core.terminal_surge import TerminalSurge
from analyzer.core.units import AlertScore, Choice, Minor, Pair, Unit, dimension
from schemas.errors import UserError

ENABLED: Final = "enabled"
_MAJOR: Final = frozenset({"major", "eur", "euro", "euros", "usd", "dollars", "amount"})
_MINOR: Final = 100

_ALWAYS: Final = {"alert": "it needs a threshold", "sighting": "the terminal stage needs it"}
"""Tables that can't be switched off, and why."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Alert:
    """When a verdict becomes a notification."""

    threshold: AlertScore
    """Score from which a transaction is flagged."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a rules file says."""

    alert: Alert
    rules: tuple[Rule, ...]
    """Those of the card stage that are enabled."""

    sighting: Sight
    terminal: TerminalSurge | None
    """The rule of the terminal stage; None: it is not enabled."""

    disabled: tuple[Named, ...] = ()

    @property
    def running(self) -> tuple[Named, ...]:
        """The rules of both stages that are enabled."""
        return (*self.rules, self.terminal) if self.terminal else self.rules


def tuned(tables: Mapping[str, Any]) -> Tuning:
    """Return what the tables of a rules file say.

    Raises:
        UserError: a table or threshold is unknown, missing or impossible; the message doesn't name the file.
    """
    known = ["alert", *(rule.name for rule in RULES), "sighting", TerminalSurge.name]
    for name in tables:
        if name not in known:
            raise UserError(f"[{name}]: no such rule{did_you_mean(name, known)}. Known: {', '.join(known)}")
    alert = _table(Alert, "alert", tables)
    rules = [_table(rule, rule.name, tables) for rule in RULES]
    sighting = _table(Sight, "sighting", tables)
    surge = _surge(tables, sighting)
    every: list[Named] = [*rules, surge]
    enabled = {rule.name for rule in every if _enabled(rule.name, tables)}
    return Tuning(
        alert=alert,
        rules=tuple(rule for rule in rules if rule.name in enabled),
        sighting=sighting,
        terminal=surge if surge.name in enabled else None,
        disabled=tuple(rule for rule in every if rule.name not in enabled),
    )


def _surge(tables: Mapping[str, Any], sighting: Sight) -> TerminalSurge:
    surge = _table(TerminalSurge, TerminalSurge.name, tables)
    if not sighting.least_z <= surge.least_z_found <= surge.least_z:
        raise UserError(
            f"[{surge.name}] least_z_found must be between least_z of [sighting], {sighting.least_z:g}, and its own"
            f" least_z, {surge.least_z:g}, not {surge.least_z_found:g}: what isn't sighted can't be found"
        )
    return surge


def units(kind: type[Any]) -> dict[str, Unit | Pair | Choice]:
    """Return the unit of each field of a dataclass of thresholds, in their order."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name].__metadata__[0] for field in dataclasses.fields(kind)}


def did_you_mean(name: str, known: list[str]) -> str:
    """Return a question that names the nearest of `known`, or nothing when none is near."""
    near = get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _table(kind: type[_T], name: str, tables: Mapping[str, Any]) -> _T:
    table = tables.get(name)
    keys = units(kind)
    if table is None:
        remedy = _ALWAYS.get(name, f"to do without it, set {ENABLED} = false in it")
        raise UserError(f"[{name}] is missing: copy it from the rules file of the package; {remedy}")
    if not isinstance(table, dict):
        raise UserError(f"{name} must be a table of thresholds, [{name}], not {table!r}")
    for key in table:
        if key not in keys and (key != ENABLED or name in _ALWAYS):
            raise UserError(f"[{name}] {key}{_unknown(key, table[key], keys)}")
    for key in keys:
        if key not in table:
            raise UserError(f"[{name}] {key} is missing: give it a value; the rules file of the package has one")
    return kind(**{key: _read(name, key, unit, table[key]) for key, unit in keys.items()})


def _read(name: str, key: str, unit: Unit | Pair | Choice, given: Any) -> Any:
    try:
        return unit.read(given)
    except UserError as error:
        raise UserError(f"[{name}] {key} {error}") from None


def _enabled(name: str, tables: Mapping[str, Any]) -> bool:
    enabled = tables[name].get(ENABLED, True)
    if not isinstance(enabled, bool):
        raise UserError(f"[{name}] {ENABLED} must be true or false, not {enabled!r}")
    return enabled


def _unknown(key: str, given: Any, keys: Mapping[str, Unit | Pair | Choice]) -> str:
    """Return why `key` is none of `keys`: mostly, it is one of them in another unit."""
    for known, unit in keys.items():
        if isinstance(unit, Unit) and (value := _in_its_unit(key, given, known, unit)) is not None:
            return f": there is {known}, in {unit.words}: write {known} = {value}"
    return f": no such threshold{did_you_mean(key, list(keys))}. Known: {', '.join(keys)}"


def _in_its_unit(key: str, given: Any, known: str, unit: Unit) -> str | None:
    # `least_minutes` is `least_seconds` in another unit: the same stem, and a unit of the same dimension.
    stem = known.removesuffix(unit.suffix)
    other = key.removeprefix(stem)
    number = given if isinstance(given, int | float) and not isinstance(given, bool) else None
    if stem == known or (other == key and stem) or other == unit.suffix:
        return None
    if unit == _unit_of(Minor) and other.lower() in _MAJOR:
        return "..." if number is None else str(round(number * _MINOR))
    if not unit.dimension or dimension(other) != unit.dimension:
        return None
    converted = None if number is None else unit.converted(number, other)
    return "..." if converted is None else f"{converted:g}"


def _unit_of(annotated: Any) -> Unit:
    return cast("Unit", annotated.__metadata__[0])


def thresholds(rule: object) -> Iterator[tuple[str, Any, str]]:
    """Yield name, value and unit in words of each threshold of a rule."""
    for key, unit in units(type(rule)).items():
        yield key, getattr(rule, key), unit.words

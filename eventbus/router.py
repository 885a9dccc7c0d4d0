"""Which rules of its bus an event goes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import structlog

from eventbus.catalogue import Catalogue
from eventbus.model import Event, Rule
from eventbus.pattern import InvalidPatternError, Machine, Pattern, compile_pattern

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Table:
    """The enabled rules of a bus with patterns, compiled."""

    version: int
    machine: Machine[str]
    rules: Mapping[str, Rule]


class Router:
    """Compiles a bus's rules again only after one of them changed."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Begin with nothing compiled."""
        self._catalogue = catalogue
        self._tables: dict[str, _Table] = {}

    def rules_for(self, event: Event) -> Sequence[Rule]:
        """Return the enabled rules that the event goes to; none when its bus isn't there.

        A replay's `only_rules` narrow what matches. Those of an event that the bus itself made for a rule,
        such as a schedule's, name who gets it whatever its pattern.
        """
        if event.only_rules is not None and not event.replay:
            found = (self._catalogue.rule(arn) for arn in sorted(event.only_rules))
            return [rule for rule in found if rule is not None and rule.enabled]
        table = self._table(event.bus_arn)
        if table is None:
            return ()
        matching = (table.rules[arn] for arn in table.machine.matching(event.fields))
        return [rule for rule in matching if event.only_rules is None or rule.arn in event.only_rules]

    def _table(self, bus_arn: str) -> _Table | None:
        version = self._catalogue.version(bus_arn)
        found = self._tables.get(bus_arn)
        if found is not None and found.version == version:
            return found
        rules = self._catalogue.rules_of(bus_arn)
        if not rules:  # most buses that are named are never heard of again
            self._tables.pop(bus_arn, None)
            return None
        patterns = {rule.arn: pattern for rule in rules if rule.enabled and (pattern := _pattern_of(rule))}
        self._tables[bus_arn] = _Table(version, Machine(patterns), {rule.arn: rule for rule in rules})
        return self._tables[bus_arn]


@lru_cache(maxsize=4096)
def compiled(text: str) -> Pattern:
    """Return a compiled pattern; the same text is compiled once.

    Raises:
        InvalidPatternError: as `compile_pattern`.
    """
    return compile_pattern(text)


def _pattern_of(rule: Rule) -> Pattern | None:
    if rule.pattern is None:
        return None
    try:
        return compiled(rule.pattern)
    except InvalidPatternError as error:  # it was valid for the version of this program that kept it
        _log.error("rule is left out", rule=rule.arn, error=str(error))
        return None

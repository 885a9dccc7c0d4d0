"""Many patterns matched at once: an index finds the few that an event can match, only these are tried.

Each alternative of each pattern is filed under one of its fields: one that wants exact values or prefixes, and the
one that fewest others want the same of. An event's values then lead to the alternatives filed under them, and each
of these is asked first for what fewest others want: that fails soonest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from eventbus.pattern.alternative import Alternative, Field
from eventbus.pattern.conditions import Prefix, Wildcard
from eventbus.pattern.event import Fields, Flat, Leaf, flatten
from eventbus.pattern.matcher import Pattern

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class _Label:
    """What an alternative is filed under: a value, or the start of one."""

    value: Leaf
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class _Filed:
    """An alternative of the rule with this number."""

    rule: int
    alternative: Alternative


@dataclass(slots=True)
class _Shelf:
    """The alternatives filed under one path."""

    exact: dict[Leaf, list[_Filed]] = field(default_factory=dict)
    prefixes: dict[int, dict[str, list[_Filed]]] = field(default_factory=dict)
    """Length → the first so many characters → alternatives."""

    def put(self, label: _Label, filed: _Filed) -> None:
        if isinstance(label.value, str) and label.is_prefix:
            self.prefixes.setdefault(len(label.value), {}).setdefault(label.value, []).append(filed)
        else:
            self.exact.setdefault(label.value, []).append(filed)

    def under(self, value: Leaf) -> Iterator[_Filed]:
        if found := self.exact.get(value):
            yield from found
        if self.prefixes and isinstance(value, str):
            for length, table in self.prefixes.items():
                yield from table.get(value[:length], ())


class Machine(Generic[Key]):
    """Patterns under the caller's keys. Immutable: rules that change make a new one."""

    def __init__(self, patterns: Mapping[Key, Pattern]) -> None:
        self._keys = list(patterns)
        self._ways: frozenset[str] = frozenset().union(*(pattern.ways for pattern in patterns.values()))
        self._shelves: dict[str, _Shelf] = {}
        self._always: list[_Filed] = []
        alternatives = [
            (number, one) for number, pattern in enumerate(patterns.values()) for one in pattern.alternatives
        ]
        fields = [field for _, alternative in alternatives for field in alternative.by_name]
        shared = Counter((one.path, label) for one in fields for label in _labels(one))
        alike = Counter((one.path, one.wanted) for one in fields)
        for number, alternative in alternatives:
            telling = alternative.ordered(lambda one: alike[one.path, one.wanted])
            self._file(_Filed(number, telling), shared)

    def matching(self, event: Fields) -> list[Key]:
        """The keys of the patterns that match, in the mapping's order."""
        flat = flatten(event, self._ways)
        matched: set[int] = set()
        for filed in self._candidates(flat):
            if filed.rule not in matched and filed.alternative.matches(flat):
                matched.add(filed.rule)
        return [self._keys[number] for number in sorted(matched)]

    def candidates(self, event: Fields) -> int:
        """How many alternatives the index leaves to try on the event."""
        return sum(1 for _ in self._candidates(flatten(event, self._ways)))

    def _candidates(self, flat: Flat) -> Iterator[_Filed]:
        yield from self._always
        for path, shelf in self._shelves.items():
            for value, _ in flat.get(path, ()):
                yield from shelf.under(value)

    def _file(self, filed: _Filed, shared: Counter[tuple[str, _Label]]) -> None:
        choices = [(one.path, _labels(one)) for one in filed.alternative.by_name]
        choices = [(path, labels) for path, labels in choices if labels]
        if not choices:
            self._always.append(filed)
            return
        path, labels = min(choices, key=lambda choice: max(shared[choice[0], label] for label in choice[1]))
        for label in labels:
            self._shelves.setdefault(path, _Shelf()).put(label, filed)


def _labels(field: Field) -> frozenset[_Label]:
    """Labels of which every value that the field accepts bears one; none if there are no such."""
    if field.may_be_absent:
        return frozenset()
    labels = {_Label(value) for value in field.exact}
    for condition in field.conditions:
        if isinstance(condition, Prefix) and '"' not in condition.text:
            start = condition.text
        elif isinstance(condition, Wildcard):
            start = condition.pieces[0]
        else:
            return frozenset()
        if not start:
            return frozenset()
        labels.add(_Label(start, is_prefix=True))
    return frozenset(labels)

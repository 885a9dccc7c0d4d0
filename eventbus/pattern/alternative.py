"""One alternative of a pattern: fields that must all match. A pattern has one, or one a combination of its `$or`s."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

from eventbus.pattern.conditions import Condition
from eventbus.pattern.event import Flat, Leaf, Membership


@dataclass(frozen=True, slots=True)
class Field:
    """What a pattern wants at one path: any of these."""

    path: str
    wanted: str
    """The array in the pattern, as compact JSON."""
    exact: frozenset[Leaf] = frozenset()
    conditions: tuple[Condition, ...] = ()
    may_be_absent: bool = False

    def accepts(self, value: Leaf) -> bool:
        """Whether the value alone is one of them."""
        if value in self.exact:
            return True
        for condition in self.conditions:  # noqa: SIM110 - matching spends its time here, a generator doubles it
            if condition.accepts(value):
                return True
        return False


class Alternative:
    """Fields in two orders: those first that fail soon or cost little, and by name, as the service takes them."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.by_name = tuple(sorted(fields.values(), key=lambda field: _utf16(field.path)))
        self._as_tried = tuple(sorted(self.by_name, key=lambda field: len(field.conditions)))

    def ordered(self, rank: Callable[[Field], int]) -> Alternative:
        """The same, but the fields of the lowest rank are tried first."""
        other = copy(self)
        other._as_tried = tuple(sorted(self._as_tried, key=rank))  # noqa: SLF001 - its own kind
        return other

    def matches(self, flat: Flat) -> bool:
        """Whether the fields match, those in arrays in elements that go together."""
        in_arrays = 0
        unsure = False
        for field in self._as_tried:
            values = flat.get(field.path)
            if values is None:
                if not field.may_be_absent:
                    return False
                continue
            found = in_array = False
            for value, member in values:
                if member:
                    in_array = True
                found = found or field.accepts(value)
            in_arrays += in_array
            if not found:
                if not (field.may_be_absent and in_array):
                    return False
                unsure = True
        return not unsure if in_arrays <= 1 else go_together(self.by_name, flat)


def _utf16(name: str) -> bytes:
    """Names sort by UTF-16 units in the service; the order decides which array element an absence is asked of."""
    return name.encode("utf-16-be", "surrogatepass")


def go_together(fields: Iterable[Field], flat: Flat) -> bool:
    """Whether values can be chosen for all fields, no two from different elements of one array."""
    steps = [_Step.of(field, flat) for field in fields if field.path in flat]
    return _Search([step for step in steps if step.chosen.members or step.absent_unless.members]).from_step(0, {})


@dataclass(frozen=True, slots=True)
class _Step:
    """A field in the search: places of the values that match, and all its places if it may be absent."""

    chosen: _Places
    absent_unless: _Places

    @staticmethod
    def of(field: Field, flat: Flat) -> _Step:
        values = flat[field.path]
        chosen = dict.fromkeys(member for value, member in values if field.accepts(value))
        places = dict.fromkeys(member for _, member in values) if field.may_be_absent else ()
        return _Step(_Places(tuple(chosen)), _Places(tuple(places)))


class _Places:
    """Places of values, found by an element that is chosen already: an array of thousands is not gone through anew."""

    def __init__(self, members: tuple[Membership, ...]) -> None:
        self.members = members
        self.arrays = frozenset(array for member in members for array, _ in member)
        self._by_element: dict[int, dict[int | None, list[Membership]]] = {}

    def consistent(self, taken: dict[int, int]) -> list[Membership]:
        """Those with no other element of an array than `taken` says."""
        narrowest: Sequence[Membership] = self.members
        for array, index in taken.items():
            if array in self.arrays:
                found = self._within(array)
                within = found.get(index, []) + found.get(None, [])
                narrowest = min(narrowest, within, key=len)
        return [member for member in narrowest if _consistent(taken, member)]

    def _within(self, array: int) -> dict[int | None, list[Membership]]:
        """By element of the array; under None those that are not in it."""
        found = self._by_element.get(array)
        if found is None:
            found = self._by_element[array] = {}
            for member in self.members:
                found.setdefault(dict(member).get(array), []).append(member)
        return found


class _Search:
    """Depth first; what was tried in vain is remembered, so that arrays without relation cost no product."""

    def __init__(self, steps: list[_Step]) -> None:
        self._steps = steps
        self._failed: set[tuple[int, Membership]] = set()
        self._arrays_from: list[frozenset[int]] = [frozenset()]
        for step in reversed(steps):
            self._arrays_from.insert(0, self._arrays_from[0] | step.chosen.arrays | step.absent_unless.arrays)

    def from_step(self, number: int, taken: dict[int, int]) -> bool:
        """`taken`: array → element, as the fields before chose them."""
        if number == len(self._steps):
            return True
        relevant = self._arrays_from[number]
        state = (number, tuple(sorted(item for item in taken.items() if item[0] in relevant)))
        if state in self._failed:
            return False
        step = self._steps[number]
        absent = step.absent_unless.members and not step.absent_unless.consistent(taken)
        if absent and self.from_step(number + 1, taken):
            return True
        for member in step.chosen.consistent(taken):
            if self.from_step(number + 1, taken | dict(member)):
                return True
        self._failed.add(state)
        return False


def _consistent(taken: dict[int, int], member: Membership) -> bool:
    return all(taken.get(array, index) == index for array, index in member)

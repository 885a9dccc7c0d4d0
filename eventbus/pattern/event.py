"""An event as patterns see it: the values at dotted paths, each with its place in the arrays around it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from json import JSONDecodeError, JSONDecoder
from typing import Any, NamedTuple

from eventbus.pattern.numbers import CERTAIN_INTEGER, Inexact, comparable, integer, real


class Bare(NamedTuple):
    """A value without quotes that no number compares with: `true`, `false`, `null`, or an inexact number's text."""

    text: str


Leaf = str | float | Bare
"""A value at the end of a path. Numbers are doubles here, so that `1` is `1.0`, but never `true`."""

Membership = tuple[tuple[int, int], ...]
"""(array, index) of each array on the way to a value whose element at that index is an object or an array."""

Fields = dict[str, Any]
"""An event's JSON object as Python's `dict`, from `parse_event`."""

Flat = dict[str, list[tuple[Any, Membership]]]
"""Path → the values there."""

TRUE, FALSE, NULL = Bare("true"), Bare("false"), Bare("null")


class Repeating(dict[str, Any]):
    """An object that names a key twice: patterns see every value, everyone else the last one."""

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self.pairs = list(pairs)
        super().__init__(self.pairs)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else Repeating(pairs)


def _constant(name: str) -> Any:
    raise JSONDecodeError(f"{name} is not JSON", name, 0)


_DECODER = JSONDecoder(
    object_pairs_hook=_object, parse_int=integer, parse_float=real, parse_constant=_constant, strict=True
)


def parse_event(text: str) -> Fields:
    """The event's object. Raises `ValueError` when `text` is no JSON object."""
    try:
        event = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("Event is nested too deeply") from None
    if not isinstance(event, dict):
        raise ValueError("Event must be a JSON object")  # noqa: TRY004 - bad text, not a bad argument
    return event


def leaf(value: Any) -> Leaf:
    """The value as conditions compare it."""
    if isinstance(value, str):
        return value
    if value is None:
        return NULL
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, Inexact):
        return Bare(value.text)
    if isinstance(value, int):
        return _integer(value)
    return float(value)


def _integer(value: int) -> Leaf:
    if -CERTAIN_INTEGER <= value <= CERTAIN_INTEGER:
        return float(value)
    text = str(value)
    number = comparable(text)
    return Bare(text) if number is None else number


def ways_to(paths: Collection[str]) -> frozenset[str]:
    """Each path and every part of it that ends before a dot: the only steps of an event worth taking.

    As in the service, a key without a name is looked at only when some path has one before its end.
    """
    steps = {step for path in paths for step in (path.rstrip(".").split(".") if path.strip(".") or not path else ())}
    return frozenset(
        path[:end]
        for path in paths
        if "" in steps or not path.endswith(".")
        for end in [*(at for at, char in enumerate(path) if char == "."), len(path)]
    )


def flatten(event: Fields, ways: Collection[str], convert: Callable[[Any], Any] = leaf) -> Flat:
    """The values at `ways`. Without recursion: an event may be nested as deeply as it likes."""
    return _Flattening(ways, convert).of(event)


class _Flattening:
    __slots__ = ("_arrays", "_convert", "_flat", "_todo", "_ways")

    def __init__(self, ways: Collection[str], convert: Callable[[Any], Any]) -> None:
        self._ways = ways
        self._convert = convert
        self._flat: Flat = {}
        self._todo: list[tuple[str, dict[str, Any], Membership]] = []
        self._arrays = 0

    def of(self, event: Fields) -> Flat:
        flat, todo, ways = self._flat, self._todo, self._ways
        todo.append(("", event, ()))
        while todo:
            prefix, node, member = todo.pop()
            for key, value in node.pairs if type(node) is Repeating else node.items():
                path = prefix + key
                if path not in ways:
                    continue
                if isinstance(value, str):
                    flat.setdefault(path, []).append((value, member))
                elif isinstance(value, dict):
                    todo.append((path + ".", value, member))
                elif isinstance(value, list):
                    self._take(path, value, member)
                else:
                    flat.setdefault(path, []).append((self._convert(value), member))
        return flat

    def _take(self, path: str, array: list[Any], member: Membership) -> None:
        """The scalars of an array and of the arrays inside it; its objects are put off."""
        nested = [(array, member)]
        while nested:
            items, around = nested.pop()
            number = self._arrays
            self._arrays += 1
            for index, item in enumerate(items):
                if isinstance(item, dict):
                    self._todo.append((path + ".", item, (*around, (number, index))))
                elif isinstance(item, list):
                    nested.append((item, (*around, (number, index))))
                else:
                    self._flat.setdefault(path, []).append((self._convert(item), around))

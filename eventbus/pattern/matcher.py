"""A compiled pattern, and why it does not match an event."""

from __future__ import annotations

from dataclasses import dataclass, field
from json import dumps
from typing import Any

from eventbus.pattern.alternative import Alternative, Field
from eventbus.pattern.compiler import compile_alternatives
from eventbus.pattern.event import Fields, flatten, ways_to
from eventbus.pattern.numbers import Inexact

SHOWN_CHARACTERS = 200
"""So much of an event's value a mismatch quotes."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A valid pattern. Equal patterns have equal text."""

    text: str
    alternatives: tuple[Alternative, ...] = field(compare=False, repr=False)
    ways: frozenset[str] = field(compare=False, repr=False)
    """The steps of an event that it looks at."""

    def matches(self, event: Fields) -> bool:
        """Whether the event matches; never raises."""
        flat = flatten(event, self.ways)
        return any(alternative.matches(flat) for alternative in self.alternatives)


def compile_pattern(text: str) -> Pattern:
    """Read an event pattern. Raises `InvalidPatternError` with the service's reason and the place in the text."""
    alternatives = compile_alternatives(text)
    paths = frozenset(field.path for alternative in alternatives for field in alternative.by_name)
    return Pattern(text, alternatives, ways_to(paths))


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One reason why an event does not match."""

    path: str
    wanted: str
    """What the pattern has there, as compact JSON."""
    found: str
    """What the event has there: JSON values, or `absent`."""


def why_not(pattern: Pattern, event: Fields) -> list[Mismatch]:
    """The fields that fail, of each `$or` branch that came closest; empty exactly when the event matches."""
    flat = flatten(event, pattern.ways)
    reasons: list[dict[Field, None]] = []
    for alternative in pattern.alternatives:
        if alternative.matches(flat):
            return []
        failed = dict.fromkeys(one for one in alternative.by_name if not Alternative({one.path: one}).matches(flat))
        reasons.append(failed or dict.fromkeys(alternative.by_name))
    raw = flatten(event, pattern.ways, lambda value: value)
    closest = [one for one in reasons if not any(other.keys() < one.keys() for other in reasons)]
    mismatches: dict[Mismatch, None] = {}
    for fields in closest:
        apart = all(Alternative({one.path: one}).matches(flat) for one in fields)
        found = [_apart(fields, raw)] if apart else [_mismatch(one, raw, event) for one in fields]
        mismatches.update(dict.fromkeys(found))
    return list(mismatches)


def _mismatch(field: Field, raw: dict[str, list[tuple[Any, Any]]], event: Fields) -> Mismatch:
    values = raw.get(field.path)
    if values:
        return Mismatch(field.path, field.wanted, _shown([value for value, _ in values]))
    node: Any = event
    for step in field.path.split("."):
        node = node.get(step) if isinstance(node, dict) else None
    kind = "an object" if isinstance(node, dict) else "an array without plain values" if isinstance(node, list) else ""
    return Mismatch(field.path, field.wanted, f"absent ({kind} is there)" if kind else "absent")


def _apart(fields: dict[Field, None], raw: dict[str, list[tuple[Any, Any]]]) -> Mismatch:
    """Each field matches by itself, but in different elements of an array."""
    inside = [one for one in fields if any(member for _, member in raw.get(one.path, ()))]
    return Mismatch(
        ", ".join(one.path for one in inside),
        ", ".join(one.wanted for one in inside) + " in one element of the array",
        "each in an element of its own: "
        + "; ".join(_shown([value for value, _ in raw.get(one.path, ())]) for one in inside),
    )


def _shown(values: list[Any]) -> str:
    text = ", ".join(value.text if isinstance(value, Inexact) else dumps(value, ensure_ascii=False) for value in values)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"

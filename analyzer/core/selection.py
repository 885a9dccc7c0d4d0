"""Which rules run: those whose data is there; and which of them only in the shadow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from analyzer.core.rules.base import FIELDS, Named
from analyzer.core.tuning import did_you_mean
from schemas.errors import UserError

R = TypeVar("R", bound=Named)


@dataclass(frozen=True, slots=True)
class Usable(Generic[R]):
    """What is left of some rules on data that lacks fields."""

    on: tuple[R, ...]
    off: dict[str, str]
    """By name of the rule, why it is off."""


def usable(rules: Iterable[R], missing: Iterable[str]) -> Usable[R]:
    """Return which rules can work on data without the fields `missing`.

    Raises:
        UserError: no rule needs such a field.
    """
    lacking = frozenset(missing)
    for field in sorted(lacking - FIELDS):
        raise UserError(
            f"no rule knows a field {field!r}{did_you_mean(field, sorted(FIELDS))}; known are"
            f" {', '.join(sorted(FIELDS))}"
        )
    found = {rule: sorted(rule.needs & lacking) for rule in rules}
    return Usable(
        on=tuple(rule for rule, lacks in found.items() if not lacks),
        off={rule.name: f"the data lacks {', '.join(lacks)}" for rule, lacks in found.items() if lacks},
    )


def shadowed(rules: Iterable[Named], names: Iterable[str]) -> frozenset[str]:
    """Return the names of the rules that run without alerting.

    Raises:
        UserError: none of the rules has that name.
    """
    known, wanted = [rule.name for rule in rules], frozenset(names)
    for name in sorted(wanted - set(known)):
        raise UserError(f"no rule {name!r} runs{did_you_mean(name, known)}; those that do are {', '.join(known)}")
    return wanted

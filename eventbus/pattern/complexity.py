"""How much work wildcards can make: the places in a field's wildcards that one value can keep open at once."""

from __future__ import annotations

from collections.abc import Iterable

from eventbus.pattern.conditions import Condition, NoneOf, Wildcard

MAX_COMPLEXITY = 100
"""The service has such a limit and does not say which; it may well refuse less than this."""
TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a"
    " wildcard character"
)


def too_complex(conditions: Iterable[Condition]) -> bool:
    """Whether the wildcards of one field are more than a rule may have."""
    return sum(_places(condition) for condition in conditions) > MAX_COMPLEXITY


def _places(condition: Condition) -> int:
    """Each `*` keeps one open, and what follows it as many as the piece can begin anew within itself."""
    if isinstance(condition, NoneOf):
        return sum(map(_places, condition.conditions))
    if not isinstance(condition, Wildcard):
        return 0
    return sum(1 + _overlaps(piece) for piece in condition.pieces[1:])


def _overlaps(piece: str) -> int:
    """The most beginnings of `piece` that are at once the end of a longer one: `aaa` has 3, `abc` 1."""
    borders, depths = [-1], [0]
    for at, char in enumerate(piece):
        border = borders[at]
        while border >= 0 and piece[border] != char:
            border = borders[border]
        borders.append(border + 1)
        depths.append(depths[border + 1] + 1)
    return max(depths)

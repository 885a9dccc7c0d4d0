"""From the figures of several seeds to their mean and its 95 % confidence interval. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

STUDENT_T_975: Final = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""97.5 % quantiles of Student's t with 1, 2, ... 30 degrees of freedom; with more, the last is a little too wide."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and where the true one lies with 95 % confidence, if seeds differ as a normal distribution does."""

    mean: float
    half_width: float | None
    """None for one seed: it doesn't say how much seeds differ."""


def interval(values: Sequence[float]) -> Interval:
    """Return the interval of at least one value (Student's t)."""
    count = len(values)
    mean = sum(values) / count
    if count == 1:
        return Interval(mean, None)
    sd = sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    return Interval(mean, STUDENT_T_975[min(count - 1, len(STUDENT_T_975)) - 1] * sd / sqrt(count))


def intervals(found: Sequence[Mapping[str, Any]]) -> dict[tuple[str, ...], Interval]:
    """Return the interval of each figure in nested mappings, by its path.

    A seed that doesn't have a figure, or has None for it, doesn't count for it.
    """
    values: dict[tuple[str, ...], list[float]] = {}
    for one in found:
        for path, value in _figures(one):
            values.setdefault(path, []).append(value)
    return {path: interval(each) for path, each in values.items()}


def means(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return mappings of the same shape with the mean of each figure; whatever is no figure is the first's."""
    merged: dict[str, Any] = {}
    for key in dict.fromkeys(key for one in found for key in one):
        there = [one[key] for one in found if one.get(key) is not None]
        if there and isinstance(there[0], Mapping):
            merged[key] = means(there)
        elif there and all(_is_figure(value) for value in there):
            whole = all(value == there[0] for value in there)
            merged[key] = there[0] if whole else sum(there) / len(there)
        else:
            merged[key] = there[0] if there else None
    return merged


def _figures(one: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    for key, value in one.items():
        if isinstance(value, Mapping):
            yield from _figures(value, (*path, key))
        elif _is_figure(value):
            yield (*path, key), value


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

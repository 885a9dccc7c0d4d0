"""The arithmetic: what was put against what arrived. All times are ns since 1970 by this machine's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.figures import percentile

_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Puts:
    """What the load generator saw."""

    first_ns: int
    """When the first request was sent."""
    last_ns: int
    """When the last answer had come."""
    accepted: Mapping[str, int]
    """Id of each event that was accepted → when its request was sent."""
    refused: int
    """Entries that were answered with an error."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What the target got."""

    of_id: Sequence[tuple[str, int]]
    """Id and time of each event, repeats too."""
    nameless: Sequence[int] = ()
    """Times of those that said nothing: moto posts empty bodies."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One measurement. Rates are events per second from the first request on."""

    accepted: int
    refused: int
    arrived: int
    """Distinct accepted events that arrived; of nameless ones no more than were accepted."""
    lost: int
    invented: int
    """Distinct events that arrived and had not been accepted."""
    repeated: int
    nameless: int
    accepted_per_s: float
    """To the last answer."""
    delivered_per_s: float
    """To the arrival of the last distinct event."""
    p50_ms: float | None
    """From put to arrival; None when no arrival can be told from another."""
    p99_ms: float | None


def figures(puts: Puts, arrivals: Arrivals) -> Figures:
    """Judge one measurement."""
    first: dict[str, int] = {}
    for name, at in arrivals.of_id:
        first[name] = min(at, first.get(name, at))
    known = {name: at for name, at in first.items() if name in puts.accepted}
    nameless = min(len(arrivals.nameless), len(puts.accepted) - len(known))
    arrived = len(known) + nameless
    waits = sorted((at - puts.accepted[name]) / 1e6 for name, at in known.items())
    last = max([*known.values(), *arrivals.nameless], default=puts.first_ns)
    return Figures(
        accepted=len(puts.accepted),
        refused=puts.refused,
        arrived=arrived,
        lost=len(puts.accepted) - arrived,
        invented=len(first) - len(known),
        repeated=len(arrivals.of_id) - len(first) + len(arrivals.nameless) - nameless,
        nameless=nameless,
        accepted_per_s=_rate(len(puts.accepted), puts.last_ns - puts.first_ns),
        delivered_per_s=_rate(arrived, last - puts.first_ns),
        p50_ms=percentile(waits, 50),
        p99_ms=percentile(waits, 99),
    )


def _rate(count: int, duration_ns: int) -> float:
    return count * _NS / duration_ns if count and duration_ns > 0 else 0.0

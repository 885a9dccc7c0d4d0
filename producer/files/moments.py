"""Reads times: written or counted, with an offset each or in one zone. Pure; what can't be read is a `BadCellError`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from producer.files.cells import Cells, number, plain
from producer.files.mapping import Time
from producer.files.problems import BadCellError

Moment = Callable[[Cells], int]
"""Reads a time, in milliseconds since 1970."""

EARLIEST_MS: Final = 946_684_800_000
LATEST_MS: Final = 4_102_444_800_000
"""The years 2000 and 2100, between which the analyzer takes event times."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def moment_of(time: Time, index: Mapping[str, int]) -> Moment:
    """Return what reads a time."""
    place, name = index[time.column], time.column
    parse = _counted(time) if time.format == "epoch" else _written(time)

    def read(cells: Cells) -> int:
        value = cells[place]
        if not value and plain(value) == "":
            raise BadCellError(name, "is empty: there must be a time")
        at_ms = (parse(value) - _EPOCH) // _MS
        if not EARLIEST_MS <= at_ms < LATEST_MS:
            raise BadCellError(
                name, f"{plain(value)[:40]!r} is not between the years 2000 and 2100: see time.format and time.unit"
            )
        return at_ms

    return read


def _counted(time: Time) -> Callable[[Any], datetime]:
    zone = ZoneInfo(time.timezone) if time.timezone else UTC
    origin = time.origin if time.origin.tzinfo else time.origin.replace(tzinfo=zone)
    start, per_second = origin.astimezone(UTC), _PER_SECOND[time.unit]

    def parse(value: Any) -> datetime:
        count = number(value, time.column)
        try:
            return start + timedelta(microseconds=int(count * 1_000_000 / per_second))
        except OverflowError:
            raise BadCellError(time.column, f"{count} {time.unit} is no time: see time.unit and time.origin") from None

    return parse


def _written(time: Time) -> Callable[[Any], datetime]:
    zone = None if time.timezone is None else UTC if time.timezone == "UTC" else ZoneInfo(time.timezone)

    def parse(value: Any) -> datetime:
        if isinstance(value, datetime):
            return _in_zone(value, zone, time.column)
        text = plain(value)
        try:
            moment = datetime.fromisoformat(text) if time.format == "iso" else datetime.strptime(text, time.format)  # noqa: DTZ007 - the zone follows
        except ValueError:
            raise BadCellError(
                time.column, f"{text[:40]!r} is no time of the form {time.format}: see time.format"
            ) from None
        return _in_zone(moment, zone, time.column)

    return parse


def _in_zone(moment: datetime, zone: tzinfo | None, name: str) -> datetime:
    if moment.tzinfo is not None:
        if zone is not None:
            remedy = "take time.timezone out if all have one; if only some have, the file mixes two kinds"
            raise BadCellError(name, f"{moment.isoformat()} has an offset, times of this mapping have none: {remedy}")
        return moment
    if zone is None:
        remedy = "set time.timezone if none has one; if only some have, the file mixes two kinds"
        raise BadCellError(name, f"{moment.isoformat()} has no offset from UTC: {remedy}")
    aware = moment.replace(tzinfo=zone)
    if zone is not UTC and aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise BadCellError(name, f"{moment.isoformat()} never was in {zone}: the clock was put forward over it")
    return aware

"""`rate(5 minutes)` and `cron(0 12 * * ? *)`, as EventBridge reads them: when does a rule fire next? Pure, UTC.

A cron expression has six fields: minutes, hours, day of month, month, day of week (1 is Sunday), year. One of the two
days must be `?`. Source: EventBridge user guide, "Creating a rule that runs on a schedule"; where that is silent
(`LW`, `L-3`, ranges that wrap, what may stand in a list) Quartz decides, whose dialect it is.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_LENGTH: Final = 256
_RATE: Final = re.compile(r"rate\(([1-9][0-9]*)\s+(minute|hour|day)(s?)\)")
_CRON: Final = re.compile(r"cron\((.*)\)")
_ITEM: Final = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]+))?", re.ASCII)
_FROM_THE_END: Final = re.compile(r"L(?:-([0-9]{1,2}))?(W)?")
_UNITS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LAST_YEAR: Final = 2199
_SATURDAY: Final = 7

Days = Callable[[int, int], Iterable[int]]
"""Tells the days that count in a year's month."""


class InvalidScheduleError(ValueError):
    """The expression is none: the service's words, and what is wrong with it in `reason`."""

    def __init__(self, reason: str) -> None:
        """Keep the reason beside the service's message, which gives none."""
        super().__init__("Parameter ScheduleExpression is not valid.")
        self.reason = reason


class Schedule(Protocol):
    """When a rule fires."""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after `moment` (aware), to the whole minute for cron; None: never again."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often."""

    every: timedelta
    since: datetime
    """From when it counts: when its rule was made."""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first multiple of the interval after `moment`."""
        passed = (moment - self.since) // self.every
        try:
            return self.since + max(passed + 1, 1) * self.every
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class Cron:
    """At set times."""

    minutes: Sequence[int]
    hours: Sequence[int]
    days: Days
    months: Sequence[int]
    years: Sequence[int]

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first matching minute after `moment`."""
        start = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for year in (year for year in self.years if year >= start.year):
            for month in (month for month in self.months if (year, month) >= (start.year, start.month)):
                for day in sorted(self.days(year, month)):
                    found = self._first_on(datetime(year, month, day, tzinfo=UTC), start)
                    if found is not None:
                        return found
        return None

    def _first_on(self, day: datetime, start: datetime) -> datetime | None:
        """Return its first time on a day, but not before `start`."""
        if day.date() < start.date():
            return None
        earliest = (start.hour, start.minute) if day.date() == start.date() else (0, 0)
        times = ((hour, minute) for hour in self.hours for minute in self.minutes if (hour, minute) >= earliest)
        found = next(times, None)
        return None if found is None else day.replace(hour=found[0], minute=found[1])


def parse(expression: str, since: datetime = EPOCH) -> Schedule:
    """Return the schedule; a rate counts from `since`, the time at which its rule was made.

    Raises:
        InvalidScheduleError: it is neither a rate nor a cron expression.
    """
    if len(expression) > _MAX_LENGTH:
        raise InvalidScheduleError(f"it is longer than {_MAX_LENGTH} characters")
    if rate := _RATE.fullmatch(expression):
        return _rate(int(rate[1]), rate[2], plural=bool(rate[3]), since=since)
    if cron := _CRON.fullmatch(expression):
        return _cron(cron[1].upper().split())
    raise InvalidScheduleError("write it as rate(5 minutes) or cron(0 12 * * ? *)")


def _rate(value: int, unit: str, *, plural: bool, since: datetime) -> Rate:
    if plural == (value == 1):
        raise InvalidScheduleError(f"write {value} {unit}{'' if value == 1 else 's'}")
    try:
        return Rate(value * _UNITS[unit], since)
    except OverflowError:
        raise InvalidScheduleError(f"{value} {unit}s are too many") from None


def _cron(fields: Sequence[str]) -> Cron:
    if len(fields) != len(("minutes", "hours", "day of month", "month", "day of week", "year")):
        raise InvalidScheduleError(f"a cron expression has six fields, this one has {len(fields)}")
    minutes, hours, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise InvalidScheduleError("one of day of month and day of week must be ?, and not both")
    return Cron(
        minutes=_numbers(minutes, 0, 59),
        hours=_numbers(hours, 0, 23),
        days=_days_of_week(weekday) if day == "?" else _days_of_month(day),
        months=_numbers(month, 1, 12, _MONTHS),
        years=_numbers(year, EPOCH.year, _LAST_YEAR),
    )


def _numbers(field: str, low: int, high: int, names: Sequence[str] = ()) -> list[int]:
    """Return what a field of numbers, names, ranges and increments stands for, in order."""
    return sorted({number for item in field.split(",") for number in _item(item, low, high, names)})


def _item(item: str, low: int, high: int, names: Sequence[str]) -> Iterable[int]:
    found = _ITEM.fullmatch(item)
    if found is None:
        raise InvalidScheduleError(f"{item!r} is no value, range or increment")
    step = int(found["step"] or 1)
    if not 1 <= step <= high:
        raise InvalidScheduleError(f"{item!r}: an increment is 1 to {high}")
    if found["first"] is None:
        return range(low, high + 1, step)
    first = _number(found["first"], low, high, names)
    if found["last"] is None:
        return range(first, high + 1, step) if found["step"] else (first,)
    last = _number(found["last"], low, high, names)
    if first <= last:
        return range(first, last + 1, step)
    if low == EPOCH.year:
        raise InvalidScheduleError(f"{item!r}: years don't come round again")
    size = high - low + 1
    return [(number - low) % size + low for number in range(first, last + size + 1, step)]


def _number(text: str, low: int, high: int, names: Sequence[str]) -> int:
    number = names.index(text) + 1 if text in names else int(text) if text.isascii() and text.isdigit() else -1
    if not low <= number <= high:
        raise InvalidScheduleError(f"{text!r} is not from {low} to {high}{f' or {names[0]}…' if names else ''}")
    return number


def _days_of_month(field: str) -> Days:
    if ending := _FROM_THE_END.fullmatch(field):
        before = int(ending[1] or 0)
        return lambda year, month: _near(year, month, _length(year, month) - before, to_weekday=bool(ending[2]))
    if field.endswith("W"):
        wanted = _number(field[:-1], 1, 31, ())
        return lambda year, month: _near(year, month, wanted, to_weekday=True)
    numbers = _numbers(field, 1, 31)
    return lambda year, month: [day for day in numbers if day <= _length(year, month)]


def _days_of_week(field: str) -> Days:
    name, hash_, count = field.partition("#")
    if hash_:
        weekday, nth = _number(name, 1, 7, _WEEKDAYS), _number(count, 1, 5, ())
        return lambda year, month: _on(year, month, [weekday])[nth - 1 : nth]
    if field != "L" and field.endswith("L"):
        weekday = _number(field[:-1], 1, 7, _WEEKDAYS)
        return lambda year, month: _on(year, month, [weekday])[-1:]
    weekdays = [_SATURDAY] if field == "L" else _numbers(field, 1, 7, _WEEKDAYS)
    return lambda year, month: _on(year, month, weekdays)


def _on(year: int, month: int, weekdays: Sequence[int]) -> list[int]:
    return [day for day in range(1, _length(year, month) + 1) if _weekday(year, month, day) in weekdays]


def _near(year: int, month: int, day: int, *, to_weekday: bool) -> list[int]:
    """Return the day, or the working day of the same month that is nearest to it; nothing if there is no such day."""
    if not 1 <= day <= _length(year, month):
        return []
    weekday = _weekday(year, month, day)
    if not to_weekday or 1 < weekday < _SATURDAY:
        return [day]
    if weekday == _SATURDAY:
        return [day - 1 if day > 1 else day + 2]
    return [day + 1 if day < _length(year, month) else day - 2]


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _weekday(year: int, month: int, day: int) -> int:
    """Return 1 for Sunday to 7 for Saturday."""
    return (calendar.weekday(year, month, day) + 1) % 7 + 1

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eventbus.schedule import InvalidScheduleError, parse

NOW = datetime(2024, 1, 31, 12, 3, 20, tzinfo=UTC)  # a Wednesday
MINUTE = timedelta(minutes=1)
Field = tuple[str, set[int]]
OnDay = Callable[[datetime], bool]
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def times(cron: str, count: int = 3) -> list[str]:
    schedule = parse(f"cron({cron})")
    found: list[str] = []
    moment = schedule.next_after(NOW)
    while moment is not None and len(found) < count:
        found.append(f"{moment:%Y-%m-%d %H:%M}")
        moment = schedule.next_after(moment)
    return found


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 10 * * ? *", ["2024-02-01 10:00", "2024-02-02 10:00", "2024-02-03 10:00"]),
        ("0/15 * * * ? *", ["2024-01-31 12:15", "2024-01-31 12:30", "2024-01-31 12:45"]),
        ("5,35 14 * * ? *", ["2024-01-31 14:05", "2024-01-31 14:35", "2024-02-01 14:05"]),
        ("0/30 20-2 ? * MON-FRI *", ["2024-01-31 20:00", "2024-01-31 20:30", "2024-01-31 21:00"]),
        ("0 18 ? * FRI-MON *", ["2024-02-02 18:00", "2024-02-03 18:00", "2024-02-04 18:00"]),
        ("0 0 ? * 1 *", ["2024-02-04 00:00", "2024-02-11 00:00", "2024-02-18 00:00"]),
        ("0 0 ? * L *", ["2024-02-03 00:00", "2024-02-10 00:00", "2024-02-17 00:00"]),
        ("15 10 ? * 6L 2024-2025", ["2024-02-23 10:15", "2024-03-29 10:15", "2024-04-26 10:15"]),
        ("0 2 ? * SAT#3 *", ["2024-02-17 02:00", "2024-03-16 02:00", "2024-04-20 02:00"]),
        ("0 2 ? * THU#5 *", ["2024-02-29 02:00", "2024-05-30 02:00", "2024-08-29 02:00"]),
        ("0 0 L * ? *", ["2024-02-29 00:00", "2024-03-31 00:00", "2024-04-30 00:00"]),
        ("0 0 L-3 * ? *", ["2024-02-26 00:00", "2024-03-28 00:00", "2024-04-27 00:00"]),
        ("0 0 LW * ? *", ["2024-02-29 00:00", "2024-03-29 00:00", "2024-04-30 00:00"]),
        ("0 0 3W * ? *", ["2024-02-02 00:00", "2024-03-04 00:00", "2024-04-03 00:00"]),
        ("0 0 1W 6,9 ? *", ["2024-06-03 00:00", "2024-09-02 00:00", "2025-06-02 00:00"]),
        ("0 0 31W * ? *", ["2024-03-29 00:00", "2024-05-31 00:00", "2024-07-31 00:00"]),
        ("0 0 29 FEB ? *", ["2024-02-29 00:00", "2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 0 1 jan,Dec ? 2024-2030/2", ["2024-12-01 00:00", "2026-01-01 00:00", "2026-12-01 00:00"]),
        ("59 23 31 12 ? 2199", ["2199-12-31 23:59"]),
        ("0 0 30 2 ? *", []),
        ("15 10 ? * 6L 2002-2005", []),
    ],
)
def test_a_cron_expression_fires_at_these_times(cron: str, expected: list[str]) -> None:
    assert times(cron) == expected


@pytest.mark.parametrize(
    "expression",
    [
        # measured on the service, as recorded in the tests of public emulators
        *("rate(10 seconds)", "rate(10 years)", "rate(1 minutes)", "rate(1 hours)", "rate(1 days)", "rate(10 minute)"),
        *("rate(10 hour)", "rate(10 day)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)"),
        *("rate(0 minutes)", "rate(-10 minutes)", "rate(10 MINUTES)", "rate( 10 minutes )", " rate(10 minutes)"),
        *("cron(0 1 * * * *)", "cron(7 20 * * NOT *)", "cron(INVALID)", "cron(0 dummy ? * MON-FRI *)"),
        "cron(71 8 1 * ? *)",
        # and by the user guide
        *("", "at(2024-01-01T00:00:00)", "cron(0 12 * * ?)", "cron(0 12 * * ? * *)", "cron(0 0 ? * ? *)"),
        *("cron(0 0 ? * 3#1,6#3 *)", "cron(0 0 ? * 0 *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * 3#6 *)"),
        *("cron(0 0 32 * ? *)", "cron(0 0 0 * ? *)", "cron(0 24 * * ? *)", "cron(60 0 * * ? *)"),
        *("cron(0 0 * 13 ? *)", "cron(0 0 * * ? 1969)", "cron(0 0 * * ? 2200)", "cron(0 0 * * ? 2030-2020)"),
        *("cron(0/0 0 * * ? *)", "cron(0/60 0 * * ? *)", "cron(, 0 * * ? *)", "cron(1- 0 * * ? *)"),
        *(
            "cron(0 0 1,15W * ? *)",
            "cron(0 0 L,5 * ? *)",
            "cron(0 0 ?,1 * ? *)",
            "cron(0 0 \N{SUPERSCRIPT TWO}W * ? *)",
        ),
        f"rate({'9' * 200} days)",
        f"cron({'0,' * 200}0 0 * * ? *)",
    ],
)
def test_anything_else_is_refused_in_the_services_words(expression: str) -> None:
    with pytest.raises(InvalidScheduleError, match=r"^Parameter ScheduleExpression is not valid\.$") as refused:
        parse(expression)
    assert refused.value.reason


@pytest.mark.parametrize(
    ("expression", "every"),
    [
        ("rate(1 minute)", MINUTE),
        ("rate(5 minutes)", 5 * MINUTE),
        ("rate(2 hours)", 120 * MINUTE),
        ("rate(1 day)", timedelta(1)),
    ],
)
def test_a_rate_counts_from_when_its_rule_was_made(expression: str, every: timedelta) -> None:
    schedule = parse(expression, since=NOW)
    assert schedule.next_after(NOW - timedelta(days=3)) == NOW + every
    assert schedule.next_after(NOW) == NOW + every
    assert schedule.next_after(NOW + every - timedelta(microseconds=1)) == NOW + every
    assert schedule.next_after(NOW + every) == NOW + 2 * every


def test_a_rate_beyond_the_calendar_never_fires() -> None:
    assert parse("rate(90000000 days)", since=NOW).next_after(NOW) is None


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> Field:
    """A field of a cron expression, and what it stands for, each made in its own way."""
    kind = draw(st.sampled_from(["*", "list", "range", "step"]))
    first, last = sorted(draw(st.tuples(st.integers(low, high), st.integers(low, high))))
    if kind == "*":
        return "*", set(range(low, high + 1))
    if kind == "list":
        return f"{first},{last}", {first, last}
    if kind == "range":
        return f"{first}-{last}", {number for number in range(low, high + 1) if first <= number <= last}
    step = draw(st.integers(1, high))
    return f"{first}/{step}", {number for number in range(first, high + 1) if (number - first) % step == 0}


@st.composite
def day_fields(draw: st.DrawFn) -> tuple[str, str, OnDay]:
    """Day of month, day of week, and what says of a date whether it counts."""
    if draw(st.booleans()):
        text, days = draw(fields(1, 31))
        return text, "?", lambda date: date.day in days
    kind = draw(st.sampled_from(["plain", "nth", "last"]))
    if kind == "plain":
        text, weekdays = draw(fields(1, 7))
        return "?", text, lambda date: date.isoweekday() % 7 + 1 in weekdays
    weekday = draw(st.integers(0, 6))
    if kind == "last":
        return (
            "?",
            f"{WEEKDAYS[weekday]}L",
            lambda date: (
                date.isoweekday() % 7 == weekday and date.day + 7 > calendar.monthrange(date.year, date.month)[1]
            ),
        )
    nth = draw(st.integers(1, 5))
    return "?", f"{weekday + 1}#{nth}", lambda date: date.isoweekday() % 7 == weekday and (date.day + 6) // 7 == nth


def first_by_trying(start: datetime, minutes: set[int], hours: set[int], months: set[int], day: OnDay) -> datetime:
    """Try each day, and each minute of those that count; every expression drawn here fires once in 28 years."""
    date = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        if date.month in months and day(date):
            times_of_day = (date.replace(hour=hour, minute=minute) for hour in range(24) for minute in range(60))
            for moment in times_of_day:
                if moment > start and moment.minute in minutes and moment.hour in hours:
                    return moment
        date += timedelta(days=1)


@given(
    minute=fields(0, 59),
    hour=fields(0, 23),
    days=day_fields(),
    month=fields(1, 12),
    start=st.datetimes(datetime(2019, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
)
@settings(max_examples=60, deadline=None)
def test_the_next_time_matches_and_no_earlier_minute_does(
    minute: Field, hour: Field, days: tuple[str, str, OnDay], month: Field, start: datetime
) -> None:
    leap_year = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    assume(days[0] == "?" or any(date.month in month[1] and days[2](date) for date in leap_year))
    found = parse(f"cron({minute[0]} {hour[0]} {days[0]} {month[0]} {days[1]} *)").next_after(start)
    assert found == first_by_trying(start, minute[1], hour[1], month[1], days[2])

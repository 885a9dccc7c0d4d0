"""Card windows of any content, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from analyzer.core.model import Place, RecentTransaction
from analyzer.core.window import MAX_FLAGS, MAX_SEEN, CardWindow, Country, Device, Flag, Habit, Silence

COUNTS = st.integers(0, 2**31 + 5)
TIMES = st.integers(0, 4_102_444_800_000)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
CODES = st.text("ABCXYZ", min_size=2, max_size=2)
FLOATS = st.floats(-1e6, 1e6)
HABITS = st.builds(Habit, COUNTS, FLOATS, FLOATS)
PLACES = st.none() | st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))
RECENT = st.builds(
    RecentTransaction,
    *(NAMES, TIMES, st.integers(0, 10**12), NAMES, st.sampled_from(["5411", "5815"]), CODES, PLACES),
    *(st.booleans(), st.booleans()),
)


def in_order(recent: list[RecentTransaction]) -> tuple[RecentTransaction, ...]:
    return tuple(sorted(recent, key=lambda one: one.event_time_ms))


WINDOWS = st.builds(
    CardWindow,
    *(st.integers(-1, 2**61), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, HABITS),
    st.lists(st.builds(Country, CODES, TIMES), max_size=MAX_SEEN, unique_by=lambda one: one.name).map(tuple),
    st.lists(st.builds(Device, NAMES, TIMES, HABITS), max_size=MAX_SEEN, unique_by=lambda one: one.name).map(tuple),
    st.lists(RECENT, max_size=60).map(in_order),
    st.none() | st.builds(Silence, TIMES, TIMES),
    st.lists(st.builds(Flag, NAMES, TIMES, st.none() | NAMES, CODES), max_size=MAX_FLAGS).map(tuple),
)

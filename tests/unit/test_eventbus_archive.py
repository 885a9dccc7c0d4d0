"""Archives: what they take, how much they hold, what they forget."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from eventbus.archive import Archives, ArchiveSize, Row
from eventbus.arn import Scope
from eventbus.catalogue import Catalogue
from eventbus.model import Archive, Event
from eventbus.pattern import parse_event
from eventbus.store import Store, journal

SCOPE = Scope("123456789012", "eu-central-1")
BUS = SCOPE.bus("cardwatch")
DAY_MS = 86_400_000
NOW_MS = 100 * DAY_MS
ALL = Archive(SCOPE.arn("archive/all"), "all", BUS, 1)
LARGE = Archive(SCOPE.arn("archive/large"), "large", BUS, 1, pattern='{"detail": {"total": [{"numeric": [">", 100]}]}}')


def event(number: int, *, bus_arn: str = BUS, accepted_ms: int = NOW_MS, only: str = "", replay: str = "") -> Event:
    body = json.dumps({"id": f"e{number}", "time": "1970-01-02T00:00:05Z", "region": "r", "detail": {"total": number}})
    only_rules = frozenset({only}) if only else None
    fields = parse_event(body)
    return Event(f"e{number}", bus_arn, body, fields, accepted_ms, only_rules=only_rules, replay=replay)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
async def catalogue(store: Store) -> Catalogue:
    return await Catalogue.open(store, lambda: NOW_MS)


@pytest.fixture
async def archives(store: Store, catalogue: Catalogue) -> Archives:
    return Archives(store, catalogue, lambda: NOW_MS)


async def keep(store: Store, rows: Sequence[Row]) -> None:
    await store.write(lambda db: journal.keep(db, journal.Accepted(archived=list(rows))))


async def test_each_archive_of_the_bus_takes_what_its_pattern_matches(catalogue: Catalogue, archives: Archives) -> None:
    assert archives.rows(event(1)) == []
    for archive in (ALL, LARGE):
        await catalogue.save(archive)
    small, large = event(1), event(101)
    assert archives.rows(small) == [(ALL.arn, DAY_MS + 5_000, NOW_MS, small.body)]
    assert [row[0] for row in archives.rows(large)] == [ALL.arn, LARGE.arn]
    assert archives.rows(event(101, bus_arn=SCOPE.bus("other"))) == []


async def test_a_changed_or_removed_archive_takes_accordingly(catalogue: Catalogue, archives: Archives) -> None:
    await catalogue.save(LARGE)
    assert archives.rows(event(1)) == []
    await catalogue.save(Archive(LARGE.arn, "large", BUS, 1))
    assert len(archives.rows(event(1))) == 1
    await catalogue.remove(LARGE)
    assert archives.rows(event(1)) == []


async def test_no_archive_takes_an_event_of_a_replay_or_of_a_schedule(catalogue: Catalogue, archives: Archives) -> None:
    await catalogue.save(ALL)
    assert archives.rows(event(1, replay="again")) == []
    assert archives.rows(event(1, only=SCOPE.rule("nightly", "default"))) == []


async def test_an_archive_tells_how_much_it_holds_in_bytes(
    store: Store, catalogue: Catalogue, archives: Archives
) -> None:
    await catalogue.save(ALL)
    assert await archives.size(ALL) == ArchiveSize(0, 0)
    await keep(store, [(ALL.arn, 1, 1, "abc"), (ALL.arn, 1, 1, "ü"), (LARGE.arn, 1, 1, "x")])
    assert await archives.size(ALL) == ArchiveSize(2, 5)


async def test_what_was_kept_longer_than_asked_goes_and_the_events_own_time_does_not_count(
    store: Store, catalogue: Catalogue, archives: Archives
) -> None:
    two_days = Archive(SCOPE.arn("archive/two"), "two", BUS, 1, retention_days=2)
    for archive in (ALL, two_days):
        await catalogue.save(archive)
    old, young = NOW_MS - 2 * DAY_MS - 1, NOW_MS - 2 * DAY_MS
    await keep(
        store,
        [(arn, time, kept, "x") for arn in (ALL.arn, two_days.arn) for time in (0, NOW_MS) for kept in (old, young)],
    )
    assert await archives.prune() == 2
    assert (await archives.size(two_days)).events == 2
    assert (await archives.size(ALL)).events == 4
    assert await archives.prune() == 0


async def test_what_a_removed_archive_held_goes_even_if_the_process_ended_before_it_could(
    store: Store, catalogue: Catalogue, archives: Archives
) -> None:
    await catalogue.save(LARGE)
    await keep(store, [(arn, 1, 1, "x") for arn in (ALL.arn, LARGE.arn) for _ in range(1200)])
    assert await archives.prune() == 1200
    assert (await archives.size(ALL)).events == 0
    assert (await archives.size(LARGE)).events == 1200
    await catalogue.remove(LARGE)
    await archives.forget(LARGE)
    assert (await archives.size(LARGE)).events == 0

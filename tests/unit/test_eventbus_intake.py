"""The intake: on disk before it returns, all or nothing, and handed over whatever becomes of the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventbus.model import Archive
from eventbus.store import StorageError
from tests.eventbus_engine import BUS, SCOPE, Rig, event, target


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = await Rig(tmp_path).start()
    yield made
    await made.engine.close()


async def test_of_an_acceptance_that_the_disk_refuses_nothing_is_kept_or_delivered(rig: Rig) -> None:
    sender = rig.sender()
    await rig.rule(target())
    pages = (await rig.one("PRAGMA page_count"))[0]
    await rig.engine.store.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    with pytest.raises(StorageError, match="disk"):
        await rig.put(*(f"e{n}" for n in range(10)), size=50_000)
    assert await rig.one("SELECT count(*) FROM event") == (0,)
    await rig.engine.store.write(lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchone())
    await rig.put("later")
    await rig.until(lambda: rig.engine.lanes.pending == 0)
    assert sender.events == ["later"]


async def test_what_is_kept_is_delivered_even_if_the_caller_gives_up_meanwhile(rig: Rig) -> None:
    sender = rig.sender()
    await rig.rule(target())
    putting = asyncio.ensure_future(rig.put("e"))
    await asyncio.sleep(0)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await rig.until(lambda: sender.events == ["e"])


async def test_numbers_go_on_after_a_restart(rig: Rig) -> None:
    rig.sender()
    await rig.rule(target())
    await rig.put("a", "b")
    await rig.until(lambda: rig.engine.lanes.pending == 0)
    await rig.restart()
    await rig.put("c")
    assert await rig.one("SELECT max(seq), count(*) FROM event") == (3, 3)


async def test_an_archived_event_is_kept_with_it(rig: Rig) -> None:
    await rig.engine.catalogue.save(Archive(SCOPE.arn("archive/all"), "all", BUS, 0))
    await rig.put("e")
    assert (await rig.one("SELECT archive_arn, body FROM archived"))[0] == SCOPE.arn("archive/all")
    await rig.put("again", replay="r")
    assert await rig.one("SELECT count(*) FROM archived") == (1,)


async def test_a_closed_engine_refuses_events(rig: Rig) -> None:
    await rig.engine.close()
    with pytest.raises(StorageError, match="closed"):
        await rig.put("e")
    await rig.start()


async def test_a_close_lets_sends_under_way_end(rig: Rig) -> None:
    gate = asyncio.Event()
    sender = rig.sender(before=gate.wait)
    await rig.rule(target())
    await rig.put("e")
    await rig.until(lambda: sender.under_way == 1, turn=False)
    closing = asyncio.ensure_future(rig.engine.close())
    await asyncio.sleep(0)
    gate.set()
    await closing
    await rig.start()
    assert await rig.states() == {"e": [2]}


async def test_thousands_of_events_at_once_are_taken_in_order(rig: Rig) -> None:
    sender = rig.sender(batch=100, concurrency=1)
    await rig.rule(target())
    puts = [rig.engine.intake.accept([event(f"{n}-{m}", rig.time.now_ms()) for m in range(10)]) for n in range(150)]
    await asyncio.gather(*puts)
    await rig.until(lambda: rig.engine.lanes.pending == 0)
    assert sender.events == [f"{n}-{m}" for n in range(150) for m in range(10)]

"""Whatever targets answer and however often the bus crashes, each delivery comes to exactly one end."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus.model import Event
from eventbus.ports import DELIVERED, Outcome
from tests.eventbus_engine import Rig, dead_letters, policy, target

DELIVERED_STATE, DEAD_LETTERED, GIVEN_UP = 2, 3, 4
BUSY = Outcome("THROTTLING", "busy")
SLOW_DOWN = Outcome("THROTTLING", "slow down", retry_after_s=7.0)
REFUSED = Outcome("INVALID_PARAMETER", "refused", retry=False)

steps = st.lists(
    st.one_of(st.integers(1, 30).map(lambda count: ("put", count)), st.just(("crash", 0)), st.just(("turn", 0))),
    max_size=12,
)


class Moody:
    """Answers by chance, each kind as often as its weight says."""

    def __init__(self, seed: int, weights: tuple[int, int, int, int]) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - a test's own
        self._weights = weights

    def __call__(self, event: Event) -> Outcome:
        del event
        return self._rng.choices([DELIVERED, BUSY, SLOW_DOWN, REFUSED], self._weights)[0]


async def story(folder: Path, todo: list[tuple[str, int]], seed: int, weights: tuple[int, int, int, int]) -> None:
    rig = await Rig(folder, lane_events=8).start()
    one = rig.sender("one", answer=Moody(seed, weights), batch=3, concurrency=4)
    two = rig.sender("two", answer=Moody(seed + 1, weights))
    rig.senders.queue_answer = Moody(seed + 2, (5, 2, 1, 1))
    await rig.rule(target("one", "a", **policy(2, 60), **dead_letters()), target("two", "b", **policy(4)))
    put: list[str] = []
    crashed = False
    for step, count in todo:
        if step == "put":
            ids = [f"e{len(put) + n}" for n in range(count)]
            put += ids
            await rig.put(*ids)
        elif step == "crash":
            crashed = True
            await rig.restart()
        else:
            rig.time.to_next_alarm()
            await asyncio.sleep(0)
    await rig.until(lambda: rig.engine.lanes.pending == 0)
    states = await rig.states()
    assert states.keys() == set(put)
    ends = Counter(state for each in states.values() for state in each)
    assert ends.total() == 2 * len(put)
    assert ends.keys() <= {DELIVERED_STATE, DEAD_LETTERED, GIVEN_UP}
    lanes = rig.engine.lanes.summaries()
    assert sum(lane["delivered"] for lane in lanes) == ends[DELIVERED_STATE]
    assert sum(lane["dead_lettered"] for lane in lanes) == ends[DEAD_LETTERED]
    assert sum(lane["given_up"] for lane in lanes) == ends[GIVEN_UP]
    assert set(one.events) | set(two.events) <= set(put)
    dead = Counter(event.id for _, event, _ in rig.senders.dead)
    assert dead.keys() >= {event_id for event_id, (a, _) in states.items() if a == DEAD_LETTERED}
    for event_id, (a, b) in states.items():
        assert event_id in one.events or a == DEAD_LETTERED or a == GIVEN_UP  # noqa: PLR1714 - each its own case
        assert event_id in two.events or b == GIVEN_UP
    if not crashed:
        assert max(Counter(one.events).values(), default=0) <= 3
        assert max(Counter(two.events).values(), default=0) <= 5
        assert all(count == 1 for count in dead.values())
    await rig.engine.close()


@settings(max_examples=30, deadline=None)
@given(steps, st.integers(0, 10_000), st.tuples(*[st.integers(1, 5)] * 4))
def test_each_delivery_comes_to_exactly_one_end(
    todo: list[tuple[str, int]], seed: int, weights: tuple[int, int, int, int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder), todo, seed, weights))

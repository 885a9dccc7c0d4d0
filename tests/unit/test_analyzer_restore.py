"""Reading card states back, and whether they are of the transactions that the broker has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from aiokafka import TopicPartition

from analyzer.core.window import CardWindow
from analyzer.ports import Written
from analyzer.restore import Restorer
from analyzer.stage import CARDS
from analyzer.states import WindowStates
from analyzer.wire import StateCodec
from schemas.codec import Decoder, Encoder
from schemas.errors import UserError
from schemas.registry import FakeRegistry
from schemas.topics import CARDS_CHANGELOG, TRANSACTIONS


@dataclass
class ClientFake:
    """A consumer of a broker that has these records, and reports these ends one after the other."""

    records: dict[str, list[Any]] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)
    assigned: set[TopicPartition] = field(default_factory=set)
    sought: dict[TopicPartition, int] = field(default_factory=dict)
    stopped: bool = False

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        self.stopped = True

    def assign(self, tps: Any) -> None:
        self.assigned = set(tps)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.sought[tp] = offset

    async def getmany(self, *_: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        await asyncio.sleep(0)
        assert timeout_ms > 0
        return {tp: self.records.pop(tp.topic) for tp in self.assigned if tp.topic in self.records}

    async def position(self, _: TopicPartition) -> int:
        return 0

    def highwater(self, tp: TopicPartition) -> int | None:
        if tp.topic == CARDS_CHANGELOG:
            return 0
        return self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]


def codec() -> StateCodec:
    registry = FakeRegistry()
    encoder = Encoder.registered("card_state", CARDS_CHANGELOG, registry)
    return StateCodec(encoder, Decoder(registry, reader="card_state", logical_types=False))


def state(value: bytes, offset: int = 17, key: bytes = b"card") -> Any:
    return SimpleNamespace(topic=CARDS_CHANGELOG, partition=3, offset=offset, key=key, value=value)


def restorer(client: ClientFake, *applied: int, patience_s: float = 0.0) -> Restorer:
    states = WindowStates(codec())
    for number, offset in enumerate(applied):
        states.restored(3, f"card-{number}".encode(), states.codec.encode(CardWindow(applied_offset=offset)))
    return Restorer(lambda: cast("Any", client), CARDS, states, patience_s)


@pytest.mark.parametrize("broken", [state(b"hello"), state(codec().encode(CardWindow()), key=b"\xff")])
async def test_a_card_state_that_cannot_be_read_is_named_with_the_remedy(broken: Any) -> None:
    client = ClientFake({CARDS_CHANGELOG: [broken]})
    with pytest.raises(UserError) as raised:
        await restorer(client).restore([3])
    assert str(raised.value).startswith(
        "analyzer-cards-changelog, partition 3, offset 17 is not a card state that can be read: "
    )
    assert str(raised.value).endswith(
        "Register the schemas in the registry it was written with (`python -m schemas register`),"
        " or delete that topic and reset the group cardwatch-analyzer"
    )
    assert client.stopped


@pytest.mark.parametrize(("position", "applied"), [(9, (3, 4)), (2, (3, 8))])
async def test_positions_and_states_beyond_the_end_stop_the_worker_with_the_remedy(
    position: int, applied: tuple[int, ...]
) -> None:
    client = ClientFake(ends=[8])
    with pytest.raises(UserError) as raised:
        await restorer(client, *applied).check({3: position})
    assert str(raised.value) == (
        f"transactions, partition 3 ends at offset 8, but the group cardwatch-analyzer is at {position} and card states"
        f" reach to {applied[-1]}: was the topic made anew? Restore it, or delete analyzer-cards-changelog and reset"
        " the group"
    )
    assert client.stopped


async def test_positions_and_states_up_to_the_end_are_right() -> None:
    client = ClientFake(ends=[9])
    await restorer(client, 3, 8).check({3: 9})
    assert client.sought == {TopicPartition(TRANSACTIONS, 3): 9}


async def test_an_end_that_lies_too_low_for_a_moment_is_asked_for_again() -> None:
    client = ClientFake(ends=[4, 4, 9])
    await restorer(client, 8, patience_s=30).check({3: 9})
    assert client.ends == [9]


BY_US: Final = (Written(CARDS_CHANGELOG, 3, 0, 2), Written(CARDS_CHANGELOG, 3, 2, 1))


@pytest.mark.parametrize(
    ("written", "read_from"),
    [
        ((), 0),
        (BY_US, 3),
        ((*BY_US, Written(CARDS_CHANGELOG, 3, 4, 1)), 3),
        ((Written(CARDS_CHANGELOG, 3, 1, 2), Written(CARDS_CHANGELOG, 3, 3, 1)), 0),
        ((Written(CARDS_CHANGELOG, 5, 0, 1),), 0),
    ],
    ids=["nothing", "all", "up to what another wrote", "after what another wrote", "of another partition"],
)
async def test_what_a_worker_has_written_itself_is_not_read_again(written: Sequence[Written], read_from: int) -> None:
    client = ClientFake({})
    reads = restorer(client)
    await reads.restore([3])
    reads.wrote(written)
    await reads.restore([3])
    assert client.sought == {TopicPartition(CARDS_CHANGELOG, 3): read_from}


async def test_after_its_states_were_dropped_a_partition_is_read_from_the_beginning_whatever_was_written() -> None:
    client = ClientFake({})
    reads = restorer(client)
    await reads.restore([3])
    reads.read_anew([3])
    reads.wrote(BY_US)
    await reads.restore([3])
    assert client.sought == {}


async def test_a_group_at_the_very_beginning_has_nothing_to_check() -> None:
    client = ClientFake()
    await restorer(client).check({3: 0})
    assert client.assigned == set()

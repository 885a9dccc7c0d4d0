"""Where Faust's consumer reads, as the worker tells it to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from aiokafka.errors import IllegalStateError
from faust.types import TP

from analyzer.engine import FaustPositions
from schemas.topics import TRANSACTIONS


class ConsumerFake:
    """Has partition 1 alone, committed up to 5."""

    def __init__(self) -> None:
        self.sought: list[tuple[TP, int]] = []

    async def seek_to_committed(self) -> dict[TP, int]:
        return {TP("transactions", 1): 5}

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 2)

    async def seek(self, tp: TP, offset: int) -> None:
        self.check(tp)
        self.sought.append((tp, offset))

    async def position(self, tp: TP) -> int:
        self.check(tp)
        return 9

    def check(self, tp: TP) -> None:
        if tp.partition != 1:
            raise IllegalStateError(f"No current assignment for partition {tp}")


def positions(consumer: ConsumerFake) -> FaustPositions:
    return FaustPositions(cast("Any", SimpleNamespace(consumer=consumer)), TRANSACTIONS)


async def test_a_partition_is_read_from_what_the_group_has_committed() -> None:
    consumer = ConsumerFake()
    assert await positions(consumer).begin([1]) == {1: 5}
    assert consumer.sought == [(TP("transactions", 1), 5)]


async def test_a_partition_taken_away_before_it_began_leaves_the_rest_to_the_next_assignment() -> None:
    assert await positions(ConsumerFake()).begin([1, 2]) is None


async def test_a_partition_taken_away_meanwhile_is_neither_sought_nor_has_a_position() -> None:
    consumer = ConsumerFake()
    await positions(consumer).seek(2, 7)
    assert consumer.sought == []
    assert await positions(consumer).position(2) is None
    assert await positions(consumer).position(1) == 9

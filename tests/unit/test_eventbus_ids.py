"""Ids are UUIDs of version 4, none twice."""

from __future__ import annotations

import uuid

from eventbus.ids import Ids


def test_ids_are_random_uuids_and_none_comes_twice() -> None:
    ids = Ids()
    made = [ids.new() for _ in range(5_000)]
    assert len(set(made)) == len(made)
    for each in made[:300]:
        parsed = uuid.UUID(each)
        assert str(parsed) == each
        assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)


def test_the_system_is_asked_once_for_many() -> None:
    asked: list[int] = []

    def draw(count: int) -> bytes:
        asked.append(count)
        return bytes(range(256)) * (count // 256)

    ids = Ids(draw)
    made = [ids.new() for _ in range(17)]
    assert len(asked) == 1
    assert made[0] == "00010203-0405-4607-8809-0a0b0c0d0e0f"
    assert made[16] == made[0]

"""Card states in arrays: what is put is read again, as window and as bytes; memory follows what is remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.batch.pack import whole, wholes
from analyzer.batch.shelf import Shelf
from analyzer.batch.store import CardStore
from analyzer.core.model import DAY_MS
from analyzer.core.window import CardWindow
from analyzer.wire import checked
from schemas.errors import BadRecordError
from tests.analyzer_input import NOON_MS, judge, record, sight
from tests.batch_input import columns_of
from tests.batch_peer import Batched, state_codec
from tests.card_windows import WINDOWS


def shelved() -> tuple[CardStore, Shelf]:
    """Return a store, and the shelf of a partition in it."""
    store = CardStore(state_codec())
    return store, Shelf(store, 0)


@settings(max_examples=12, deadline=None)
@given(st.lists(WINDOWS, min_size=1, max_size=20))
def test_what_is_put_is_read_again_as_a_window_and_as_bytes(windows: list[CardWindow]) -> None:
    store, shelf = shelved()
    codec = store.codec
    slots = [shelf.slot(b"card-%d" % at) for at in range(len(windows))]
    for slot, window in zip(slots, windows, strict=True):
        store.put(slot, CardWindow(applied_offset=5))
        store.put(slot, window)
    assert [store.window(slot) for slot in slots] == windows
    assert [codec.decode(value) for value in store.encode_all(slots)] == windows
    assert [store.encode(slot) for slot in slots] == store.encode_all(slots)
    again, other = shelved()
    for slot in slots:
        other.restore(store.card_id(slot), store.encode(slot))
    assert [again.window(other.slot(store.card_id(slot))) for slot in slots] == windows


@given(st.lists(st.integers(-1, 2**61), min_size=1, max_size=40))
def test_whole_numbers_are_written_alike_one_by_one_and_together(numbers: list[int]) -> None:
    assert wholes(np.array(numbers, np.int64)) == [whole(number) for number in numbers]


def test_a_state_from_the_changelog_stays_as_it_is_until_its_card_is_touched() -> None:
    store, shelf = shelved()
    value = store.codec.encode(CardWindow(applied_offset=7, judged=3))
    shelf.restore(b"card-1", b"not a state")
    shelf.restore(b"card-1", value)
    assert (len(shelf), list(shelf.card_ids()), store.dirty()) == (1, [b"card-1"], [])
    assert shelf.value(b"card-1") is value
    assert (shelf.applied_offset(b"card-1"), shelf.applied_offset(b"card-2")) == (7, -1)
    slot = shelf.slot(b"card-1")
    assert store.window(slot).judged == 3
    assert (len(shelf), shelf.applied_offset(b"card-1"), store.dirty()) == (1, 7, [])


def test_a_newer_state_from_the_changelog_takes_the_place_of_one_in_use() -> None:
    store, shelf = shelved()
    codec = store.codec
    slot = shelf.slot(b"card-1")
    store.put(slot, CardWindow(applied_offset=1))
    shelf.restore(b"card-1", codec.encode(CardWindow(applied_offset=2)))
    assert (store.window(slot).applied_offset, store.dirty(), len(shelf)) == (2, [], 1)


def test_a_card_whose_state_cannot_be_read_is_none_that_is_known() -> None:
    _, shelf = shelved()
    shelf.restore(b"card-1", b"not a state")
    with pytest.raises(BadRecordError):
        shelf.slot(b"card-1")
    assert list(shelf.card_ids()) == [b"card-1"]


def batch(offset: int, *changes: dict[str, Any]) -> tuple[Any, Any]:
    ones = [checked(record(transactionId=f"t-{offset}-{at}") | change) for at, change in enumerate(changes)]
    return columns_of(ones, offset), ones


def test_what_changed_is_dirty_until_it_is_cleaned() -> None:
    batched = Batched(judge(), sight())
    batched.take(*batch(0, {"cardId": "a"}, {"cardId": "b"}))
    store = batched.store
    assert [store.card_id(slot) for slot in store.dirty()] == [b"a", b"b"]
    store.clean(store.dirty())
    batched.take(*batch(2, {"cardId": "b"}))
    assert [store.card_id(slot) for slot in store.dirty()] == [b"b"]
    store.clean(store.dirty())
    batched.take(*batch(2, {"cardId": "b"}))
    assert store.dirty() == [], "it was read again: nothing changed"


def test_memory_follows_what_is_remembered_not_what_was_judged() -> None:
    batched = Batched(replace(judge(), rules=()), None)
    for day in range(50):
        uses = [{"cardId": f"card-{card}", "eventTime": NOON_MS + day * 2 * DAY_MS + card} for card in range(200)]
        batched.take(*batch(day * 200, *uses))
    assert batched.store.log.used == 200

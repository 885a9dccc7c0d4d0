"""Cold states read many at once: the same cards as one by one, and nothing is taken for a state that is none."""

from __future__ import annotations

import json
import random
from io import BytesIO

import fastavro
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analyzer.batch.cards import Cards
from analyzer.batch.log import Fresh
from analyzer.batch.shelf import FEW, Shelf, warm
from analyzer.batch.store import CardStore
from analyzer.batch.unpack import unpack
from analyzer.batch.windows import fits
from analyzer.core.model import Place, RecentTransaction
from analyzer.core.window import CardWindow, Country, Device, Flag, Habit
from analyzer.wire import StateCodec
from schemas.codec import Record, definition, without_logical_types
from schemas.errors import BadRecordError
from tests.batch_peer import state_codec
from tests.card_windows import WINDOWS

SCHEMA = json.loads(definition("card_state"))
FULL = CardWindow(
    applied_offset=70_000,
    judged=300,
    flagged=2,
    habit=Habit(200, 7.5, 0.25),
    countries=(Country("PT", 1), Country("ES", 2)),
    devices=(Device("dev-1", 1, Habit(3, 7.0, 0.5)), Device("Grüße", 2, Habit(1, 8.0, 0.0))),
    flags=(Flag("t-1", 5, "dev-1", "PT"), Flag("t-2", 6, None, "ES")),
)


def framed(codec: StateCodec, record: Record) -> bytes:
    """Return any record of the schema as the bytes of a state."""
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(without_logical_types(SCHEMA)), record)
    return codec.header + out.getvalue()


def name(at: int) -> bytes:
    return b"card-%d" % at


def thawed(values: list[bytes], partitions: int = 1) -> tuple[CardStore, list[int]]:
    """Return a store with these states, read at once, and the slot of each."""
    store = CardStore(state_codec())
    shelves = [Shelf(store, number) for number in range(partitions)]
    for at, value in enumerate(values):
        shelves[at % partitions].restore(name(at), value)
    names = list(map(name, range(len(values))))
    warm(store, [(shelf, names[number::partitions]) for number, shelf in enumerate(shelves)])
    return store, [shelves[at % partitions].slot(one) for at, one in enumerate(names)]


def in_arrays(store: CardStore, slot: int) -> list[object]:
    """Return all that is in the arrays of a card, which the judge looks at instead of its window."""
    entries = store.log.chain(int(store.cards.newest[slot]))
    columns = [getattr(store.log, column)[entries].tolist() for column in Fresh._fields]
    names = [one for one in Cards.__annotations__ if one not in {"newest", "_NEW"}]
    return [*columns, *(getattr(store.cards, one)[slot] for one in names)]


def put(window: CardWindow) -> list[object]:
    """Return the same of a window that is put into a store by itself."""
    store = CardStore(state_codec())
    return in_arrays(store, store.take(0, b"card", window))


@settings(max_examples=30, deadline=None)
@given(st.lists(WINDOWS, min_size=1, max_size=8), st.integers(1, 3))
def test_states_that_are_read_at_once_are_the_windows_they_were(windows: list[CardWindow], partitions: int) -> None:
    windows = [windows[at % len(windows)] for at in range(FEW + len(windows))]
    values = list(map(state_codec().encode, windows))
    store, slots = thawed(values, partitions)
    assert list(map(store.window, slots)) == windows
    assert store.encode_all(slots) == values
    assert store.dirty() == []
    assert list(map(in_arrays, [store] * len(slots), slots)) == [put(window) for window in windows]
    assert store.log.used == sum(len(window.recent) for window in windows if fits(window))


@given(st.lists(WINDOWS, min_size=1, max_size=8))
def test_whatever_fits_into_the_arrays_is_read_without_fastavro(windows: list[CardWindow]) -> None:
    codec = state_codec()
    plain = unpack(codec.header, list(map(codec.encode, windows))).plain.tolist()
    assert plain == [fits(window) and window.applied_offset < 2**55 for window in windows]


@settings(deadline=None)
@given(st.lists(WINDOWS, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_a_broken_state_is_never_read_as_another_one(windows: list[CardWindow], rng: random.Random) -> None:
    codec = state_codec()
    values = list(map(codec.encode, windows))
    broken = bytearray(values[0])
    at = rng.randrange(len(codec.header), len(broken))
    broken[at : at + rng.choice([0, 1, 3])] = rng.randbytes(rng.choice([0, 1, 2, 9]))
    assume(bytes(broken) != values[0])
    found = unpack(codec.header, [bytes(broken), *values[1:]])
    if found.plain[0]:  # it is a state still, and must be the one that fastavro reads
        store, slots = thawed([bytes(broken)] * (FEW + 1))
        assert store.encode(slots[0]) == codec.encode(codec.decode(bytes(broken)))


@pytest.mark.parametrize("length", range(len(state_codec().encode(FULL))))
def test_a_state_that_ends_early_is_told_from_one_that_does_not(length: int) -> None:
    codec = state_codec()
    value = codec.encode(FULL)
    assert unpack(codec.header, [value[:length], value]).plain.tolist() == [False, True]
    assert unpack(codec.header, [value, value[:length]]).plain.tolist() == [True, False]


def test_what_is_no_text_is_left_to_fastavro_which_refuses_it() -> None:
    codec = state_codec()
    value = codec.encode(FULL).replace("Grüße".encode(), b"Gr\xff\xff\xdf\xdfe")
    assert not unpack(codec.header, [value]).plain[0]
    with pytest.raises(BadRecordError):
        codec.decode(value)


@pytest.mark.parametrize(
    "change",
    [{"countriesSince": []}, {"countriesSince": [1]}, {"devicesSince": []}, {"devicesAmounts": []}],
    ids=lambda change: str(*change),
)
def test_what_an_older_state_does_not_know_is_unknown(change: dict[str, list[int]]) -> None:
    codec = state_codec()
    value = framed(codec, codec.record(FULL) | change)
    store, slots = thawed([value] * (FEW + 1))
    assert [store.window(slot) for slot in slots] == [codec.decode(value)] * (FEW + 1)


def test_half_a_place_is_none() -> None:
    codec = state_codec()
    place = Place(38.7, -9.1)
    recent = RecentTransaction("t-1", 5, 100, "mer-1", "5411", "PT", place, card_present=True, approved=True)
    record = codec.record(FULL._replace(recent=(recent,)))
    record["recent"][0]["longitude"] = None
    store, slots = thawed([framed(codec, record)] * (FEW + 1))
    assert [one.place for one in store.window(slots[0]).recent] == [None]
    assert in_arrays(store, slots[0]) == put(FULL._replace(recent=(recent._replace(place=None),)))


def test_a_character_is_not_put_together_from_two_strings() -> None:
    codec = state_codec()
    devices = (Device("GAx", 1, Habit(1, 8.0, 0.0)), Device("yBA", 2, Habit(1, 8.0, 0.0)))
    value = codec.encode(FULL._replace(devices=devices))
    broken = value.replace(b"GAx", b"GA\xc3").replace(b"yBA", b"\xbcBA")
    assert unpack(codec.header, [value, broken]).plain.tolist() == [False, False]
    assert unpack(codec.header, [value]).plain.tolist() == [True]


def test_a_number_in_more_bytes_than_it_needs_is_left_to_fastavro() -> None:
    codec = state_codec()
    value, at = codec.encode(FULL), len(codec.header)
    longer = value[: at + 2] + bytes([value[at + 2] | 0x80, 0]) + value[at + 3 :]
    assert codec.decode(longer) == FULL
    assert unpack(codec.header, [longer, value]).plain.tolist() == [False, True]


def test_the_deepest_of_many_states_is_left_to_fastavro() -> None:
    codec = state_codec()
    other = codec.encode(FULL._replace(flags=FULL.flags[:1]))
    assert unpack(codec.header, [codec.encode(FULL)] * 4 + [other] * 9, 4).plain.tolist() == [True] * 13
    assert unpack(codec.header, [codec.encode(FULL)] * 3 + [other] * 9, 4).plain.tolist() == [False] * 3 + [True] * 9


def test_more_times_than_devices_are_no_state() -> None:
    codec = state_codec()
    value = framed(codec, codec.record(FULL) | {"devicesSince": [1, 2, 3]})
    assert not unpack(codec.header, [value]).plain[0]
    with pytest.raises(BadRecordError, match="3 values for 2 names"):
        codec.decode(value)


def test_a_state_of_another_version_of_the_schema_does_not_slow_the_others_down() -> None:
    codec = state_codec()
    value = codec.encode(FULL)
    other = value[:2] + bytes(16) + b"\xff" * 40
    assert unpack(codec.header, [other, value]).plain.tolist() == [False, True]


def test_one_state_that_cannot_be_read_leaves_all_cards_cold() -> None:
    store = CardStore(state_codec())
    shelf = Shelf(store, 0)
    names = list(map(name, range(FEW + 1)))
    for one in names:
        shelf.restore(one, store.codec.encode(FULL))
    shelf.restore(names[3], store.codec.encode(FULL)[:-1])
    with pytest.raises(BadRecordError):
        warm(store, [(shelf, names)])
    assert (len(store), sorted(shelf.card_ids()), store.log.used) == (0, sorted(names), 0)


def test_a_card_that_comes_up_twice_at_once_has_one_slot() -> None:
    store = CardStore(state_codec())
    shelf = Shelf(store, 0)
    names = list(map(name, range(FEW + 1)))
    for one in names:
        shelf.restore(one, store.codec.encode(FULL))
    warm(store, [(shelf, names), (shelf, [*reversed(names), b"unknown"])])
    assert (len(store), len(shelf)) == (len(names), len(names))
    assert len(np.unique(shelf.slots(names))) == len(names)


def test_more_than_the_arrays_hold_is_kept_apart() -> None:
    codec = state_codec()
    many = CardWindow(countries=tuple(Country(f"{a}{b}", 1) for a in "ABCDEF" for b in "ABCDEF"))
    store, slots = thawed([codec.encode(many), *[codec.encode(FULL)] * FEW])
    assert (slots[0] in store.apart, store.window(slots[0]), store.window(slots[1])) == (True, many, FULL)

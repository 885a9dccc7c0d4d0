"""States in memory: what is newest, what is written, and what is forgotten."""

from __future__ import annotations

import zlib

import pytest

from analyzer.core.terminal import TerminalWindow
from analyzer.core.window import CardWindow
from analyzer.ports import State
from analyzer.states import WindowStates
from analyzer.terminal_wire import TerminalCodec
from analyzer.wire import StateCodec
from schemas.codec import Decoder, Encoder
from schemas.errors import BadRecordError, UserError
from schemas.registry import FakeRegistry
from schemas.topics import CARDS_CHANGELOG, TERMINALS_CHANGELOG


def codec() -> StateCodec:
    registry = FakeRegistry()
    encoder = Encoder.registered("card_state", CARDS_CHANGELOG, registry)
    return StateCodec(encoder, Decoder(registry, reader="card_state", logical_types=False))


CODEC = codec()


def window(offset: int) -> CardWindow:
    return CardWindow(applied_offset=offset, judged=offset + 1)


def states(live: int = 100) -> WindowStates[CardWindow]:
    return WindowStates(CODEC, live)


def restored(one: WindowStates[CardWindow], *offsets: int, partition: int = 3, card: str = "card") -> None:
    for offset in offsets:
        one.restored(partition, card.encode(), CODEC.encode(window(offset)))


def test_of_two_states_in_the_changelog_the_one_with_the_higher_offset_stays() -> None:
    one = states()
    restored(one, 4, 7, 5)
    assert one.window(3, "card") == window(7)
    assert one.applied_offset(3) == 7


def test_a_state_that_an_older_one_follows_is_outlived_until_it_is_written_again() -> None:
    one = states()
    for card, offsets in {"outlived": (4, 7, 5), "overtaken": (4, 7, 5, 9), "in order": (1, 2, 2)}.items():
        restored(one, *offsets, card=card)
    found = one.outlived()
    assert list(found) == [State(3, b"outlived", CODEC.encode(window(7)))]
    found.written()
    assert len(one.outlived()) == 0


def test_a_card_on_two_partitions_has_two_states() -> None:
    one = states()
    restored(one, 7)
    assert one.window(4, "card") == CardWindow()


def test_partitions_that_are_taken_away_are_forgotten() -> None:
    one = states()
    restored(one, 7)
    restored(one, 8, partition=4)
    one.judged(3, "other", window(9))
    one.keep([4])
    assert one.window(3, "card") == one.window(3, "other") == CardWindow()
    assert one.count() == 1
    assert len(one.snapshot()) == 0


def test_a_snapshot_holds_what_changed_since_the_last_as_it_was_then() -> None:
    one = states()
    one.judged(3, "card", window(0))
    one.judged(3, "other", window(1))
    first = one.snapshot()
    one.judged(3, "card", window(2))
    assert [CODEC.decode(state.value) for state in first] == [window(0), window(1)]
    first.written()
    assert one.window(3, "card") == window(2)
    assert (one.count(), one.applied_offset(3)) == (2, 1)
    assert [CODEC.decode(state.value) for state in one.snapshot()] == [window(2)]
    assert len(one.snapshot()) == 0


def test_what_is_written_after_its_partition_was_dropped_is_passed_over() -> None:
    one = states()
    one.judged(3, "card", window(0))
    late = one.snapshot()
    assert len(list(late)) == 1
    one.drop(3)
    late.written()
    assert one.count() == 0
    one.judged(3, "card", window(1))
    again = one.snapshot()
    late.written()
    assert (len(list(again)), one.count()) == (1, 0)


def test_windows_that_are_not_in_use_become_bytes_and_those_that_changed_stay() -> None:
    one = states(live=2)
    for number in range(5):
        one.judged(3, f"card-{number}", window(number))
    assert {one.window(3, f"card-{number}").judged for number in range(5)} == {1, 2, 3, 4, 5}
    snapshot = one.snapshot()
    assert len(list(snapshot)) == 5
    snapshot.written()
    for number in range(5):
        assert one.window(3, f"card-{number}") == window(number)
    assert len(one._live) == 2


def test_a_newer_state_from_the_changelog_replaces_the_window_in_memory() -> None:
    one = states()
    restored(one, 4)
    assert one.window(3, "card") == window(4)
    restored(one, 4, 6)
    assert one.window(3, "card") == window(6)


def test_what_is_no_state_is_refused_when_it_is_restored_or_at_the_latest_when_it_is_used() -> None:
    one = states()
    with pytest.raises(BadRecordError):
        one.restored(3, b"card", b"hello")
    one.restored(3, b"card", CODEC.encode(window(5))[:-3])
    with pytest.raises(UserError, match="state of partition 3, written after offset 5, can't be read"):
        one.window(3, "card")


@pytest.mark.parametrize("offset", [-1, 0, 1, 63, 64, 127, 128, 300, 2**31, 2**62, -(2**62)])
def test_the_applied_offset_is_read_without_the_rest(offset: int) -> None:
    value = CODEC.encode(window(offset))
    assert CODEC.applied_offset(value) == codec().applied_offset(value[:28]) == offset


def test_the_applied_offset_of_a_compressed_state_is_decoded() -> None:
    value = CODEC.encode(window(7))
    assert CODEC.applied_offset(value[:1] + bytes((5,)) + value[2:18] + zlib.compress(value[18:])) == 7


@pytest.mark.parametrize("broken", [b"", b"hello", b"\x03\x00short", b"\x03\x00" + bytes(16)])
def test_what_is_no_state_has_no_applied_offset(broken: bytes) -> None:
    with pytest.raises(BadRecordError):
        CODEC.applied_offset(broken)


def test_a_state_of_something_else_has_no_applied_offset() -> None:
    registry = FakeRegistry()
    cards = StateCodec(
        Encoder.registered("card_state", CARDS_CHANGELOG, registry),
        Decoder(registry, reader="card_state", logical_types=False),
    )
    terminals = TerminalCodec(
        Encoder.registered("terminal_state", TERMINALS_CHANGELOG, registry),
        Decoder(registry, reader="terminal_state", logical_types=False),
    )
    with pytest.raises(BadRecordError):
        cards.applied_offset(terminals.encode(TerminalWindow()))

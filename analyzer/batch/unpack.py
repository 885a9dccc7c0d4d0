"""Card states read by columns, many at once: back from the bytes that `pack` makes.

Every field of card_state.avsc stands here in the order of the schema, as there. What is not plain is left to fastavro:
a state of another version of the schema, and one that is broken or out of the ordinary anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch.buffer import Buffer, beyond, octets, padded, signed, value
from analyzer.batch.cards import NEVER
from analyzer.batch.columns import BoolArray, CodeArray, FloatArray, IntArray
from analyzer.batch.cut import cut, slices
from analyzer.batch.log import APPROVED, PLACED, PRESENT, Fresh, objects
from analyzer.batch.shapes import letters
from analyzer.batch.text import is_text
from analyzer.batch.walk import ALL, WORD
from analyzer.batch.windows import LARGEST, MOST_NAMES, MOST_REMEMBERED
from analyzer.core.window import MAX_FLAGS

COUNTERS: Final = ("judged", "flagged", "late", "duplicate", "sighted", "count")
_EVERY: Final = slice(None)
_SECOND: Final = 2
"""The second branch of a union."""
_TWO_LETTERS: Final = np.uint64(4)
_NOT_ASCII: Final = np.uint64(0x808000)

Which = slice | IntArray
Columns = tuple[NDArray[Any], ...]


class Items(NamedTuple):
    """What stands at one place of an array field of m cards, each of which has so many items."""

    card: IntArray
    """(m,) index of the card."""

    columns: Columns
    """(m,) each."""


@dataclass(frozen=True, slots=True, eq=False)
class Unpacked:
    """n states; nothing here means anything where `plain` is False."""

    plain: BoolArray
    """(n,)"""

    numbers: dict[str, NDArray[Any]]
    """(n,) by the name of the array in `Cards`."""

    countries: list[Items]
    """The first of each card, then the second, ...: codes, and since when."""

    devices: list[Items]
    """The same: names (UTF-8), since when, and how many approved amounts, their mean and m2."""

    recent: list[Items]
    """Oldest first: columns of `Fresh`."""

    flags: list[Items]
    """In order of arrival: transactions (UTF-8), event times, devices (UTF-8, None for none), countries (UTF-8)."""


@dataclass(slots=True, eq=False)
class _Places:
    """n places in a buffer, one in each state, that move on over the fields; none goes far beyond the last state."""

    buffer: Buffer
    at: IntArray
    plain: BoolArray
    few: int
    """A further item of fewer states than that is left to fastavro, with all of them."""
    strings: list[tuple[IntArray, IntArray, IntArray]] = field(default_factory=list)
    """In which states, where the last byte of a string's length stands, and where the string ends."""

    def doubt(self, which: Which, wrong: BoolArray) -> None:
        """Take note of who is not plain."""
        self.plain[which] &= ~wrong

    def move(self, which: Which, to: IntArray) -> None:
        """Go on; who leaves the last state can't come to stand at its end."""
        self.at[which] = np.minimum(to, self.buffer.size + 1)

    def whole(self, which: Which = _EVERY, least: int | None = None, most: int | None = None) -> IntArray:
        """Read a number."""
        at = self.at[which]
        word = self.buffer.words[at]
        mask = beyond(word)
        found = signed(value(word, mask))
        wrong = (mask == ALL) | padded(word, mask)
        if least is not None:
            wrong |= found < least
        if most is not None:
            wrong |= found > most
        self.doubt(which, wrong)
        self.move(which, at + octets(mask))
        return found

    def double(self, which: Which = _EVERY) -> FloatArray:
        """Read a double."""
        at = self.at[which]
        found = self.buffer.words[at].view(np.float64)
        self.move(which, at + WORD)
        return found

    def octet(self, which: Which, *allowed: int) -> NDArray[np.uint8]:
        """Read a byte that may be one of two."""
        at = self.at[which]
        found = self.buffer.octets[at]
        self.doubt(which, (found != allowed[0]) & (found != allowed[-1]))
        self.move(which, at + 1)
        return found

    def string(self, which: IntArray) -> tuple[IntArray, IntArray]:
        """Step over a string; return where it begins and ends."""
        size = self.whole(which, least=0)
        begin = self.at[which]
        self.move(which, begin + np.clip(size, 0, self.buffer.size))
        end = self.at[which]
        self.strings.append((which, begin - 1, end))
        return begin, end

    def country(self, which: IntArray) -> CodeArray:
        """Read a string of two letters."""
        at = self.at[which]
        word = self.buffer.words[at]
        self.doubt(which, ((word & np.uint64(0xFF)) != _TWO_LETTERS) | ((word & _NOT_ASCII) != 0))
        self.move(which, at + 3)
        return letters(word)

    def optional(self, which: IntArray) -> tuple[BoolArray, FloatArray]:
        """Read a double or null, which is 0."""
        there = self.octet(which, 0, 2) == _SECOND
        found = np.zeros(len(which))
        found[there] = self.double(which[there])
        return there, found

    def each(self, most: int) -> Iterator[IntArray]:
        """Step over an array in one block: yield who has a first item, which must be read then, then a second, ..."""
        count = self.whole(least=0, most=most) * self.plain
        for number in range(count.max(initial=0)):
            which = np.flatnonzero(count > number)
            if len(which) < self.few:
                self.plain[which] = False
                break
            yield which
        self.octet(np.flatnonzero(count), 0)

    def end(self, ends: IntArray) -> None:
        """Take note of who is not at its end, and of all if any string is no text."""
        self.doubt(_EVERY, self.at != ends)
        kept = [(begin[self.plain[which]], end[self.plain[which]]) for which, begin, end in self.strings]
        if kept:
            begins, until = (np.concatenate(one) for one in zip(*kept, strict=True))
            # A length's last byte stands alone in UTF-8: what one string lacks, the next can't give.
            self.plain &= is_text(cut(self.buffer.octets, [begins], [until])[0])


def unpack(header: bytes, values: Sequence[bytes], few: int = 1) -> Unpacked:
    """Return framed states by columns.

    Args:
        header: the framing of the schema's newest version.
        values: n states.
        few: states that have more items of something than all but fewer than that are not plain: another item costs
            as much for one state as for a hundred.
    """
    buffer = Buffer.of(list(values), 0)
    sizes = np.fromiter(map(len, values), np.int64, len(values))
    ends = np.cumsum(sizes)
    plain = np.fromiter((one.startswith(header) for one in values), np.bool_, len(values))
    places = _Places(buffer, np.minimum(ends - sizes + len(header), buffer.size + 1), plain, few)
    numbers: dict[str, NDArray[Any]] = {"applied_offset": places.whole(least=-1)}
    numbers |= {name: places.whole(least=0, most=LARGEST) for name in COUNTERS}
    numbers |= {name: places.double() for name in ("mean", "m2")}
    countries = [Items(which, (places.country(which),)) for which in places.each(MOST_NAMES)]
    devices = [Items(which, (_text(places, which),)) for which in places.each(MOST_NAMES)]
    recent = [Items(which, _remembered(places, which)) for which in places.each(MOST_REMEMBERED)]
    countries = _more(places, countries, _since)
    devices = _more(places, _more(places, devices, _since), _bought)
    numbers |= _silence(places)
    flags = [Items(which, _flagged(places, which)) for which in places.each(MAX_FLAGS)]
    places.end(ends)
    return Unpacked(plain, numbers, countries, devices, recent, flags)


def _text(places: _Places, which: IntArray) -> NDArray[np.object_]:
    return objects(slices(places.buffer.data, *places.string(which)))


def _more(places: _Places, named: list[Items], read: Callable[[_Places, IntArray], Columns]) -> list[Items]:
    """Read an array that must have an item for each name, and put its columns beside the names."""
    expected = np.bincount(
        np.concatenate([np.zeros(0, np.int64), *(one.card for one in named)]), minlength=len(places.at)
    )
    places.doubt(_EVERY, places.whole() != expected)
    found = [Items(one.card, (*one.columns, *read(places, one.card))) for one in named]
    places.octet(np.flatnonzero(expected), 0)
    return found


def _since(places: _Places, which: IntArray) -> Columns:
    return (places.whole(which, least=0),)


def _bought(places: _Places, which: IntArray) -> Columns:
    return places.whole(which, least=0, most=LARGEST), places.double(which), places.double(which)


def _silence(places: _Places) -> dict[str, NDArray[Any]]:
    some, found = np.flatnonzero(places.octet(_EVERY, 0, 2)), {}
    for name in ("silence_from_ms", "silence_until_ms"):
        found[name] = np.full(len(places.at), NEVER)
        found[name][some] = places.whole(some, least=0)
    return found


def _remembered(places: _Places, which: IntArray) -> Fresh:
    begin, data = places.at[which], places.buffer.data
    transaction = slices(data, *places.string(which))
    time, amount = places.whole(which, least=0), places.whole(which)
    for _ in ("merchantId", "merchantCategory", "country"):
        places.string(which)
    (placed, latitude), (also, longitude) = places.optional(which), places.optional(which)
    places.doubt(which, placed != also)
    present, approved = places.octet(which, 0, 1), places.octet(which, 0, 1)
    bits = (approved * np.uint8(APPROVED) + present * np.uint8(PRESENT) + placed * np.uint8(PLACED)).astype(np.uint8)
    id_hash = np.fromiter(map(hash, transaction), np.int64, len(transaction))
    body = objects(slices(data, begin, places.at[which]))
    return Fresh(time, amount, latitude, longitude, bits, id_hash, body)


def _flagged(places: _Places, which: IntArray) -> Columns:
    transaction, time = _text(places, which), places.whole(which, least=0)
    there = places.octet(which, 0, 2) == _SECOND
    device = objects([None] * len(which))
    device[there] = _text(places, which[there])
    return transaction, time, device, _text(places, which)

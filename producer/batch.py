"""Whole batches of transactions and labels on the wire: what `wire` makes of each, in a tenth of the time.

An Avro record is the bytes of its fields one after the other. What recurs (a card, a merchant, a place) is encoded
once and kept, numbers are encoded in arrays, and a record is a join of such parts. The order of the fields is that of
`transaction.avsc` and `label.avsc`; a test holds every byte to fastavro's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from producer.model import CURRENCY, Cardholder, Merchant
from producer.timeline import LABEL_DELAY_MS, Stretch
from schemas.codec import Encoder
from schemas.topics import LABELS, ORACLE, TRANSACTIONS

K = TypeVar("K")
T = TypeVar("T")
P = TypeVar("P")

MOST_KEPT: Final = 200_000
"""Parts of each kind that are kept; what comes later is encoded each time."""
_SEVEN_BITS: Final = 0x7F
_MORE: Final = 0x80
_NULL: Final = b"\x00"
_FALSE_TRUE: Final = (b"\x00", b"\x01")
_SOME_DOUBLE: Final = Struct("<bd")
_CARD_PRESENT, _CARD_NOT_PRESENT = b"\x00", b"\x02"


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels on the wire, in order of release. All sequences are of the same length."""

    keys: list[bytes]
    """Transaction ids."""
    values: list[bytes]
    release_ms: list[int]


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch on the wire: some transactions, and a label for each. All sequences are of the same length."""

    event_ms: list[int]
    keys: list[bytes]
    """Card ids."""
    values: list[bytes]
    labels: Labels
    oracle: dict[int, bytes]
    """By position, in order: the same label for the oracle's topic, where it is fraud."""


class Batches:
    """Encodes stretches."""

    def __init__(self, encoders: Mapping[str, Encoder]) -> None:
        """Take the framing of one encoder a topic."""
        self._headers = {topic: encoder.header for topic, encoder in encoders.items()}
        self._cards = Parts(_card)
        self._merchants = Parts(_merchant)
        self._devices = Kept(_device)
        self._places = Kept(_place)
        self._verdicts = Kept(_verdict)

    def encoded(self, stretch: Stretch) -> Batch:
        """Return the stretch on the wire."""
        event_ms, holders, amounts, merchants, devices, *places, approved = zip(*stretch.drafts, strict=True)
        ids, at = stretch.ids, np.array(event_ms, np.int64)
        moments, sums = longs(at), longs(np.array(amounts, np.int64))
        keys, cards, card_ids = zip(*self._cards.of(holders), strict=True)
        transactions = zip(
            _headed(self._headers[TRANSACTIONS], ids),
            cards,
            moments,
            sums,
            self._merchants.of(merchants),
            map(self._devices.__getitem__, devices),
            map(self._places.__getitem__, zip(*places, approved, strict=True)),
            strict=True,
        )
        release_ms = at + LABEL_DELAY_MS
        labels = zip(
            _headed(self._headers[LABELS], ids),
            card_ids,
            moments,
            sums,
            map(self._verdicts.__getitem__, stretch.scenarios),
            longs(release_ms),
            [_FALSE_TRUE[one] for one in approved],
            strict=True,
        )
        told = list(map(b"".join, labels))
        return Batch(
            event_ms=list(event_ms),
            keys=list(keys),
            values=list(map(b"".join, transactions)),
            labels=Labels(ids.tolist(), told, release_ms.tolist()),
            oracle=self._oracle(stretch.scenarios, told),
        )

    def _oracle(self, scenarios: Sequence[str | None], labels: Sequence[bytes]) -> dict[int, bytes]:
        after, header = len(self._headers[LABELS]), self._headers[ORACLE]
        return {i: header + labels[i][after:] for i, scenario in enumerate(scenarios) if scenario is not None}


class Kept(dict[K, bytes], Generic[K]):
    """Parts by what they are made of; one that is missing is made."""

    def __init__(self, make: Callable[[K], bytes]) -> None:
        """Keep what `make` returns."""
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> bytes:
        made = self._make(key)
        zeros = isinstance(key, tuple) and any(isinstance(part, float) and part == 0 for part in key)
        if not zeros and len(self) < MOST_KEPT:  # 0.0 and -0.0 are the same key and different bytes
            self[key] = made
        return made


class Parts(Generic[T, P]):
    """What is made of objects, found by their address: an object that is kept keeps its address for itself."""

    def __init__(self, make: Callable[[T], P]) -> None:
        """Keep what `make` returns."""
        self._make = make
        self._objects: list[T] = []
        self._made: dict[int, P] = {}

    def of(self, objects: Sequence[T]) -> list[P]:
        """Return what is made of each."""
        made = self._made
        try:
            return [made[id(one)] for one in objects]
        except KeyError:
            self._learn(objects)
            return [made[id(one)] for one in objects]

    def _learn(self, objects: Sequence[T]) -> None:
        if len(self._objects) > MOST_KEPT:
            self._objects.clear()
            self._made.clear()
        for one in objects:
            if id(one) not in self._made:
                self._objects.append(one)
                self._made[id(one)] = self._make(one)


def text(value: str) -> bytes:
    """Return Avro's form of a string: its length in bytes, then UTF-8."""
    encoded = value.encode()
    return long(len(encoded)) + encoded


def long(value: int) -> bytes:
    """Return Avro's form of an integer: zigzag, seven bits a byte, the lowest first."""
    left, form = value << 1 ^ value >> 63, bytearray()
    while left > _SEVEN_BITS:
        form.append(left & _SEVEN_BITS | _MORE)
        left >>= 7
    form.append(left)
    return bytes(form)


def longs(values: NDArray[np.int64]) -> list[bytes]:
    """Return the same for each of (n,) integers.

    Rows are padded with zeros, which numpy takes off again; the last byte of a form is zero for the number 0 alone.
    """
    if not len(values):
        return []
    zigzag = (values << 1 ^ values >> 63).view(np.uint64)
    width = max(1, -(-int(zigzag.max()).bit_length() // 7))
    left = zigzag[:, None] >> np.arange(0, 7 * width, 7, dtype=np.uint64)
    rows = (left & np.uint64(_SEVEN_BITS)).astype(np.uint8) | (left > np.uint64(_SEVEN_BITS)).view(np.uint8) << 7
    forms: list[bytes] = rows.view(f"S{width}").ravel().tolist()
    return forms if zigzag.all() else [form or b"\x00" for form in forms]


def _headed(header: bytes, ids: NDArray[np.bytes_]) -> list[bytes]:
    """Return the header and each id as the first field; no id ends in a zero byte."""
    made: list[bytes] = np.strings.add(header + long(ids.itemsize), ids).tolist()
    return made


def _card(holder: Cardholder) -> tuple[bytes, bytes, bytes]:
    """Return the key of its transactions, their first fields after the id, and the first field of its labels."""
    parts = [text(value) for value in (holder.card_id, holder.last_four, holder.user_id)]
    return holder.card_id.encode(), b"".join(parts), parts[0]


def _merchant(shop: Merchant) -> bytes:
    terminal = shop.terminal_id
    where = _NULL + _CARD_NOT_PRESENT if terminal is None else b"\x02" + text(terminal) + _CARD_PRESENT
    return b"".join(map(text, (CURRENCY, shop.merchant_id, shop.name, shop.mcc))) + where


def _device(device_id: str | None) -> bytes:
    return _NULL if device_id is None else b"\x02" + text(device_id)


def _place(key: tuple[str, float | None, float | None, bool]) -> bytes:
    country, latitude, longitude, approved = key
    return text(country) + _degrees(latitude) + _degrees(longitude) + _FALSE_TRUE[approved]


def _degrees(value: float | None) -> bytes:
    return _NULL if value is None else _SOME_DOUBLE.pack(2, value)


def _verdict(scenario: str | None) -> bytes:
    return text(CURRENCY) + (b"\x00\x00" if scenario is None else b"\x01\x02" + text(scenario))

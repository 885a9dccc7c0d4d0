"""Transactions of as many cards as one likes, made by the hundred thousand a second.

They are cut together from encoded samples: only transaction, card, device and time differ, and all are as long in every
record. One in a hundred has fifty times the amount of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from analyzer.batch.pack import whole
from schemas.codec import Encoder, Record

START_MS: Final = 1_767_225_600_000
"""2026-01-01."""
USES: Final = 2.5
"""Of a card in `REMEMBERED_MS`, in the mean."""
REMEMBERED_MS: Final = 25 * 3_600_000
"""A day, and the allowed lateness."""
AT_ONCE: Final = 100_000
_SAMPLES: Final = 256
_OUTLIERS: Final = 0.01
_TRANSACTION: Final = "00000000-0000-4000-8000-{:012x}"
_CARD: Final = "card_{:09d}"
_DEVICE: Final = "dev_{:09d}"


@dataclass(slots=True)
class Traffic:
    """Goes on where it stopped; the same seed makes the same records."""

    encoder: Encoder
    cards: int
    seed: int = 20_260_101
    made: int = 0
    seen: set[int] = field(default_factory=set)
    """Cards that have had a transaction; may be cleared."""

    def take(self, count: int, at_once: int = AT_ONCE) -> Iterator[list[tuple[bytes, bytes]]]:
        """Yield keys and values of so many more transactions, some at once, in order of event time."""
        rng = np.random.default_rng((self.seed, self.made))
        samples = _samples(self.encoder, rng)
        step_ms = REMEMBERED_MS / (USES * self.cards)
        for at in range(0, count, at_once):
            size = min(at_once, count - at)
            cards = self._cards(rng, size)
            which = rng.integers(0, len(samples), size).tolist()
            values = []
            for number, card, sample in zip(range(self.made, self.made + size), cards, which, strict=True):
                key = _CARD.format(card).encode()
                values.append((key, samples[sample].record(number, key, START_MS + int(number * step_ms))))
            self.made += size
            yield values

    def _cards(self, rng: np.random.Generator, size: int) -> list[int]:
        """Return whose transactions are next: each card's turn comes once, then they come at random."""
        fresh = min(size, max(0, self.cards - self.made))
        cards = [*range(self.made, self.made + fresh), *rng.integers(0, self.cards, size - fresh).tolist()]
        self.seen.update(cards)
        return cards


@dataclass(frozen=True, slots=True)
class Sample:
    """A record in pieces: what stands before, between and after that which differs."""

    pieces: tuple[bytes, bytes, bytes, bytes, bytes]
    """Around transaction, card, time and device; the last two are one without a device."""
    online: bool

    def record(self, number: int, card: bytes, time_ms: int) -> bytes:
        """Return transaction `number` of a card."""
        head, one, two, three, end = self.pieces
        device = _DEVICE.format(int(card[5:])).encode() if self.online else b""
        return b"".join(
            (head, _TRANSACTION.format(number).encode(), one, card, two, whole(time_ms), three, device, end)
        )


def _samples(encoder: Encoder, rng: np.random.Generator) -> list[Sample]:
    amounts = np.exp(rng.normal(7.5, 0.4, _SAMPLES))
    amounts[: round(_OUTLIERS * _SAMPLES)] *= 50
    return [_sample(encoder, int(amount), online=at % 2 == 1) for at, amount in enumerate(amounts)]


def _sample(encoder: Encoder, amount_minor: int, *, online: bool) -> Sample:
    transaction, card, device, time_ms = _TRANSACTION.format(0), _CARD.format(0), _DEVICE.format(0), START_MS
    rest = encoder.encode(_record(transaction, card, device if online else None, time_ms, amount_minor))
    pieces = []
    for part in (transaction.encode(), card.encode(), whole(time_ms), *([device.encode()] if online else ())):
        piece, _, rest = rest.partition(part)
        pieces.append(piece)
    pieces.append(rest)
    head, one, two, three, end = pieces if online else (*pieces, b"")
    return Sample((head, one, two, three, end), online)


def _record(transaction: str, card: str, device: str | None, time_ms: int, amount_minor: int) -> Record:
    return {
        "transactionId": transaction,
        "cardId": card,
        "cardLastFour": "4242",
        "userId": "user_scaling",
        "eventTime": time_ms,
        "amountMinor": amount_minor,
        "currency": "EUR",
        "merchantId": "mer_scaling",
        "merchantName": "Café Oliveira & Filhos",
        "merchantCategory": "5411",
        "terminalId": None if device else "ter_scaling",
        "channel": "CARD_NOT_PRESENT" if device else "CARD_PRESENT",
        "deviceId": device,
        "country": "PT",
        "latitude": 38.7223,
        "longitude": -9.1393,
        "approved": True,
    }

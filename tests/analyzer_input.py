"""Transactions for the analyzer's tests: one to vary, and many from a seed."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from analyzer.core.chain import Judges
from analyzer.core.detect import Judge
from analyzer.core.sighting import Sight
from analyzer.core.terminal import TerminalJudge
from analyzer.core.terminal_surge import TerminalSurge
from analyzer.ports import Batch
from analyzer.thresholds import read
from schemas.codec import Record
from schemas.dead_letter import Header

NOON_MS: Final = 1_750_000_000_000 // 86_400_000 * 86_400_000 + 43_200_000
"""A noon, UTC."""

RULES_FILE: Final = Path(__file__).with_name("rules.toml")
"""The thresholds that unit tests are written against, however those in force are tuned."""

_TUNING: Final = read(RULES_FILE)
_R = TypeVar("_R")


def judge(**changes: Any) -> Judge:
    """Return a judge by the thresholds of the tests, with `changes`."""
    return dataclasses.replace(Judge(_TUNING.rules, _TUNING.alert.threshold), **changes)


def sight(**changes: Any) -> Sight:
    """Return what is sighted by the thresholds of the tests, with `changes`."""
    return dataclasses.replace(_TUNING.sighting, **changes)


def surge(**changes: Any) -> TerminalSurge:
    """Return the terminal stage's rule with the thresholds of the tests, with `changes`."""
    assert _TUNING.terminal is not None, "it is enabled"
    return dataclasses.replace(_TUNING.terminal, **changes)


def terminal_judge(**changes: Any) -> TerminalJudge:
    """Return a judge of terminals by the thresholds of the tests, with `changes`."""
    return dataclasses.replace(TerminalJudge(surge(), _TUNING.alert.threshold), **changes)


def judges() -> Judges:
    """Return the judges of both stages by the thresholds of the tests."""
    return Judges(judge(), sight(), terminal_judge())


def rule(kind: type[_R], **changes: Any) -> _R:
    """Return a rule with the thresholds of the tests, with `changes`."""
    found = next(one for one in _TUNING.rules if isinstance(one, kind))
    return dataclasses.replace(found, **changes)  # type: ignore[type-var]  # rules are dataclasses


def batch(
    *records: tuple[int, bytes | None, bytes | None],
    topic: str = "transactions",
    partition: int = 3,
    headers: tuple[Header, ...] = (),
    timestamp_ms: int = -1,
) -> Batch:
    """Return records of offset, key and value as a batch."""
    return Batch(
        topic,
        partition,
        [offset for offset, _, _ in records],
        [key for _, key, _ in records],
        [value for _, _, value in records],
        [headers] * len(records),
        [timestamp_ms] * len(records),
    )


def record(**changes: Any) -> Record:
    """Return an ordinary transaction as a record of transaction.avsc, with `changes`."""
    ordinary = {
        "transactionId": "00000000-0000-0000-0000-000000000001",
        "cardId": "card-1",
        "cardLastFour": "4242",
        "userId": "user-1",
        "eventTime": NOON_MS,
        "amountMinor": 1_250,
        "currency": "EUR",
        "merchantId": "merchant-1",
        "merchantName": "Corner Shop",
        "merchantCategory": "5411",
        "terminalId": "terminal-1",
        "channel": "CARD_PRESENT",
        "deviceId": None,
        "country": "DE",
        "latitude": 52.52,
        "longitude": 13.405,
        "approved": True,
    }
    return ordinary | changes


def stream(count: int, *, cards: int, seed: int = 7, step_ms: int = 20_000) -> Iterator[Record]:
    """Yield `count` transactions of `cards` cards in event time; some are suspicious."""
    rng = random.Random(seed)  # noqa: S311 - input of a test
    for number in range(count):
        card = rng.randrange(cards)
        online = rng.random() < 0.3
        yield record(
            transactionId=str(UUID(int=rng.getrandbits(128), version=4)),
            cardId=f"card-{card}",
            userId=f"user-{card}",
            eventTime=NOON_MS + number * step_ms,
            amountMinor=int(rng.lognormvariate(7.5, 0.7)) * (40 if rng.random() < 0.02 else 1),
            merchantId=f"merchant-{(merchant := rng.randrange(50))}",
            terminalId=None if online else f"terminal-{merchant}",
            channel="CARD_NOT_PRESENT" if online else "CARD_PRESENT",
            deviceId=f"device-{card}" if online else None,
            latitude=None if online else 52.0 + rng.random(),
            longitude=None if online else 13.0 + rng.random(),
            approved=rng.random() < 0.95,
        )

"""Where an offline stream comes from: the generator or a file, in this process or, to use a second core, in another."""

from __future__ import annotations

import gc
import marshal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Protocol

from producer import files
from producer.presets import Plan, make_plan
from producer.timeline import transactions
from schemas.errors import UnavailableError, UserError
from score.core.facts import label_of
from score.offline import child
from score.offline.play import Labelled
from score.offline.settings import OfflineSettings

START_MS: Final = 1_767_225_600_000
"""2026-01-01, where the producer's event time begins unless told otherwise."""
BATCH: Final = 2_000
"""Transactions that go from one process to the other at once."""

Pair = tuple[dict[str, Any], dict[str, Any] | None]
"""Records of transaction.avsc and label.avsc; None when nobody knows the truth."""


class Source(Protocol):
    """Something that can be sent to another process and makes the stream there."""

    def pairs(self) -> Iterable[Pair]:
        """Return the stream."""


@dataclass(frozen=True, slots=True)
class Generated:
    """The first transactions of a plan."""

    plan: Plan
    count: int

    def pairs(self) -> Iterable[Pair]:
        """Return them."""
        return ((made.record(), label.record()) for made, label in islice(transactions(self.plan), self.count))


@dataclass(frozen=True, slots=True)
class Filed:
    """The transactions of a file."""

    file: Path
    mapping: str
    labels: Path | None = None
    sort: bool = False
    limit: int = 0
    """So many and no more; 0: all."""

    def pairs(self) -> files.Replay:
        """Return them; raises `UserError` for a file or mapping that can't be used."""
        return files.transactions(self.file, self.mapping, labels=self.labels, sort=self.sort, limit=self.limit)


def generated(settings: OfflineSettings, seed: int) -> Generated:
    """Return the stream of a seed."""
    plan = make_plan(seed, START_MS, settings.preset, settings.cards, difficulty=settings.difficulty)
    return Generated(plan, settings.transactions)


def here(source: Source) -> Iterator[Labelled]:
    """Yield a stream that this process makes."""
    return map(_labelled, source.pairs())


def elsewhere(source: Source) -> Iterator[Labelled]:
    """Yield the same, made by another process at the same time.

    Raises:
        UserError: the source can't be used.
        UnavailableError: that process was ended.
    """
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    maker = context.Process(target=_make, args=(sender, source), daemon=True)
    maker.start()
    sender.close()
    try:
        while batch := _received(receiver):
            yield from map(_labelled, batch)
    finally:
        receiver.close()
        maker.join(timeout=5)
        if maker.is_alive():
            maker.terminate()


def _labelled(pair: Pair) -> Labelled:
    record, label = pair
    return record, None if label is None else label_of(label)


def _received(receiver: Connection) -> list[Pair]:
    try:
        batch: list[Pair] | str = marshal.loads(receiver.recv_bytes())  # noqa: S302 - from our own process
    except EOFError:
        raise UnavailableError("the process that makes transactions has ended; is there memory enough?") from None
    if isinstance(batch, str):
        raise UserError(batch)
    return batch


def _make(sender: Connection, source: Source) -> None:
    child.behave()
    gc.disable()
    with suppress(BrokenPipeError):  # whoever reads has seen enough
        _send(source, lambda batch: sender.send_bytes(marshal.dumps(batch)))


def _send(source: Source, send: Callable[[list[Pair] | str], None]) -> None:
    try:
        stream = iter(source.pairs())
        while batch := list(islice(stream, BATCH)):
            send(batch)
    except UserError as error:
        send(str(error))
    send([])

"""What a replay sends, in order: transactions, the truth at once for the oracle, and labels when the bank has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import count

from producer.files.replay import Pair
from producer.wire import Addressed
from schemas.topics import LABELS, ORACLE, TRANSACTIONS


def with_truth(pairs: Iterable[Pair]) -> Iterator[Addressed]:
    """Yield each transaction, its label for the oracle if it is fraud, and each label once its time has come.

    The clock is the event time of the transaction at hand. When `pairs` ends, the labels still held back follow in
    the order of their release.
    """
    held: list[tuple[int, int, Addressed]] = []
    tie = count()
    for record, label in pairs:
        while held and held[0][0] <= record["eventTime"]:
            yield heappop(held)[2]
        yield Addressed(TRANSACTIONS, record["cardId"], record)
        if label is None:
            continue
        if label["fraud"]:
            yield Addressed(ORACLE, label["transactionId"], label)
        heappush(held, (label["releaseTime"], next(tie), Addressed(LABELS, label["transactionId"], label)))
    while held:
        yield heappop(held)[2]


def retimed(pairs: Iterable[Pair], start_ms: int | None, times: float) -> Iterator[Pair]:
    """Yield the pairs with other event times.

    Args:
        pairs: in order of event time.
        start_ms: when the first transaction is to be; None: when it was.
        times: all times between two records, releases of labels too, are divided by this.
    """
    first_ms: int | None = None

    def moved(at_ms: int, from_ms: int) -> int:
        return (from_ms if start_ms is None else start_ms) + round((at_ms - from_ms) / times)

    for record, label in pairs:
        first_ms = record["eventTime"] if first_ms is None else first_ms
        event = {"eventTime": moved(record["eventTime"], first_ms)}
        late = label and label | event | {"releaseTime": moved(label["releaseTime"], first_ms)}
        yield record | event, late

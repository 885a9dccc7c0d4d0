"""Which entries go into the next call: greedy, in order, within the limits of PutEvents."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from typing import Final, Protocol, TypeVar

MAX_ENTRIES: Final = 10
MAX_BYTES: Final = 1024 * 1024 - 1
"""The sum of the entries' sizes stays below 1 MiB."""


class Sized(Protocol):
    """What is batched."""

    @property
    def size(self) -> int:
        """Bytes that count against the limit."""

    @property
    def order_key(self) -> Hashable | None:
        """What it must keep its order with; None: nothing."""


_T = TypeVar("_T", bound=Sized)


def first_batch(waiting: Iterable[_T], busy: Collection[Hashable] = ()) -> list[_T]:
    """Return what goes next: as many as fit, from the front.

    An entry over the limit goes alone: the service is to refuse it, not we. An entry whose order key is busy
    is passed over, and so is a second one of the same key: the service may refuse the first of two and take
    the second.

    Args:
        waiting: in the order they came.
        busy: order keys that are in another call.
    """
    batch: list[_T] = []
    taken = set(busy)
    total = 0
    for one in waiting:
        if one.order_key is not None and one.order_key in taken:
            continue
        if batch and total + one.size > MAX_BYTES:
            break
        batch.append(one)
        total += one.size
        taken.add(one.order_key)
        if len(batch) == MAX_ENTRIES:
            break
    return batch

"""Which entries go into the next call: greedy, in order, within the limits of PutEvents."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Final, Generic, Protocol, TypeVar

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


class Queue(Generic[_T]):
    """Items in the order they came, handed out in batches; each step costs what it moves, however many wait.

    An entry over the limit goes alone: the service is to refuse it, not we. An entry whose order key is in another
    call is passed over, and so is a second one of the same key: the service may refuse the first of two and take the
    second. What is passed over waits aside and comes back to the front when the one before it is over.
    """

    def __init__(self) -> None:
        self._line: deque[_T] = deque()
        self._out: set[Hashable] = set()
        self._aside: dict[Hashable, deque[_T]] = {}
        """By key. What stands in the line of such a key came later, but for one that was let back to its front."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, items: Sequence[_T]) -> None:
        """Put items behind all others."""
        self._line.extend(items)
        self._count += len(items)

    def take(self) -> list[_T]:
        """Return what goes next: as many as fit, from the front; nothing when all that wait must wait on."""
        batch: list[_T] = []
        total = 0
        while self._line and len(batch) < MAX_ENTRIES:
            one = self._line[0]
            key = one.order_key
            if key is not None and key in self._out:
                self._aside.setdefault(key, deque()).append(self._line.popleft())
                continue
            if batch and total + one.size > MAX_BYTES:
                break
            batch.append(self._line.popleft())
            total += one.size
            if key is not None:
                self._out.add(key)
        self._count -= len(batch)
        return batch

    def over(self, one: _T) -> None:
        """Learn that an item that was handed out is done with: the next of its key may go."""
        key = one.order_key
        self._out.discard(key)
        if behind := self._aside.get(key):
            self._line.appendleft(behind.popleft())
            if not behind:
                del self._aside[key]

    def drop(self, unwanted: Callable[[_T], bool]) -> list[_T]:
        """Take out and return the waiting items of which `unwanted` says so: of a key all or none."""
        dropped: list[_T] = []
        for line in (self._line, *self._aside.values()):
            dropped += [one for one in line if unwanted(one)]
            kept = [one for one in line if not unwanted(one)]
            line.clear()
            line.extend(kept)
        self._aside = {key: behind for key, behind in self._aside.items() if behind}
        self._count -= len(dropped)
        return dropped

"""The deliveries of one lane that are in memory, in bounds; the others wait on disk. No I/O."""

from __future__ import annotations

import heapq
import sys
from collections import deque
from dataclasses import dataclass
from typing import Final

from eventbus.delivery.fate import State
from eventbus.delivery.memory import Memory
from eventbus.model import Event

MOST: Final = 2048
"""Most deliveries of a lane in memory, unless the settings say otherwise."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""Most bytes of their events; the last of them may reach beyond."""
_LEAST_BYTES: Final = 64 * 1024
"""As many while the memory of all lanes is short, so that none has to wait for the others."""


@dataclass(slots=True, eq=False)
class Delivery:
    """One event for one target: what it is and how far it came."""

    seq: int
    """The event's number; within a lane, the delivery's."""
    event: Event
    due_ms: int
    state: State = State.OPEN
    attempts: int = 0
    """Attempts at the target so far."""
    error_code: str = ""
    error_message: str = ""
    exhausted: str = ""
    burials: int = 0
    """Attempts at the dead-letter queue since the start."""


class Backlog:
    """Ready ones in order, waiting ones by due time, and the numbers of all that must not be read from disk."""

    def __init__(self, most: int = MOST, memory: Memory | None = None) -> None:
        """Begin empty, with everything of the lane in memory; `memory` is what all lanes share."""
        self._most, self._memory = most, memory or Memory()
        self.ready: deque[Delivery] = deque()
        """To be sent to the target now."""
        self.oldest_ms = 0
        """None of the ready ones was accepted before this; without any it says nothing."""
        self.buried: deque[Delivery] = deque()
        """To be sent to the dead-letter queue now."""
        self.behind = False
        """Whether some open deliveries are on disk alone."""
        self.disk_due_ms: int | None = None
        """When the next of those is due."""
        self._waiting: list[tuple[int, int, Delivery]] = []
        self._held: dict[int, int] = {}  # by number, size of each in memory
        self._bytes = 0
        self._settling: set[int] = set()  # done here, but open on disk until that is written
        self._missed = False
        self._reading: set[int] | None = None  # forgotten since a read began

    @property
    def full(self) -> bool:
        """Whether nothing more fits."""
        return len(self._held) >= self._most or self._bytes >= self._limit

    @property
    def idle(self) -> bool:
        """Whether memory holds nothing, and no result or read of the disk is awaited."""
        return not self._held and not self._settling and self._reading is None

    @property
    def wants_more(self) -> bool:
        """Whether there is room worth a read of the disk, and no read under way."""
        room = len(self._held) <= self._most // 2 and self._bytes <= self._limit // 2
        return self.behind and room and self._reading is None

    @property
    def page(self) -> tuple[int, int]:
        """How many deliveries, and how many bytes of events, a read of the disk may bring."""
        return max(self._most // 2, 1), self._limit // 2

    @property
    def _limit(self) -> int:
        return _LEAST_BYTES if self._memory.short else MOST_BYTES

    @property
    def next_ms(self) -> int | None:
        """When the first of the waiting ones is due."""
        return self._waiting[0][0] if self._waiting else None

    def arrived(self, delivery: Delivery) -> None:
        """Take a new delivery, or leave it on disk when there is no room or others wait there before it.

        A read of the disk may have brought it already: it is there a moment before that is known here.
        """
        if delivery.seq in self._held or delivery.seq in self._settling:
            return
        if self.behind or self.full:
            self._leave(delivery.due_ms)
        else:
            self.hold(delivery)

    def hold(self, delivery: Delivery) -> None:
        """Take a delivery into memory."""
        size = sys.getsizeof(delivery.event.body)
        self._held[delivery.seq] = size
        self._bytes += size
        self._memory.held_bytes += size
        self.wait(delivery)

    def wait(self, delivery: Delivery) -> None:
        """Put one that is held where it waits until it is due."""
        heapq.heappush(self._waiting, (delivery.due_ms, delivery.seq, delivery))

    def wake(self, now_ms: int) -> None:
        """Move what is due to where it is taken from."""
        while self._waiting and self._waiting[0][0] <= now_ms:
            delivery = heapq.heappop(self._waiting)[2]
            if delivery.state is State.BURIED:
                self.buried.append(delivery)
                continue
            accepted_ms = delivery.event.accepted_ms
            self.oldest_ms = min(self.oldest_ms, accepted_ms) if self.ready else accepted_ms
            self.ready.append(delivery)

    def take_older(self, until_ms: int) -> list[Delivery]:
        """Take out what is ready and was accepted by then. All are looked at only when there may be any."""
        if not self.ready or self.oldest_ms > until_ms:
            return []
        older = [each for each in self.ready if each.event.accepted_ms <= until_ms]
        self.ready = deque(each for each in self.ready if each.event.accepted_ms > until_ms)
        self.oldest_ms = min((each.event.accepted_ms for each in self.ready), default=0)
        return older

    def take_all(self) -> list[Delivery]:
        """Take out all that is ready, buried or waiting."""
        taken = [*self.ready, *self.buried, *(delivery for _, _, delivery in self._waiting)]
        self.ready.clear()
        self.buried.clear()
        self._waiting.clear()
        return taken

    def release(self, seq: int) -> None:
        """Make room: nothing more is done with it here. Until `written`, the disk may still call it open."""
        size = self._held.pop(seq)
        self._bytes -= size
        self._memory.held_bytes -= size
        self._settling.add(seq)

    def written(self, seq: int, reopened_ms: int | None) -> bool:
        """Note that the disk knows the state of one; return whether it is to be fetched from there again.

        `reopened_ms`: when it is due, if it hasn't come to its end. One that is still held isn't fetched.
        """
        if seq not in self._settling:
            return False
        self._settling.remove(seq)
        if self._reading is not None:
            self._reading.add(seq)
        if reopened_ms is not None:
            self._leave(reopened_ms)
        return reopened_ms is not None

    def begin_reading(self) -> frozenset[int]:
        """Return the numbers that a read of the disk must leave out."""
        self._reading, self._missed = set(), False
        return frozenset(self._held) | self._settling

    def end_reading(self, found: list[Delivery], next_ms: int | None) -> None:
        """Take what was read; `next_ms`: when the next on disk is due, None when that was all."""
        forgotten = self._reading or set()
        self._reading = None
        for delivery in found:
            if delivery.seq not in forgotten:
                self.hold(delivery)
        missed_ms = self.disk_due_ms if self._missed else None
        due = [each for each in (next_ms, missed_ms) if each is not None]
        self.behind, self.disk_due_ms = bool(due), min(due, default=None)

    def failed_reading(self, again_ms: int) -> None:
        """Note that a read failed; it is worth another try at `again_ms`."""
        self._reading, self.disk_due_ms = None, again_ms

    def _leave(self, due_ms: int) -> None:
        if self._reading is not None and not self._missed:
            self.disk_due_ms = due_ms  # what was known before is what the read brings
        self.behind = self._missed = True
        self.disk_due_ms = due_ms if self.disk_due_ms is None else min(self.disk_due_ms, due_ms)

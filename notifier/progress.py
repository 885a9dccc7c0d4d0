"""How far each partition is done, when records finish in any order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

Partition = tuple[str, int]
"""A topic and the number of one of its partitions."""


class Progress:
    """Keeps, for each partition, the records that were begun and those that are done.

    Not locked: its user is.
    """

    def __init__(self) -> None:
        self._begun: dict[Partition, deque[int]] = {}
        self._done: dict[Partition, set[int]] = {}
        self._changed: dict[Partition, int] = {}

    def begin(self, partition: Partition, offset: int) -> None:
        """Note a record, in the order of the partition."""
        self._begun.setdefault(partition, deque()).append(offset)
        self._done.setdefault(partition, set())

    def finish(self, partition: Partition, offset: int) -> None:
        """Note that a record needs nothing more; one of a forgotten partition, or known already, changes nothing."""
        begun, done = self._begun.get(partition), self._done.get(partition)
        if not begun or done is None or offset < begun[0]:
            return
        done.add(offset)
        while begun and begun[0] in done:
            lowest = begun.popleft()
            done.remove(lowest)
            self._changed[partition] = lowest + 1

    def forget(self, partitions: Iterable[Partition]) -> None:
        """Drop what is known of partitions that are somebody else's now."""
        for partition in partitions:
            for known in (self._begun, self._done, self._changed):
                known.pop(partition, None)

    def take_commits(self) -> dict[Partition, int]:
        """Return the offsets to commit (the next one to read), only where they moved since the last call."""
        commits, self._changed = self._changed, {}
        return commits

    def unfinished(self) -> int:
        """Return how many records were begun and are not done."""
        return sum(len(begun) - len(self._done[partition]) for partition, begun in self._begun.items())

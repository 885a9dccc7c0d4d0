"""The states of the partitions that this worker has, as windows: bytes from the changelog, in memory where in use.

A state belongs to the partition that its records came from: offsets of two partitions can't be compared.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Generic

from analyzer.ports import State
from analyzer.window_codec import W, WindowCodec
from schemas.errors import BadRecordError, UserError

LIVE: Final = 5_000
"""Windows that are kept as objects beside those that changed, the last used ones; the rest stay bytes. A window with 60
transactions takes about 20 kB as objects and 4 kB as bytes, and 0.2 ms to decode."""

Place = tuple[int, str]
"""Partition and card id, or terminal id."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The newest state of a card or terminal in the changelog."""

    applied_offset: int
    value: bytes

    outlived: bool = False
    """Whether the changelog goes on with an older one, which compaction would keep in its stead."""


@dataclass(slots=True)
class WindowSnapshot(Generic[W]):
    """The windows that had changed, encoded one by one as they are written."""

    windows: dict[Place, W]
    encode: Callable[[W], bytes]
    settle: Callable[[WindowSnapshot[W]], object]
    encoded: dict[Place, Settled] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.windows)

    def __iter__(self) -> Iterator[State]:
        """Encode them."""
        for place, window in self.windows.items():
            value = self.encode(window)
            self.encoded[place] = Settled(window.applied_offset, value)
            yield State(place[0], place[1].encode(), value)

    def written(self) -> None:
        """Take note of it."""
        self.settle(self)


@dataclass(frozen=True, slots=True)
class OutlivedSnapshot:
    """States that must be written again, as they are."""

    states: dict[Place, Settled]
    settle: Callable[[dict[Place, Settled]], object]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.states)

    def __iter__(self) -> Iterator[State]:
        """Return them."""
        return (State(place[0], place[1].encode(), one.value) for place, one in self.states.items())

    def written(self) -> None:
        """Take note of it."""
        self.settle({place: replace(one, outlived=False) for place, one in self.states.items()})


class WindowStates(Generic[W]):
    """Windows by partition and key."""

    def __init__(self, codec: WindowCodec[W], live: int = LIVE) -> None:
        """Start empty; `codec` reads and writes what the changelog holds, `live` windows are kept as objects."""
        self.codec = codec
        self._most_live = live
        self._settled: dict[int, dict[str, Settled]] = defaultdict(dict)
        self._live: OrderedDict[Place, W] = OrderedDict()
        self._changed: dict[Place, W] = {}
        self._writing: dict[Place, W] = {}

    def window(self, partition: int, key: str) -> W:
        """Return the newest window of a key; that of a new one if there is none.

        Raises:
            UserError: what the changelog has of it can't be read.
        """
        place = (partition, key)
        live = self._live.get(place)
        if live is not None:
            self._live.move_to_end(place)
            return live
        settled = self._settled[partition].get(key)
        window = self.codec.new if settled is None else self._decoded(partition, settled)
        self._keep_live(place, window)
        return window

    def _decoded(self, partition: int, settled: Settled) -> W:
        try:
            return self.codec.decode(settled.value)
        except BadRecordError as error:
            raise UserError(
                f"a state of partition {partition}, written after offset {settled.applied_offset}, can't be read:"
                f" {error}. Delete the changelog and reset the group"
            ) from error

    def judged(self, partition: int, key: str, window: W) -> None:
        """Take the window of a key after a record."""
        self._changed[partition, key] = window
        self._keep_live((partition, key), window)

    def _keep_live(self, place: Place, window: W) -> None:
        self._live[place] = window
        self._live.move_to_end(place)
        self._cool()

    def _cool(self) -> None:
        while len(self._live) > self._most_live + len(self._changed) + len(self._writing):
            oldest = next(one for one in self._live if one not in self._changed and one not in self._writing)
            del self._live[oldest]

    def snapshot(self) -> WindowSnapshot[W]:
        """Return the newest window of all that changed since the last snapshot."""
        windows, self._changed = self._changed, {}
        self._writing |= windows
        return WindowSnapshot(windows, self.codec.encode, self._take_written)

    def _take_written(self, snapshot: WindowSnapshot[W]) -> None:
        for place, window in snapshot.windows.items():
            if self._writing.get(place) is window:  # else it was dropped meanwhile
                del self._writing[place]
                self._settled[place[0]][place[1]] = snapshot.encoded[place]
        self._cool()

    def restored(self, partition: int, key: bytes, value: bytes) -> None:
        """Take a state from the changelog, unless a newer one is here.

        Raises:
            BadRecordError, UnicodeDecodeError: it is not a state.
        """
        name = key.decode()
        found, here = Settled(self.codec.applied_offset(value), value), self._settled[partition].get(name)
        if here and found.applied_offset < here.applied_offset:
            self._settled[partition][name] = replace(here, outlived=True)
            return
        self._settled[partition][name] = found
        live = self._live.get((partition, name))
        if live is not None and live.applied_offset < found.applied_offset:
            del self._live[partition, name]

    def outlived(self) -> OutlivedSnapshot:
        """Return the states that must be written again, since an older one of their key follows them."""
        return OutlivedSnapshot(
            {
                (partition, key): settled
                for partition, of_keys in self._settled.items()
                for key, settled in of_keys.items()
                if settled.outlived
            },
            self._take_written_again,
        )

    def _take_written_again(self, written: dict[Place, Settled]) -> None:
        for (partition, key), settled in written.items():
            if key in self._settled[partition]:
                self._settled[partition][key] = settled

    def applied_offset(self, partition: int) -> int:
        """Return the highest offset of the partition that a settled state contains; -1 for none."""
        return max((one.applied_offset for one in self._settled[partition].values()), default=-1)

    def keep(self, partitions: Iterable[int]) -> None:
        """Forget all other partitions: they are another worker's now."""
        wanted = set(partitions)
        known = self._settled.keys() | {partition for partition, _ in self._live}
        for partition in known - wanted:
            self.drop(partition)

    def drop(self, partition: int) -> None:
        """Forget a partition, also what is in a snapshot that is being written."""
        self._settled.pop(partition, None)
        for place in [one for one in self._live if one[0] == partition]:
            del self._live[place]
        self._changed = {place: window for place, window in self._changed.items() if place[0] != partition}
        self._writing = {place: window for place, window in self._writing.items() if place[0] != partition}

    def count(self) -> int:
        """Return how many states are settled here."""
        return sum(len(of_keys) for of_keys in self._settled.values())

"""What is known of each card, but for its transactions: an array a figure, by the card's slot."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch.columns import BoolArray, CodeArray, FloatArray, IntArray
from analyzer.batch.log import NOTHING

Int32Array = NDArray[np.int32]
NEVER: Final = -1
"""In place of a time since 1970 that there is none."""


class OtherCountry(NamedTuple):
    """A country of a card other than its first."""

    code: int
    since_ms: int


class OtherDevice(NamedTuple):
    """A device of a card other than its first."""

    name: bytes
    since_ms: int
    uses: int
    """Approved transactions, whose amounts the next two are of."""

    mean: float
    m2: float


class Cards:
    """Arrays by slot; a new card's slot holds what `CardWindow()` says."""

    applied_offset: IntArray
    judged: Int32Array
    flagged: Int32Array
    late: Int32Array
    duplicate: Int32Array
    sighted: Int32Array
    count: Int32Array
    """Of the habit, as the next two."""

    mean: FloatArray
    m2: FloatArray
    newest: Int32Array
    """Newest entry of the log, `NOTHING` for none."""

    newest_ms: IntArray
    """Its event time, `NEVER` for none."""

    remembered: NDArray[np.int16]
    """How many entries of the log."""

    silence_from_ms: IntArray
    silence_until_ms: IntArray
    """`NEVER`: no silence."""

    country: CodeArray
    """The first; 0: none."""

    country_since_ms: IntArray
    device: NDArray[np.object_]
    """The first, as UTF-8; None: none."""

    device_since_ms: IntArray
    device_count: Int32Array
    device_mean: FloatArray
    device_m2: FloatArray
    others: NDArray[np.uint8]
    """The larger one of the numbers of its countries and of its devices, without the first."""

    apart: BoolArray
    """Whether its state is kept as a window, since it has more of something than fits here."""

    dirty: BoolArray
    """Whether it changed since it was last taken for a checkpoint."""

    _NEW: Final[dict[str, tuple[Any, Any]]] = {
        "applied_offset": (np.int64, -1),
        **dict.fromkeys(("judged", "flagged", "late", "duplicate", "sighted", "count", "device_count"), (np.int32, 0)),
        **dict.fromkeys(("mean", "m2", "device_mean", "device_m2"), (np.float64, 0.0)),
        "newest": (np.int32, NOTHING),
        **dict.fromkeys(
            ("newest_ms", "silence_from_ms", "silence_until_ms", "country_since_ms", "device_since_ms"),
            (np.int64, NEVER),
        ),
        "remembered": (np.int16, 0),
        "country": (np.uint16, 0),
        "device": (np.object_, None),
        "others": (np.uint8, 0),
        **dict.fromkeys(("apart", "dirty"), (np.bool_, False)),
    }
    """By array, its type and what it holds of a new card."""

    def __init__(self, capacity: int = 1024) -> None:
        """Make room for `capacity` cards, all new."""
        self.capacity = 0
        for name, (kind, _) in self._NEW.items():
            setattr(self, name, np.zeros(0, kind))
        self._grow(capacity)

    def reserve(self, count: int) -> None:
        """Have room for at least `count` cards."""
        while self.capacity < count:
            self._grow(self.capacity)

    def renew(self, slot: int | IntArray) -> None:
        """Make a card, or several, new ones."""
        for name, (_, new) in self._NEW.items():
            getattr(self, name)[slot] = new

    def _grow(self, more: int) -> None:
        for name, (kind, new) in self._NEW.items():
            setattr(self, name, np.concatenate([getattr(self, name), np.full(more, new, kind)]))
        self.capacity += more

"""Windows of any stage as the bytes that its changelog holds, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from schemas.codec import Decoder, Encoder, Record


class Window(Protocol):
    """What is remembered of a card or a terminal."""

    @property
    def applied_offset(self) -> int:
        """Offset of the last record that it contains, in its partition."""


W = TypeVar("W", bound=Window)


class WindowCodec(ABC, Generic[W]):
    """Windows as framed records and back."""

    new: W
    """That of a card or terminal of which nothing is known."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        """Write and read records of the windows' schema; `decoder` resolves to it, logical types off."""
        self._encoder, self._decoder = encoder, decoder

    @abstractmethod
    def record(self, window: W) -> Record:
        """Return a window as a record."""

    @abstractmethod
    def window(self, record: Record) -> W:
        """Return the window that a record describes."""

    @property
    def header(self) -> bytes:
        """What stands in front of the Avro body of every state."""
        return self._encoder.header

    def encode(self, window: W) -> bytes:
        """Return the framed bytes of a window."""
        return self._encoder.encode(self.record(window))

    def decode(self, value: bytes) -> W:
        """Return the window in framed bytes.

        Raises:
            BadRecordError: they are not such a state.
        """
        return self.window(self._decoder.decode(value))

    def applied_offset(self, value: bytes) -> int:
        """Return the applied offset in framed bytes, mostly without decoding the rest; raises as `decode`."""
        return self._decoder.first_long(value, "appliedOffset")

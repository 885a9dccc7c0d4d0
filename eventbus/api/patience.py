"""Drops connections that take up a place without asking for anything: uvicorn itself has no such deadline."""

from __future__ import annotations

import asyncio
from typing import Any, Final

HEADERS_BYTES: Final = 64 * 1024
"""Bytes that the headers of a request may have."""


def patient(protocol: type[asyncio.Protocol], headers_s: float, most: int) -> Any:
    """Return uvicorn's HTTP protocol, but one that drops a connection whose headers don't come to an end.

    Args:
        protocol: one of uvicorn's implementations of HTTP.
        headers_s: seconds that the headers of a request may take.
        most: connections at once; one more is closed.
    """
    return type("Patient", (_Patient, protocol), {"headers_s": headers_s, "most": most})


class _Patient:
    """To be mixed into either of uvicorn's protocols; `cycle` is theirs, and new once headers have come."""

    headers_s: float
    most: int
    connections: set[Any]
    cycle: Any
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)  # type: ignore[misc] # the protocol's own
        self._wait()
        if len(self.connections) > self.most:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)  # type: ignore[misc] # as above
        if self.cycle is not before:
            self._stop_waiting()
        elif before is None or before.response_complete:
            self._header_bytes += len(data)
            self._wait()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(error)  # type: ignore[misc] # as above

    def _wait(self) -> None:
        if self._header_bytes > HEADERS_BYTES:
            self.transport.close()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.headers_s, self.transport.close)

    def _stop_waiting(self) -> None:
        self._header_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

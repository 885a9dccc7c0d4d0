"""Listens on a socket and serves the application with uvicorn, within bounds, until it is told to stop."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from schemas.errors import UserError

MAX_CONNECTIONS: Final = 1_024
"""Beyond it a request is answered with 503."""
BACKLOG: Final = 1_024
HEADERS_S: Final = 10.0
"""Seconds that the headers of a request may take."""
HEADERS_BYTES: Final = 64 * 1024
"""Bytes that they may have."""
KEEP_ALIVE_S: Final = 65
"""Seconds that an idle connection stays open: longer than SDKs keep one in their pool unused."""
GRACE_S: Final = 10
"""Seconds that requests under way may take once the bus is told to stop."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        UserError: the port is taken, or the address isn't this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UserError(f"can't listen on {host}: {error.strerror}. Choose another address with --host") from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UserError(
            f"can't listen on {host}:{port}: {error.strerror}. Choose another port with --port (0: any free one)"
        ) from None
    listener.setblocking(False)  # noqa: FBT003 - the socket's own method
    return listener


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


class Server(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


def server(app: Callable[..., Any]) -> Server:
    """Return a server for an ASGI application."""
    config = uvicorn.Config(
        app,
        http=_patient(AutoHTTPProtocol),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",  # what it says at start and stop, the bus says itself
        access_log=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    return Server(config)


def _patient(protocol: Any) -> Any:
    """Return uvicorn's HTTP protocol, but one that drops a connection whose headers don't come to an end."""

    class Patient(protocol):  # type: ignore[misc] # which of two classes depends on what is installed
        _deadline: asyncio.TimerHandle | None = None
        _header_bytes = 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._deadline = self.loop.call_later(HEADERS_S, transport.close)

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            super().data_received(data)
            if self.cycle is not before:  # headers came to an end
                self._stop_waiting()
            elif before is None or before.response_complete:
                self._header_bytes += len(data)
                if self._header_bytes > HEADERS_BYTES:
                    self.transport.close()
                elif self._deadline is None:
                    self._deadline = self.loop.call_later(HEADERS_S, self.transport.close)

        def connection_lost(self, error: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(error)

        def _stop_waiting(self) -> None:
            self._header_bytes = 0
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Patient

"""Listens on a socket and serves the application with uvicorn, within bounds, until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import resource
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from eventbus.api.patience import patient
from schemas.errors import UserError

MAX_CONNECTIONS: Final = 1_024
"""Beyond it a request is answered with 503, beyond twice as many a connection is closed at once."""
_FILES: Final = 4_096
"""Open files that so many connections need at most."""
BACKLOG: Final = 1_024
HEADERS_S: Final = 10.0
"""Seconds that the headers of a request may take."""
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
        remedy = "port with --port (0: any free one)"
        if error.errno == errno.EADDRNOTAVAIL:
            remedy = "address with --host: this one is not this machine's"
        raise UserError(f"can't listen on {host}:{port}: {error.strerror}. Choose another {remedy}") from None
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


def allow_connections() -> None:
    """Let the process open as many files as it needs for its connections, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def server(
    app: Callable[..., Any], protocol: type[asyncio.Protocol] = AutoHTTPProtocol, headers_s: float = HEADERS_S
) -> Server:
    """Return a server for an ASGI application.

    Args:
        app: the application.
        protocol: uvicorn's implementation of HTTP.
        headers_s: seconds that the headers of a request may take.
    """
    config = uvicorn.Config(
        app,
        http=patient(protocol, headers_s, 2 * MAX_CONNECTIONS),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",  # what it says at start and stop, the bus says itself
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    return Server(config)

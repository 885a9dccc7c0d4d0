"""HTTP/1.1 as far as one service needs it: POST to one host, over connections that stay open. Safe for threads."""

from __future__ import annotations

import socket
import ssl
from collections import deque
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from urllib3.util.wait import wait_for_read

_MOST_LINES: Final = 200
_LINE: Final = 64 * 1024
_INFORMATIONAL: Final = range(100, 200)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is; `context` is how its certificate is checked, None: plain HTTP."""

    host: str
    port: int
    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; names of headers in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection, for one request at a time. Errors are OSError."""

    def __init__(self, address: Address, connect_s: float, read_s: float) -> None:
        """Connect within `connect_s` seconds; later wait `read_s` for the next bytes."""
        sock = socket.create_connection((address.host, address.port), timeout=connect_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if address.context is not None:
            sock = address.context.wrap_socket(sock, server_hostname=address.host)
        sock.settimeout(read_s)
        self._sock = sock
        self._reader = cast("BinaryIO", sock.makefile("rb"))
        self.stays = True

    def alive(self) -> bool:
        """Say whether the peer, asked for nothing, has sent nothing: neither bytes nor the end."""
        return not wait_for_read(self._sock, timeout=0)

    def close(self) -> None:
        """Close it."""
        self._reader.close()
        self._sock.close()

    def exchange(self, request: bytes) -> Answer:
        """Send a request and return its answer."""
        self._sock.sendall(request)
        status, headers = self._head()
        while status in _INFORMATIONAL:
            status, headers = self._head()
        self.stays = "close" not in headers.get("connection", "").lower()
        return Answer(status, headers, self._body(headers))

    def _head(self) -> tuple[int, dict[str, str]]:
        first = self._line().split(None, 2)
        if len(first) < 2 or not first[0].startswith("HTTP/1.") or not first[1].isdecimal():  # noqa: PLR2004 - version and status
            raise ConnectionError(f"no HTTP answer: {' '.join(first)[:80]!r}")
        headers: dict[str, str] = {}
        for _ in range(_MOST_LINES):
            line = self._line()
            if not line:
                return int(first[1]), headers
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        raise ConnectionError("an answer with too many headers")

    def _body(self, headers: dict[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks()
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"], 10))
        self.stays = False
        return self._reader.read()

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self._line().partition(";")[0], 16):
            parts.append(self._exactly(size))
            self._line()
        while self._line():
            pass  # headers behind the body
        return b"".join(parts)

    def _line(self) -> str:
        line = self._reader.readline(_LINE)
        if not line.endswith(b"\n"):
            raise ConnectionError("the connection was closed before the answer was complete")
        return line.rstrip(b"\r\n").decode("latin-1")

    def _exactly(self, size: int) -> bytes:
        data = self._reader.read(size)
        if len(data) < size:
            raise ConnectionError("the connection was closed before the answer was complete")
        return data


class Connections:
    """As many connections as calls are under way at once; the one used last is used first."""

    def __init__(self, address: Address, *, connect_s: float = 5, read_s: float = 30) -> None:
        """Connect when there is something to send."""
        self._address, self._connect_s, self._read_s = address, connect_s, read_s
        self._idle: deque[Connection] = deque()

    def exchange(self, request: bytes) -> Answer:
        """Send a request and return its answer.

        Raises:
            OSError: no connection, no answer in time, or none that is HTTP; the request may have arrived.
        """
        connection = self._take()
        try:
            answer = connection.exchange(request)
        except ValueError as error:  # a length that is none
            connection.close()
            raise ConnectionError(f"no HTTP answer: {error}") from None
        except BaseException:
            connection.close()
            raise
        if connection.stays:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _take(self) -> Connection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.alive():
                return connection
            connection.close()
        return Connection(self._address, self._connect_s, self._read_s)

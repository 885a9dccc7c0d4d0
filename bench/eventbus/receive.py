"""The webhook: takes POSTs as fast as they come, and remembers when which event arrived.

`GET /count` answers how many distinct events (and nameless ones) there are, `GET /arrivals` all of them as
JSON, `DELETE /` forgets them. HTTP is read by hand here, because the receiver must never be what is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Final

from bench.eventbus.entries import id_in
from bench.eventbus.figures import Arrivals

_OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


class Seen:
    """The events that have arrived."""

    def __init__(self) -> None:
        """Start with none."""
        self.of_id: list[tuple[str, int]] = []
        self.distinct: set[str] = set()
        self.nameless: list[int] = []

    def add(self, body: bytes) -> None:
        """Note the arrival of `body`, now."""
        now, name = time.time_ns(), id_in(body)
        if name is None:
            self.nameless.append(now)
        else:
            self.of_id.append((name, now))
            self.distinct.add(name)

    def answer(self, method: bytes, path: bytes, body: bytes) -> bytes:
        """Return the response to a request."""
        if method == b"POST":
            self.add(body)
            return _OK
        if method == b"DELETE":
            self.clear()
            return _OK
        found = {"of_id": self.of_id, "nameless": self.nameless} if path == b"/arrivals" else self.count
        data = json.dumps(found).encode()
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(data) + data

    def clear(self) -> None:
        """Forget all."""
        for each in (self.of_id, self.distinct, self.nameless):
            each.clear()

    @property
    def count(self) -> int:
        """Distinct events and nameless ones."""
        return len(self.distinct) + len(self.nameless)


def arrivals(answer: bytes) -> Arrivals:
    """Read what `GET /arrivals` answered."""
    found = json.loads(answer)
    return Arrivals([(name, at) for name, at in found["of_id"]], found["nameless"])


class Connection(asyncio.Protocol):
    """One client's keep-alive connection."""

    def __init__(self, seen: Seen) -> None:
        """Note what arrives in `seen`."""
        self._seen = seen
        self._rest = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport if isinstance(transport, asyncio.WriteTransport) else None

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._rest += data
        while (end := self._rest.find(_END)) >= 0:
            head, start = self._rest[:end], end + len(_END)
            size = _content_length(head)
            if len(self._rest) < start + size:
                return
            method, path, _ = head.split(b" ", 2)
            body, self._rest = self._rest[start : start + size], self._rest[start + size :]
            answer = self._seen.answer(method, path, body)
            if self._transport is not None:
                self._transport.write(answer)


def _content_length(head: bytes) -> int:
    _, _, value = head.lower().partition(_LENGTH)
    return int(value.partition(b"\r\n")[0]) if value else 0


async def serve(host: str, port: int) -> None:
    """Take POSTs until cancelled."""
    seen = Seen()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(seen), host, port)
    await server.serve_forever()

"""An EventBridge that does nothing: it takes every PutEvents as it comes and remembers the bodies.

It answers Glue's GetSchemaVersion too, so that the notifier needs no other AWS. `GET /count` says how many entries it
has, `GET /arrivals` all of them, `DELETE /` forgets them. HTTP is read by hand: it must never be what is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, Final, cast

from schemas.codec import definition

_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_ENTRY: Final = b'"Detail":'
"""Once in each entry: inside of a detail the quote behind the word is escaped."""
_TAKEN: Final = b'{"EventId":"11710aed-b79e-4468-a20b-bb3c0c3b4860"}'


class Taken:
    """What has been put, and when (ns since 1970)."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, bytes]] = []
        self.entries = 0
        self.open = 0
        self.most_open = 0

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Return the response to a request that is none of PutEvents."""
        if head.startswith(b"DELETE"):
            self.__init__()  # type: ignore[misc] # all as at the start
            return response(b"{}")
        if head.startswith(b"GET /arrivals"):
            return response(json.dumps(list(self._arrivals())).encode())
        if head.startswith(b"GET"):
            times = (self.calls[0][0], self.calls[-1][0]) if self.calls else (0, 0)
            seen = {"entries": self.entries, "calls": len(self.calls), "most_open": self.most_open}
            return response(json.dumps({**seen, "first_ns": times[0], "last_ns": times[1]}).encode())
        if b"GetSchemaVersion" in head:
            return response(
                json.dumps({"SchemaDefinition": definition("notification"), "Status": "AVAILABLE"}).encode()
            )
        return response(json.dumps({"Name": json.loads(body or b"{}").get("Name", "")}).encode())

    def take(self, body: bytes) -> bytes:
        """Remember the body of a PutEvents and return the response."""
        count = body.count(_ENTRY)
        self.calls.append((time.time_ns(), body))
        self.entries += count
        return response(b'{"FailedEntryCount":0,"Entries":[' + b",".join([_TAKEN] * count) + b"]}")

    def _arrivals(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for at, body in self.calls:
            for entry in json.loads(body)["Entries"]:
                yield at, entry


def response(body: bytes) -> bytes:
    """Return `body` as the answer 200."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests come one after the other."""

    def __init__(self, taken: Taken, answer_s: float) -> None:
        """Answer each PutEvents after `answer_s` seconds."""
        self._taken, self._answer_s = taken, answer_s
        self._data = b""
        self._out: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._out = cast("asyncio.WriteTransport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._data += data
        while (end := self._data.find(_END)) >= 0:
            head = self._data[:end]
            _, _, after = head.lower().partition(_LENGTH)
            stop = end + len(_END) + int(after.split(b"\r\n", 1)[0] or 0)
            if len(self._data) < stop:
                return
            body, self._data = self._data[end + len(_END) : stop], self._data[stop:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if b"AWSEvents.PutEvents" not in head:
            self._write(self._taken.answer(head, body))
            return
        self._taken.open += 1
        self._taken.most_open = max(self._taken.most_open, self._taken.open)
        answer = self._taken.take(body)
        if self._answer_s:
            asyncio.get_running_loop().call_later(self._answer_s, self._settle, answer)
        else:
            self._settle(answer)

    def _settle(self, answer: bytes) -> None:
        self._taken.open -= 1
        self._write(answer)

    def _write(self, answer: bytes) -> None:
        if self._out is not None:
            self._out.write(answer)


async def serve(host: str, port: int, answer_s: float) -> None:
    """Serve until cancelled."""
    taken = Taken()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(taken, answer_s), host, port)
    await server.serve_forever()

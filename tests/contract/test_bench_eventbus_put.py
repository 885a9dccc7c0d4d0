"""The bench's load generator against a server that answers as a bus may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bench.eventbus.entries import id_in, notification_id
from bench.eventbus.put import Load, put

Answer = Callable[[bytes], bytes]


@asynccontextmanager
async def bus(answer: Answer) -> AsyncIterator[str]:
    """Answer the body of every request with what `answer` returns; yields the address."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""):
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            reply = answer(await reader.readexactly(size))
            writer.write(reply)
            if b"connection: close" in reply.lower():
                break
        writer.close()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def response(status: int, body: object, more: str = "") -> bytes:
    data = json.dumps(body).encode()
    return f"HTTP/1.1 {status} x\r\n{more}Content-Length: {len(data)}\r\n\r\n".encode() + data


def accepted(body: bytes) -> bytes:
    entries = json.loads(body)["Entries"]
    return response(200, {"FailedEntryCount": 0, "Entries": [{"EventId": "x"} for _ in entries]})


async def test_every_event_is_put_once_over_as_many_connections_as_asked() -> None:
    got: list[str | None] = []

    def answer(body: bytes) -> bytes:
        got.extend(id_in(each["Detail"].encode()) for each in json.loads(body)["Entries"])
        return accepted(body)

    async with bus(answer) as url:
        puts = await put(Load(url, "bench", first=5, events=42, per_request=10, connections=4))
    assert sorted(filter(None, got)) == [notification_id(number) for number in range(5, 47)]
    assert puts.accepted.keys() == set(got)
    assert puts.refused == 0
    assert puts.first_ns <= min(puts.accepted.values()) <= max(puts.accepted.values()) <= puts.last_ns


async def test_an_entry_that_is_refused_does_not_count_as_accepted() -> None:
    def answer(body: bytes) -> bytes:
        entries = json.loads(body)["Entries"]
        return response(200, {"Entries": [{"EventId": "x"}, *({"ErrorCode": "InternalFailure"} for _ in entries[1:])]})

    async with bus(answer) as url:
        puts = await put(Load(url, "bench", first=0, events=20, per_request=10, connections=1))
    assert list(puts.accepted) == [notification_id(0), notification_id(10)]
    assert puts.refused == 18


async def test_a_request_that_fails_refuses_all_its_entries_and_a_closed_connection_is_opened_again() -> None:
    async with bus(lambda _: response(500, {}, "Connection: close\r\n")) as url:
        puts = await put(Load(url, "bench", first=0, events=30, per_request=10, connections=1))
    assert (len(puts.accepted), puts.refused) == (0, 30)

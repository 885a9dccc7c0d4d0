"""Connections are bounded in time, with either of uvicorn's implementations of HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from eventbus.api.listen import is_loopback, listen, server
from schemas.errors import UserError
from tests.harness import PATIENCE

HEADERS_S = PATIENCE * 0.5
"""How long headers may take. Those of a request that ends are sent at once, by whom the machine lets have a turn."""
REQUEST = b"GET / HTTP/1.1\r\nHost: bus\r\n\r\n"


async def app(_scope: MutableMapping[str, Any], _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(params=[HttpToolsProtocol, H11Protocol])
async def port(request: pytest.FixtureRequest) -> AsyncIterator[int]:
    async with serving(request.param) as found:
        yield found


@asynccontextmanager
async def serving(protocol: type[asyncio.Protocol]) -> AsyncIterator[int]:
    with listen("127.0.0.1", 0) as listener:
        http = server(app, protocol, headers_s=HEADERS_S)
        task = asyncio.create_task(http.serve(sockets=[listener]))
        yield listener.getsockname()[1]
        http.should_exit = True
        await task


async def served(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    return await reader.readexactly(2)


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost:"])
async def test_a_connection_whose_headers_do_not_end_is_closed(port: int, begun: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    assert await asyncio.wait_for(reader.read(), PATIENCE * 20) == b""
    writer.close()


async def test_so_is_one_whose_second_request_does_not_end(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    assert await served(reader) == b"ok"
    writer.write(b"GET / HT")
    assert await asyncio.wait_for(reader.read(), PATIENCE * 20) == b""
    writer.close()


async def test_an_idle_connection_outlives_the_deadline_for_headers(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for pause_s in (0, 1.5 * HEADERS_S, 0):
        await asyncio.sleep(pause_s)
        writer.write(REQUEST[:10])
        await writer.drain()
        writer.write(REQUEST[10:])
        assert await served(reader) == b"ok"
    writer.close()


def test_a_port_or_an_address_that_cannot_be_had_is_named_with_the_remedy() -> None:
    with listen("127.0.0.1", 0) as listener, pytest.raises(UserError, match="--port"):
        listen("127.0.0.1", listener.getsockname()[1])
    with pytest.raises(UserError, match="--host"):
        listen("no.such.host.invalid", 0)
    with pytest.raises(UserError, match=r"192\.0\.2\.1:.*Choose another address with --host"):
        listen("192.0.2.1", 0)


def test_loopback_is_told_from_the_rest() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.0.2.1", "example.com")))  # noqa: S104 - it is what is told apart

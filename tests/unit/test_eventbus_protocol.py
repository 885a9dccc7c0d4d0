"""What goes wrong inside is an answer without a trace of the inside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from eventbus.api.body import BodyReader, DisconnectedError
from eventbus.api.errors import ApiError
from eventbus.api.protocol import Identity, Protocol
from eventbus.arn import Scope
from eventbus.store import StorageError

HOME = Scope("123456789012", "eu-central-1")


class Scripted:
    """A service that answers, or fails, as told."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.asked: list[tuple[str, Any, Scope]] = []

    async def perform(self, operation: str, request: Any, scope: Scope) -> Any:
        self.asked.append((operation, request, scope))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Client:
    """Sends a body in parts, and remembers what comes back."""

    def __init__(self, *parts: bytes, stalls: bool = False, leaves: bool = False) -> None:
        last = len(parts) - 1
        self._messages = [
            {"type": "http.request", "body": part, "more_body": number < last or stalls or leaves}
            for number, part in enumerate(parts)
        ]
        self._leaves = leaves
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    async def receive(self) -> MutableMapping[str, Any]:
        if self._messages:
            return self._messages.pop(0)
        if not self._leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.headers |= dict(message.get("headers", []))
        self.body += message.get("body", b"")

    @property
    def answer(self) -> Any:
        return json.loads(self.body)


async def ask(service: Scripted, client: Client, authorization: bytes = b"", max_bytes: int = 100) -> Client:
    reader = BodyReader(max_bytes, 0.05, 1_000)
    protocol = Protocol(service, Identity(HOME), reader, lambda: "an-id")  # type: ignore[arg-type] # only perform is called
    headers = [(b"x-amz-target", b"AWSEvents.ListRules"), (b"authorization", authorization)]
    scope = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "headers": headers}
    await protocol(scope, client.receive, client.send)
    return client


async def test_an_answer_has_the_services_headers() -> None:
    client = await ask(Scripted({"Rules": []}), Client(b"{}"))
    assert (client.status, client.answer) == (200, {"Rules": []})
    assert client.headers[b"content-type"] == b"application/x-amz-json-1.1"
    assert client.headers[b"x-amzn-requestid"] == b"an-id"


async def test_a_body_in_parts_is_one_request() -> None:
    service = Scripted({})
    await ask(service, Client(b'{"Na', b"", b'me": "r"}'))
    assert service.asked == [("ListRules", {"Name": "r"}, HOME)]


@pytest.mark.parametrize(
    ("key_id", "scope"),
    [(b"210987654321", Scope("210987654321", "us-east-1")), (b"workshop", Scope(HOME.account, "us-east-1"))],
)
async def test_account_and_region_are_the_callers(key_id: bytes, scope: Scope) -> None:
    service = Scripted({})
    credential = b"Credential=%s/20260101/us-east-1/events/aws4_request" % key_id
    await ask(service, Client(b"{}"), b"AWS4-HMAC-SHA256 %s, SignedHeaders=host, Signature=0" % credential)
    assert service.asked[0][2] == scope


async def test_a_full_disk_is_an_internal_exception_that_names_the_disk() -> None:
    client = await ask(Scripted(StorageError("the disk is full")), Client(b"{}"))
    assert (client.status, client.answer) == (500, {"__type": "InternalException", "message": "the disk is full"})


async def test_a_fault_of_the_bus_shows_nothing_of_its_inside() -> None:
    client = await ask(Scripted(ZeroDivisionError("secret detail")), Client(b"{}"))
    assert (client.status, client.answer["__type"]) == (500, "InternalException")
    assert b"secret" not in client.body
    assert b"ZeroDivision" not in client.body


async def test_a_refusal_has_its_code_and_status() -> None:
    client = await ask(Scripted(ApiError("ThrottlingException", "Rate exceeded", 503)), Client(b"{}"))
    assert (client.status, client.answer) == (503, {"__type": "ThrottlingException", "message": "Rate exceeded"})


async def test_a_body_that_does_not_come_is_a_timeout_and_ends_the_connection() -> None:
    client = await ask(Scripted({}), Client(b"{", stalls=True))
    assert (client.status, client.answer["__type"]) == (408, "RequestTimeoutException")
    assert client.headers[b"connection"] == b"close"


@pytest.mark.parametrize("parts", [(b"x" * 101,), (b"x" * 60, b"x" * 60), (b"x" * 60,) * 100])
async def test_a_body_above_the_limit_is_refused(parts: tuple[bytes, ...]) -> None:
    client = await ask(Scripted({}), Client(*parts))
    assert (client.status, client.answer["__type"]) == (413, "RequestEntityTooLarge")


async def test_nobody_answers_a_client_that_is_gone() -> None:
    client = await ask(Scripted({}), Client(b"{", leaves=True))
    assert client.status == 0


async def test_large_bodies_together_are_bounded_and_what_ended_counts_no_more() -> None:
    reader = BodyReader(80, 5, 100)
    first = Client(b"x" * 70, b"", stalls=True)
    reading = asyncio.create_task(reader.read(first.receive))
    await asyncio.sleep(0)
    with pytest.raises(ApiError, match="try again") as caught:
        await reader.read(Client(b"x" * 70, b"").receive)
    assert caught.value.status == 503
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await reader.read(Client(b"x" * 70, b"y").receive) == b"x" * 70 + b"y"
    with pytest.raises(DisconnectedError):
        await reader.read(Client(b"x" * 70, leaves=True).receive)
    assert await reader.read(Client(b"x" * 70, b"y").receive)

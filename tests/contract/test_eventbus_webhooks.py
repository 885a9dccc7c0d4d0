"""API destinations against real HTTP servers on loopback: what counts as delivered, what is tried again."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from eventbus import targets
from eventbus.model import ApiDestination, Connection, Target
from eventbus.ports import Outcome
from eventbus.targets.recording import ListedResources, RecordingClients
from tests.eventbus_examples import a_connection, a_destination, a_rule, a_target, outgoing
from tests.harness import PATIENCE

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """An HTTP server that remembers what it got; handlers by path, the answers by turns."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, dict[str, str], str]] = []
        self.handlers: dict[str, list[Handler | web.Response | int]] = {}
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((request.method, request.raw_path, headers, body))
        turns = self.handlers.get(request.path, [200])
        turn = turns.pop(0) if len(turns) > 1 else turns[0]
        if isinstance(turn, int):
            return web.Response(status=turn)
        return turn if isinstance(turn, web.Response) else await turn(request)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


class Hook:
    """An API destination with its target, and the senders that serve it."""

    def __init__(self, destination: ApiDestination, connection: Connection, timeout_s: float, **spec: Any) -> None:
        self.directory = ListedResources([destination, connection])
        self.senders = targets.senders(self.directory, RecordingClients(), timeout_s)
        self.target = a_target(destination.arn, **spec)

    async def send(self, payload: str | None = None, number: int = 0, target: Target | None = None) -> Outcome:
        target = target or self.target
        sender = self.senders.of(target)
        assert sender is not None
        (outcome,) = await sender.send(a_rule(target), target, [outgoing(number, payload)], troubled=False)
        return outcome


@asynccontextmanager
async def hook(
    endpoint: str,
    connection: Connection | None = None,
    method: str = "POST",
    timeout_s: float = PATIENCE * 15,
    **spec: Any,
) -> AsyncIterator[Hook]:
    found = Hook(a_destination(endpoint, method), connection or a_connection(), timeout_s, **spec)
    try:
        yield found
    finally:
        await found.senders.close()


async def test_the_endpoint_gets_the_payload_the_api_key_and_eventbridges_own_headers(receiver: Receiver) -> None:
    async with hook(f"{receiver.url}/in?a=1") as to:
        assert (await to.send('{"x":"ü"}')).delivered
    ((method, path, headers, body),) = receiver.got
    assert (method, path, body) == ("POST", "/in?a=1", '{"x":"ü"}')
    assert headers["x-api-key"] == "open-sesame"
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["user-agent"] == "Amazon/EventBridge/ApiDestinations"
    assert headers["range"] == "bytes=0-1048575"


async def test_basic_credentials_go_in_the_authorization_header(receiver: Receiver) -> None:
    basic = {"BasicAuthParameters": {"Username": "ann", "Password": "s:ecret"}}
    async with hook(receiver.url, a_connection(basic, "BASIC")) as to:
        assert (await to.send()).delivered
    assert receiver.got[0][2]["authorization"] == "Basic YW5uOnM6ZWNyZXQ="


async def test_parameters_of_connection_and_target_come_together_and_the_connections_win(receiver: Receiver) -> None:
    auth = {
        **a_connection().auth,
        "InvocationHttpParameters": {
            "HeaderParameters": [{"Key": "X-Both", "Value": "connection"}],
            "QueryStringParameters": [{"Key": "q", "Value": "connection", "IsValueSecret": True}],
            "BodyParameters": [{"Key": "added", "Value": "yes"}],
        },
    }
    asked = {
        "HeaderParameters": {"x-both": "target", "X-Customer": "$.detail.number", "Content-Length": "3"},
        "QueryStringParameters": {"q": "target", "r": "$.detail.lines[1].sku", "none": "$.detail.none"},
        "PathParameterValues": ["$.detail.customer.id", "fixed"],
    }
    async with hook(f"{receiver.url}/c/*/o/*/end", a_connection(auth), "PUT", HttpParameters=asked) as to:
        assert (await to.send('{"a":1}', number=7)).delivered
        assert (await to.send("plain text", number=8)).delivered
    (method, path, headers, body), (*_, second) = receiver.got
    assert (method, path) == ("PUT", "/c/c%201%2F%C3%BC/o/fixed/end?q=connection&r=b&none=")
    assert (headers["x-both"], headers["x-customer"]) == ("connection", "7")
    assert json.loads(body) == {"a": 1, "added": "yes"}
    assert second == "plain text"


async def test_a_value_from_the_event_cannot_add_a_header(receiver: Receiver) -> None:
    asked = {"HeaderParameters": {"X-Type": "$.detail-type"}}
    async with hook(receiver.url, HttpParameters=asked) as to:
        sender = to.senders.of(to.target)
        assert sender is not None
        sent = outgoing(fields={"detail-type": "a\r\nX-Evil: 1"})
        (outcome,) = await sender.send(a_rule(to.target), to.target, [sent], troubled=False)
    assert (outcome.error_code, outcome.retry) == ("INVALID_PARAMETER", False)
    assert "header X-Type: what the event has at $.detail-type holds a line break" in outcome.error_message
    assert "Evil" not in outcome.error_message
    assert receiver.got == []


async def test_an_event_cannot_lead_a_call_to_another_path(receiver: Receiver) -> None:
    asked = {"PathParameterValues": ["$.detail.id", "lit"]}
    async with hook(f"{receiver.url}/p/*/x/*", HttpParameters=asked) as to:
        sender = to.senders.of(to.target)
        assert sender is not None
        sent = outgoing(fields={"detail": {"id": ".."}})
        (outcome,) = await sender.send(a_rule(to.target), to.target, [sent], troubled=False)
    assert (outcome.error_code, outcome.retry) == ("INVALID_PARAMETER", False)
    assert receiver.got == []


async def test_the_endpoints_own_path_and_query_go_as_they_are_written(receiver: Receiver) -> None:
    async with hook(f"{receiver.url}/a%2Fb/c?d=e%2Ff+g") as to:
        assert (await to.send()).delivered
    assert receiver.got[0][1] == "/a%2Fb/c?d=e%2Ff+g"


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [
        (202, "", True),
        (400, "ERROR_FROM_TARGET", False),
        (401, "ERROR_FROM_TARGET", True),
        (404, "ERROR_FROM_TARGET", False),
        (407, "ERROR_FROM_TARGET", True),
        (409, "ERROR_FROM_TARGET", True),
        (429, "THROTTLING", True),
        (500, "ERROR_FROM_TARGET", True),
        (503, "ERROR_FROM_TARGET", True),
    ],
)
async def test_the_status_decides(receiver: Receiver, status: int, code: str, retry: bool) -> None:  # noqa: FBT001 - a parameter
    receiver.handlers["/"] = [status]
    async with hook(receiver.url) as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == (code, retry)


async def test_a_redirect_is_refused_and_not_followed(receiver: Receiver) -> None:
    receiver.handlers["/"] = [web.Response(status=302, headers={"Location": f"{receiver.url}/elsewhere"})]
    async with hook(receiver.url) as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == ("ERROR_FROM_TARGET", False)
    assert [path for _, path, _, _ in receiver.got] == ["/"]


@pytest.mark.parametrize(("header", "waits"), [("7", 7.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("soon", None)])
async def test_a_busy_endpoint_says_how_long_to_wait(receiver: Receiver, header: str, waits: float | None) -> None:
    receiver.handlers["/"] = [web.Response(status=429, headers={"Retry-After": header})]
    async with hook(receiver.url) as to:
        outcome = await to.send()
    assert (outcome.retry, outcome.retry_after_s) == (True, waits)


async def test_a_negative_retry_after_ends_the_retries(receiver: Receiver) -> None:
    receiver.handlers["/"] = [web.Response(status=503, headers={"Retry-After": "-1"})]
    async with hook(receiver.url) as to:
        assert not (await to.send()).retry


async def test_an_endpoint_that_hangs_times_out(receiver: Receiver) -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    receiver.handlers["/"] = [hang]
    async with hook(receiver.url, timeout_s=0.3) as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == ("TIMEOUT", True)


async def test_an_answer_that_drips_for_too_long_times_out_though_its_status_was_200(receiver: Receiver) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.02)

    receiver.handlers["/"] = [drip]
    async with hook(receiver.url, timeout_s=0.3) as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == ("TIMEOUT", True)


async def test_an_answer_in_pieces_is_delivered_when_it_ends_in_time(receiver: Receiver) -> None:
    async def pieces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        for _ in range(5):
            await response.write(b"piece")
            await asyncio.sleep(0.01)
        return response

    receiver.handlers["/"] = [pieces]
    async with hook(receiver.url) as to:
        assert (await to.send()).delivered


async def test_of_a_huge_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    written = 0

    async def huge(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        for _ in range(10_000):
            await response.write(b"x" * 65_536)
            written += 65_536
        return response

    receiver.handlers["/"] = [huge]
    async with hook(receiver.url) as to:
        assert (await to.send()).delivered
    assert written < 1_000 * 65_536  # more than the system buffers, and far from all


async def test_a_connection_that_is_reset_is_tried_again() -> None:
    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    async with server, hook(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/") as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == ("CONNECTION_FAILURE", True)


async def test_rubbish_instead_of_http_is_tried_again() -> None:
    async def rubbish(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-hello\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(rubbish, "127.0.0.1", 0)
    async with server, hook(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/") as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == ("CONNECTION_FAILURE", True)


async def test_a_refused_connection_is_tried_again_and_the_message_holds_no_secret() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with hook(f"http://127.0.0.1:{port}/hidden-path?token=hidden-token") as to:
            outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == ("CONNECTION_FAILURE", True)
    assert f"127.0.0.1:{port}" in outcome.error_message
    assert "hidden" not in outcome.error_message


async def test_tls_that_fails_is_tried_again(receiver: Receiver) -> None:
    async with hook(receiver.url.replace("http:", "https:")) as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == ("CONNECTION_FAILURE", True)
    assert outcome.error_message.startswith("TLS")


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(self_signed(tmp_path))
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=tls)
    async with server, hook(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/") as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == ("CONNECTION_FAILURE", True)
    assert outcome.error_message.startswith("TLS")


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    unsigned = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    made = unsigned.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "self-signed.pem"
    file.write_bytes(plain + made.public_bytes(pem))
    return file


@pytest.mark.parametrize("trouble", [socket.EAI_NONAME, socket.EAI_AGAIN])
async def test_a_host_that_has_no_address_yet_is_tried_again(trouble: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(trouble, "Name or service not known")

    async with hook("http://nowhere.invalid/") as to:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == ("CONNECTION_FAILURE", True)
    assert outcome.error_message == "no address is known for nowhere.invalid:80"


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1/", "http", "http:///in", "http://127.0.0.1:99999/"])
async def test_an_endpoint_that_cannot_be_called_is_not_tried_again(endpoint: str) -> None:
    async with hook(endpoint) as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == ("INVALID_PARAMETER", False)


OAUTH: Mapping[str, Any] = {
    "ClientParameters": {"ClientID": "me", "ClientSecret": "quiet"},
    "HttpMethod": "POST",
    "OAuthHttpParameters": {
        "HeaderParameters": [{"Key": "X-Tenant", "Value": "7"}],
        "QueryStringParameters": [{"Key": "v", "Value": "2"}],
        "BodyParameters": [{"Key": "scope", "Value": "events"}],
    },
}


def oauth(receiver: Receiver, **changes: Any) -> Connection:
    auth = {"OAuthParameters": {**OAUTH, "AuthorizationEndpoint": f"{receiver.url}/token", **changes}}
    return a_connection(auth, "OAUTH_CLIENT_CREDENTIALS")


def token(text: str, **more: Any) -> Handler:
    async def give(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"access_token": text, "token_type": "Bearer", **more})

    return give


async def test_a_token_is_fetched_once_with_the_clients_credentials_and_kept(receiver: Receiver) -> None:
    receiver.handlers["/token"] = [token("first", expires_in=3600)]
    async with hook(f"{receiver.url}/in", oauth(receiver)) as to:
        outcomes = await asyncio.gather(*[to.send(number=number) for number in range(5)])
    assert all(outcome.delivered for outcome in outcomes)
    asked, *sent = receiver.got
    assert asked[1] == "/token?v=2"
    assert asked[2]["x-tenant"] == "7"
    assert asked[3] == "grant_type=client_credentials&client_id=me&client_secret=quiet&scope=events"
    assert [(path, headers["authorization"]) for _, path, headers, _ in sent] == [("/in", "Bearer first")] * 5


async def test_a_token_that_has_expired_is_fetched_anew(receiver: Receiver) -> None:
    receiver.handlers["/token"] = [token("first", expires_in=0), token("second", expires_in="60")]
    async with hook(f"{receiver.url}/in", oauth(receiver)) as to:
        for _ in range(3):
            assert (await to.send()).delivered
    assert [headers.get("authorization") for _, path, headers, _ in receiver.got if path == "/in"] == [
        "Bearer first",
        "Bearer second",
        "Bearer second",
    ]


@pytest.mark.parametrize("said", ["NaN", "Infinity", "-5", "1e999", "9" * 400, "null", '"soon"', "[]"])
async def test_a_lifetime_that_is_no_number_of_seconds_counts_as_an_hour(receiver: Receiver, said: str) -> None:
    answer = f'{{"access_token": "first", "expires_in": {said}}}'
    receiver.handlers["/token"] = [web.Response(text=answer, content_type="application/json")]
    async with hook(f"{receiver.url}/in", oauth(receiver)) as to:
        for _ in range(2):
            assert (await to.send()).delivered
    assert [path for _, path, _, _ in receiver.got] == ["/token?v=2", "/in", "/in"]


@pytest.mark.parametrize("status", [401, 407])
async def test_a_refused_token_is_replaced_before_the_next_attempt(receiver: Receiver, status: int) -> None:
    receiver.handlers["/token"] = [token("first"), token("second")]
    receiver.handlers["/in"] = [status, 200]
    async with hook(f"{receiver.url}/in", oauth(receiver)) as to:
        refused = await to.send()
        assert refused.retry
        assert not refused.delivered
        assert (await to.send()).delivered
    assert receiver.got[-1][2]["authorization"] == "Bearer second"


@pytest.mark.parametrize(
    ("answer", "code", "retry"),
    [
        (401, "NO_PERMISSIONS", False),
        (429, "THROTTLING", True),
        (503, "ERROR_FROM_TARGET", True),
        (web.Response(text="quiet"), "ERROR_FROM_TARGET", True),
        (web.json_response({"access_token": None}), "ERROR_FROM_TARGET", True),
        (web.Response(text="[" * 50_000), "ERROR_FROM_TARGET", True),
    ],
)
async def test_without_a_token_nothing_is_sent(receiver: Receiver, answer: Any, code: str, retry: bool) -> None:  # noqa: FBT001 - a parameter
    receiver.handlers["/token"] = [answer]
    async with hook(f"{receiver.url}/in", oauth(receiver)) as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry) == (code, retry)
    assert "quiet" not in outcome.error_message
    assert [path for _, path, _, _ in receiver.got] == ["/token?v=2"]


async def test_a_token_endpoint_that_cannot_be_called_is_not_tried_again(receiver: Receiver) -> None:
    async with hook(f"{receiver.url}/in", oauth(receiver, AuthorizationEndpoint="ftp://127.0.0.1/token")) as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry, receiver.got) == ("INVALID_PARAMETER", False, [])


async def test_credentials_go_in_the_query_when_the_token_endpoint_wants_get(receiver: Receiver) -> None:
    receiver.handlers["/token"] = [token("first")]
    async with hook(f"{receiver.url}/in", oauth(receiver, HttpMethod="GET", OAuthHttpParameters={})) as to:
        assert (await to.send()).delivered
    assert receiver.got[0][:2] == ("GET", "/token?grant_type=client_credentials&client_id=me&client_secret=quiet")


async def test_a_deauthorized_connection_sends_nothing(receiver: Receiver) -> None:
    async with hook(receiver.url, replace(a_connection(), state="DEAUTHORIZED")) as to:
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry, receiver.got) == ("NO_PERMISSIONS", False, [])


async def test_a_missing_destination_or_connection_is_not_tried_again(receiver: Receiver) -> None:
    async with hook(receiver.url) as to:
        to.directory.resources = [a_destination(receiver.url)]
        assert (await to.send()).error_code == "NO_RESOURCE"
        to.directory.resources = []
        outcome = await to.send()
    assert (outcome.error_code, outcome.retry, receiver.got) == ("NO_RESOURCE", False, [])


async def test_all_targets_of_a_destination_share_its_rate(receiver: Receiver) -> None:
    async with hook(receiver.url) as to:
        to.directory.resources = [a_destination(receiver.url, rate=1), a_connection()]
        sender = to.senders.of(to.target)
        assert sender is not None
        assert sender.delay_s(to.target) == 0
        others = [replace(to.target, id=f"another-{number}") for number in range(20)]
        assert any(0 < sender.delay_s(other) <= 1 for other in others), "no second passes before each of them"
        assert sender.delay_s(a_target("arn:aws:events:eu-central-1:123456789012:api-destination/none/1")) == 0


async def test_a_changed_connection_counts_from_the_next_call(receiver: Receiver) -> None:
    async with hook(receiver.url) as to:
        await to.send()
        key = {"ApiKeyAuthParameters": {"ApiKeyName": "x-new-key", "ApiKeyValue": "new"}}
        to.directory.resources = [a_destination(receiver.url), a_connection(key)]
        await to.send()
    assert receiver.got[1][2]["x-new-key"] == "new"
    assert "x-api-key" not in receiver.got[1][2]

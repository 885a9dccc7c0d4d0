"""The direct way to PutEvents: what goes out is what boto3 would send, and what comes back is understood."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.serialize import create_serializer
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from notifier.envelope import Entry
from notifier.settings import NotifierSettings
from notifier.sinks.base import Accepted, CallRefusedError, ThrottledError
from notifier.sinks.eventbridge import EventBridgeSink
from notifier.sinks.put_events import DirectPut, put_of
from notifier.sinks.sigv4 import Keys, Signer
from schemas import aws
from schemas.errors import UnavailableError, UserError

ENTRY = Entry("s", "t", '{"n":"Zażółć 🦊"}')
TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
TIMES = st.integers(946_684_800, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


class Fixed(SigV4Auth):
    """botocore's signer at a fixed time, which it takes from the clock."""

    def add_auth(self, request: Any) -> None:
        request.context["timestamp"] = request.headers["X-Amz-Date"]
        if self.credentials.token:
            request.headers["X-Amz-Security-Token"] = self.credentials.token
        canonical = self.canonical_request(request)
        signature = self.signature(self.string_to_sign(request, canonical), request)
        request.headers["Authorization"] = f"{self.signed_headers(self.headers_to_sign(request))} {signature}"


@given(TEXT, TEXT, st.none() | TEXT, st.binary(max_size=100), TIMES)
def test_the_signature_is_botocores(access: str, secret: str, token: str | None, body: bytes, now: datetime) -> None:
    at = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": "bus.example", "content-type": "x/y", "x-amz-target": "A.B", "user-agent": "any"}
    request = AWSRequest("POST", "https://bus.example/", headers=headers | {"X-Amz-Date": at}, data=body)
    signer: Any = Fixed(Credentials(access, secret, token), "events", "eu-central-1")
    signer.add_auth(request)
    ours = Signer("events", "eu-central-1").headers(Keys(access, secret, token), at, headers, body)
    names, signature = request.headers["Authorization"].split()
    credential = f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}"
    assert ours["authorization"] == f"{credential}, SignedHeaders={names}, Signature={signature}"


def test_a_signer_that_has_signed_signs_with_new_credentials_and_on_a_new_day_as_a_fresh_one() -> None:
    signer = Signer("events", "r")
    for secret, at in (("one", "20260101T000000Z"), ("two", "20260101T000001Z"), ("two", "20260102T000000Z")):
        arguments = (Keys("a", secret), at, {"host": "h"}, b"")
        assert signer.headers(*arguments) == Signer("events", "r").headers(*arguments)


Respond = Callable[[bytes], bytes]


def answered(status: str, body: bytes, *more: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more])
    return head.encode() + b"\r\n\r\n" + body


def taken(count: int = 1) -> bytes:
    return json.dumps({"FailedEntryCount": 0, "Entries": [{"EventId": str(n)} for n in range(count)]}).encode()


@contextmanager
def server(*answers: bytes) -> Iterator[tuple[str, list[bytes], list[int]]]:
    """Answer request after request over as many connections as it takes; an empty answer closes the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []
    connections: list[int] = []
    left = list(answers)

    def serve() -> None:
        while left:
            connection, _ = listener.accept()
            connections.append(0)
            with connection, connection.makefile("rb") as reader:
                while left and (line := reader.readline()):
                    head = line
                    while line.strip():
                        line = reader.readline()
                        head += line
                    length = int(head.lower().partition(b"content-length:")[2].split()[0])
                    seen.append(head + reader.read(length))
                    answer = left.pop(0)
                    if not answer:
                        break
                    connection.sendall(answer)
                    if b"Connection: close" in answer:
                        break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen, connections
    finally:
        thread.join(10)
        listener.close()


@pytest.fixture
def sink_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], EventBridgeSink]:
    def make(url: str) -> EventBridgeSink:
        for name, value in {
            "AWS_ENDPOINT_URL_EVENTBRIDGE": url,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "NO_PROXY": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)
        return EventBridgeSink.from_settings(NotifierSettings(bus="b"))

    return make


Make = Callable[[str], EventBridgeSink]


def test_the_body_and_the_headers_are_those_of_botocore(sink_at: Make) -> None:
    with server(answered("200 OK", taken(2))) as (url, seen, _):
        assert sink_at(url).put([ENTRY, ENTRY]) == [Accepted("0"), Accepted("1")]
    head, _, body = seen[0].partition(b"\r\n\r\n")
    model = Session().get_service_model("events")
    one = {"Source": "s", "DetailType": "t", "Detail": ENTRY.detail, "EventBusName": "b"}
    wanted = create_serializer("json").serialize_to_request({"Entries": [one, one]}, model.operation_model("PutEvents"))
    assert body == wanted["body"]
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post / http/1.1"
    for name, value in wanted["headers"].items():
        assert f"{name}: {value}".lower() in lines
    assert f"host: {url.removeprefix('http://')}" in lines


def test_a_connection_is_used_again_and_a_closed_one_replaced(sink_at: Make) -> None:
    ok = answered("200 OK", taken())
    with server(ok, ok, answered("200 OK", taken(), "Connection: close"), ok) as (url, seen, connections):
        sink = sink_at(url)
        for _ in range(4):
            assert sink.put([ENTRY]) == [Accepted("0")]
    assert (len(seen), len(connections)) == (4, 2)


def test_chunks_and_interim_answers_are_understood(sink_at: Make) -> None:
    body = taken()
    chunked = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"5;x=y\r\n%b\r\n%x\r\n%b\r\n0\r\nTrailer: 1\r\n\r\n" % (body[:5], len(body) - 5, body[5:])
    with server(chunked, answered("200 OK", taken())) as (url, _, connections):
        sink = sink_at(url)
        assert sink.put([ENTRY]) == sink.put([ENTRY]) == [Accepted("0")]
    assert len(connections) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (answered("500 Internal Server Error", b"oops"), UnavailableError),
        (answered("429 Too Many Requests", b""), ThrottledError),
        (answered("400 Bad Request", b'{"__type":"ThrottlingException","message":"m"}'), ThrottledError),
        (answered("413 Content Too Large", b"<html>"), CallRefusedError),
        (answered("400 Bad Request", b'{"__type":"com.amazon#ValidationException"}'), CallRefusedError),
        (answered("403 Forbidden", b'{"__type":"UnrecognizedClientException","message":"m"}'), UserError),
        (answered("200 OK", b"not json"), UnavailableError),
        (answered("200 OK", b"[]"), UnavailableError),
        (b"SSH-2.0\r\n\r\n", UnavailableError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", UnavailableError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\nshort", UnavailableError),
        (b"", UnavailableError),
    ],
)
def test_an_answer_that_is_none_or_a_refusal_is_told_by_its_cause(
    sink_at: Make, answer: bytes, error: type[Exception]
) -> None:
    with server(answer) as (url, _, _), pytest.raises(error):
        sink_at(url).put([ENTRY])


def test_a_service_that_is_away_is_unavailable(sink_at: Make) -> None:
    with pytest.raises(UnavailableError, match="EventBridge can't be reached"):
        sink_at("http://127.0.0.1:1").put([ENTRY])


def direct(monkeypatch: pytest.MonkeyPatch, **env: str) -> bool:
    for name, value in {"AWS_DEFAULT_REGION": "eu-central-1", **env}.items():
        monkeypatch.setenv(name, value)
    return isinstance(put_of(aws.client("events", attempts=1)), DirectPut)


def test_what_only_boto3_knows_the_way_to_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert direct(monkeypatch)
    assert direct(monkeypatch, NO_PROXY="elsewhere")
    assert not direct(monkeypatch, AWS_ENDPOINT_URL_EVENTBRIDGE="http://127.0.0.1:1/behind/a/path")
    assert not direct(monkeypatch, AWS_ENDPOINT_URL_EVENTBRIDGE="http://bus.example", HTTP_PROXY="http://p:1")
    assert direct(monkeypatch, AWS_ENDPOINT_URL_EVENTBRIDGE="http://bus.example", NO_PROXY="bus.example")


def test_certificates_that_cannot_be_read_are_the_settings_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"no-such-file.* check AWS_CA_BUNDLE"):
        direct(monkeypatch, AWS_CA_BUNDLE="no-such-file", NO_PROXY="*")


def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(UserError, match="needs AWS credentials"):
        EventBridgeSink.from_settings(NotifierSettings()).put([ENTRY])


def test_errors_are_those_that_boto3_would_raise(sink_at: Make) -> None:
    refusal = answered("400 Bad Request", b'{"__type":"X","message":"m"}')
    with server(refusal) as (url, _, _):
        put = sink_at(url)._put
        with pytest.raises(ClientError) as raised:
            put(Entries=[])
    assert raised.value.response["Error"] == {"Code": "X", "Message": "m"}
    with pytest.raises(BotoCoreError):
        sink_at("http://127.0.0.1:1")._put(Entries=[])

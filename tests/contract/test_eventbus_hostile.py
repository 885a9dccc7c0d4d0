"""Bad requests, bad signatures, slow and many clients: each gets its answer, and nobody else waits for it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.eventbus_server import Bus, running_bus
from tests.harness import PATIENCE, ROOT

LIST = b"POST / HTTP/1.1\r\nHost: bus\r\nX-Amz-Target: AWSEvents.ListEventBuses\r\n"


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with running_bus(tmp_path_factory.mktemp("bus")) as running:
        yield running


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with running_bus(tmp_path_factory.mktemp("strict"), "--require-signature") as running:
        yield running


def connected(bus: Bus) -> socket.socket:
    return socket.create_connection(("127.0.0.1", bus.port), timeout=PATIENCE * 20)


def answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one response: status, headers, body."""
    with connection.makefile("rb") as lines:
        status = int(lines.readline().split()[1])
        headers = {}
        while line := lines.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers, lines.read(int(headers.get("content-length", 0)))


def sent(bus: Bus, request: bytes) -> tuple[int, dict[str, str], Any]:
    with connected(bus) as connection:
        connection.sendall(request)
        status, headers, body = answer(connection)
    return status, headers, json.loads(body or b"null")


def posted(bus: Bus, body: bytes, target: bytes = b"AWSEvents.PutEvents", path: bytes = b"/") -> tuple[int, Any]:
    head = b"POST %s HTTP/1.1\r\nHost: bus\r\nX-Amz-Target: %s\r\nContent-Length: %d\r\n\r\n" % (
        path,
        target,
        len(body),
    )
    status, _, found = sent(bus, head + body)
    return status, found


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"Entries": [}',
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b'{"Entries": [{"Source": "\\ud800", "DetailType": "d", "Detail": "{}"}]}',
        b'{"Entries": NaN}',
        b"[" * 200_000,
        b'{"Entries": ' + b"9" * 5_000 + b"}",
        b"[]",
        b'"text"',
        b"null",
        b'{"Entries": "text"}',
        b'{"Entries": [[]]}',
    ],
)
def test_what_is_not_a_request_is_a_serialization_error(bus: Bus, body: bytes) -> None:
    status, found = posted(bus, body)
    assert (status, found["__type"]) == (400, "SerializationException")
    assert "Traceback" not in found["message"]
    assert "recursion" not in found["message"]


@pytest.mark.parametrize(
    "detail",
    [
        "[]",
        "1",
        '"text"',
        "null",
        "",
        "{",
        '{"a": NaN}',
        "{}{}",
        '{}, "source": "aws.fake"',
        '{"a":' * 50_000 + "1" + "}" * 50_000,
    ],
)
def test_a_detail_that_is_no_object_is_its_entrys_error(bus: Bus, detail: str) -> None:
    entry = {"Source": "shop", "DetailType": "order", "Detail": detail}
    status, found = posted(bus, json.dumps({"Entries": [entry, {**entry, "Detail": "{}"}]}).encode())
    assert status == 200
    assert found["FailedEntryCount"] == 1
    assert found["Entries"][0]["ErrorCode"] in {"MalformedDetail", "InvalidArgument"}
    assert found["Entries"][1]["EventId"]


@pytest.mark.parametrize(
    "target", [b"AWSEvents.Fly", b"AWSEvents.", b"DynamoDB_20120810.ListTables", b"", b"\xe9", b"x" * 5_000]
)
def test_an_unknown_operation_says_so(bus: Bus, target: bytes) -> None:
    status, found = posted(bus, b"{}", target)
    assert (status, found["__type"]) == (400, "UnknownOperationException")


def test_an_empty_body_is_an_empty_request(bus: Bus) -> None:
    status, found = posted(bus, b"", b"AWSEvents.ListEventBuses")
    assert status == 200
    assert found["EventBuses"]


def test_other_paths_and_methods_tell_what_this_is(bus: Bus) -> None:
    assert posted(bus, b"{}", path=b"/elsewhere")[0] == 404
    status, _, found = sent(bus, b"GET / HTTP/1.1\r\nHost: bus\r\n\r\n")
    assert status == 404
    assert "/_bus/explain?event=ID" in found["pages"]
    with connected(bus) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert answer(connection)[0] == 400


def test_a_body_above_the_limit_is_refused_and_the_client_gets_to_know(bus: Bus) -> None:
    status, found = posted(bus, b"x" * (5 * 1024 * 1024))
    assert (status, found["__type"]) == (413, "RequestEntityTooLarge")
    with pytest.raises(ClientError) as caught:
        bus.client().put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": "x" * (5 * 1024 * 1024)}])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_slow_client_is_told_so_and_holds_nobody_up(tmp_path: Path) -> None:
    # A bus of its own, so that no other client has to be as quick; those beside the slow ones send all at once.
    with running_bus(tmp_path, EVENTBUS_BODY_TIMEOUT_S="4") as bus, ExitStack() as slow:
        dripping = [slow.enter_context(connected(bus)) for _ in range(20)]
        for connection in dripping:
            connection.sendall(LIST + b"Content-Length: 1000\r\n\r\n{")
        for connection in dripping:
            connection.sendall(b" ")
            assert posted(bus, b"{}", b"AWSEvents.ListEventBuses")[0] == 200
        status, headers, body = answer(dripping[0])
    assert (status, json.loads(body)["__type"]) == (408, "RequestTimeoutException")
    assert headers["connection"] == "close"


def test_headers_without_end_end_the_connection(bus: Bus) -> None:
    headers = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 1_000) for number in range(20_000))
    with connected(bus) as connection:
        connection.sendall(LIST)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            connection.sendall(headers)


def test_a_client_that_goes_away_harms_nobody(bus: Bus) -> None:
    for _ in range(20):
        with connected(bus) as connection:
            connection.sendall(LIST + b"Content-Length: 1000\r\n\r\n{")
    assert posted(bus, b"{}", b"AWSEvents.ListEventBuses")[0] == 200
    assert "internal error" not in bus.service.log


def test_three_hundred_connections_at_once_are_all_answered(bus: Bus) -> None:
    entry = {"Source": "shop", "DetailType": "order", "Detail": "{}"}
    body = json.dumps({"Entries": [entry]}).encode()
    request = b"POST / HTTP/1.1\r\nHost: bus\r\nX-Amz-Target: AWSEvents.PutEvents\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    with ExitStack() as open_:
        connections = [open_.enter_context(connected(bus)) for _ in range(300)]
        for connection in connections:
            connection.sendall(request + body)
        found = [answer(connection) for connection in connections]
    assert [status for status, _, _ in found] == [200] * 300
    assert len({json.loads(body)["Entries"][0]["EventId"] for _, _, body in found}) == 300


def test_many_clients_at_once_each_see_their_own_change(bus: Bus) -> None:
    def put(number: int) -> None:
        client = bus.client()
        client.put_rule(Name="shared", EventPattern='{"a": ["b"]}')
        client.put_targets(
            Rule="shared", Targets=[{"Id": f"t{number}", "Arn": f"arn:aws:sqs:eu-central-1:123456789012:q{number}"}]
        )

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(put, range(5)))
    targets = bus.client().list_targets_by_rule(Rule="shared")["Targets"]
    assert [target["Id"] for target in targets] == ["t0", "t1", "t2", "t3", "t4"]


# --- signatures


def test_without_require_signature_anybody_is_served(bus: Bus) -> None:
    assert bus.client("stranger", "wrong").list_event_buses()["EventBuses"]


def test_with_require_signature_the_right_secret_is_served(strict: Bus) -> None:
    assert strict.client().list_event_buses()["EventBuses"]


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        ({"secret": "wrong"}, "InvalidSignatureException"),
        ({"key_id": "stranger"}, "UnrecognizedClientException"),
        ({"key_id": "210987654321"}, "UnrecognizedClientException"),
    ],
)
def test_with_require_signature_others_are_refused(strict: Bus, credentials: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        strict.client(**credentials).list_event_buses()
    assert caught.value.response["Error"]["Code"] == code


def test_with_require_signature_the_unsigned_are_refused(strict: Bus) -> None:
    status, found = posted(strict, b"{}", b"AWSEvents.ListEventBuses")
    assert (status, found["__type"]) == (400, "MissingAuthenticationTokenException")
    unfinished = LIST + b"Authorization: AWS4-HMAC-SHA256 Credential=x\r\nContent-Length: 2\r\n\r\n{}"
    assert sent(strict, unfinished)[2]["__type"] == "IncompleteSignature"


# --- the command line


def run(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eventbus", *args]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, timeout=PATIENCE * 60, check=False
    )


def test_a_port_that_is_taken_ends_it_with_one_line(bus: Bus, tmp_path: Path) -> None:
    ended = run("--port", str(bus.port), "--data", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: can't listen on 127.0.0.1:{bus.port}: ")
    assert len(ended.stderr.splitlines()) == 1


def test_what_the_caller_got_wrong_is_one_line(tmp_path: Path) -> None:
    ended = run("--require-signature", "--data", str(tmp_path), EVENTBUS_ACCESS_KEY_ID="", AWS_ACCESS_KEY_ID="")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    ended = run("--port", "70000")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert "--port is '70000'" in ended.stderr or "--port is 70000" in ended.stderr
    ended = run("explain", "some-id", "--url", "http://127.0.0.1:9")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)


def test_subscriber_files_can_be_checked() -> None:
    ended = run("check", CARDWATCH_WEBHOOK_URL="http://127.0.0.1:4020/x")
    assert ended.returncode == 0, ended.stderr
    assert "rule suspicious-activity on bus cardwatch" in ended.stdout
    assert run("check", "no-such-folder").returncode == 2

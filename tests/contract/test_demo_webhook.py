from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from demo.arrivals import Delivered
from demo.process import HOST
from demo.webhook import Received, Receiver, WebhookSettings, listener, serving
from schemas.errors import UnavailableError, UserError
from schemas.settings import load
from tests.harness import PATIENCE

KEY = "a key"


def event(number: int) -> bytes:
    detail = {"value": {"eventDetail": {"notificationId": f"n{number}", "transactionId": f"t{number}"}}}
    return json.dumps({"detail": detail}).encode()


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver(clock: Clock) -> Receiver:
    return Receiver(KEY, clock)


@pytest.fixture
def url(receiver: Receiver) -> Iterator[str]:
    with serving(receiver, HOST) as address:
        yield address


def post(url: str, body: bytes, key: str | None = KEY) -> tuple[int, dict[str, object]]:
    headers = {"Content-Type": "application/json"} | ({"X-Api-Key": key} if key is not None else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=PATIENCE * 10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_each_notification_counts_once_and_a_repeat_is_told(url: str, receiver: Receiver) -> None:
    assert [post(url, event(n)) for n in (1, 2, 1)] == [
        (200, {"repeated": False}),
        (200, {"repeated": False}),
        (200, {"repeated": True}),
    ]
    assert (receiver.distinct, len(receiver.events)) == (2, 3)
    assert receiver.events[-1] == Delivered("n1", "t1", 1_000_000)


@pytest.mark.parametrize("key", [None, "", "another", "ä"])
def test_nothing_is_taken_without_the_key(url: str, receiver: Receiver, key: str | None) -> None:
    assert post(url, event(1), key and key.encode().decode("latin-1"))[0] == 401
    assert receiver.events == []
    with pytest.raises(UnavailableError, match=r"does not say .* 401"):
        Received(url, "another").new()


@pytest.mark.parametrize("body", [b"nothing", b"\xff\xfe", b" " * 3_000_000])
def test_what_is_no_event_is_refused(url: str, receiver: Receiver, body: bytes) -> None:
    assert post(url, body)[0] == 400
    assert receiver.events == []


def test_while_it_is_out_it_answers_503_and_forgets_nothing(url: str, receiver: Receiver, clock: Clock) -> None:
    post(url, event(1))
    receiver.go_out(5)
    clock.now += 60  # nobody calls: the outage begins with the first who does
    assert post(url, event(2))[0] == 503
    clock.now += 4.9
    assert post(url, event(2))[0] == 503
    clock.now += 0.1
    assert post(url, event(2))[0] == 200
    assert (receiver.distinct, receiver.turned_away) == (2, 2)


def test_health_tells_the_counts_and_the_last(url: str) -> None:
    post(url, event(1))
    with urllib.request.urlopen(url.replace("/suspicious-activity", "/health"), timeout=PATIENCE * 10) as answer:
        assert json.load(answer) == {"status": "ok", "events": 1, "distinct": 1, "turnedAway": 0, "last": "n1"}


def test_each_reader_gets_what_is_new_to_it(url: str, receiver: Receiver) -> None:
    here, elsewhere = receiver.reader(), Received(url, KEY).new
    for number in (1, 2):
        post(url, event(number))
        found = [each.notification_id for each in elsewhere()]
        assert found == [each.notification_id for each in here()] == [f"n{number}"]
    assert (here(), elsewhere()) == ([], [])


def test_a_receiver_that_is_away_is_named() -> None:
    with pytest.raises(UnavailableError, match="Check CARDWATCH_WEBHOOK_URL and CARDWATCH_WEBHOOK_KEY"):
        Received("http://127.0.0.1:1/suspicious-activity", KEY).new()


def test_a_taken_port_is_named_with_the_variable() -> None:
    with listener(HOST, 0) as taken, pytest.raises(UserError, match="CARDWATCH_WEBHOOK_PORT"):
        listener(HOST, taken.getsockname()[1])


def test_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDWATCH_WEBHOOK_KEY", "s3cret")
    settings = load(WebhookSettings)
    assert settings.key.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)

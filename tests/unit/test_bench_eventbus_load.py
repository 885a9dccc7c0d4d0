from __future__ import annotations

import json

from bench.eventbus.compare import SETTINGS, events_for
from bench.eventbus.entries import entry, id_in, notification_id
from bench.eventbus.put import Load, requests
from bench.eventbus.receive import Connection, Seen, arrivals


def test_an_entry_is_a_suspicious_activity_of_about_a_kilobyte_with_its_id() -> None:
    made = entry(7, "bench")
    assert made["DetailType"] == "kafka-connect-notifications"
    assert json.loads(made["Detail"])["value"]["eventType"] == "suspiciousActivity"
    assert 900 < len(made["Detail"]) < 1_500
    assert id_in(made["Detail"].encode()) == notification_id(7)


def test_an_id_is_found_however_the_event_is_spaced() -> None:
    assert id_in(json.dumps({"detail": json.loads(entry(3, "b")["Detail"])}, indent=1).encode()) == notification_id(3)
    assert id_in(b"") is None


def test_every_event_is_in_exactly_one_signed_request() -> None:
    made = requests(Load("http://127.0.0.1:1", "bench", first=100, events=25, per_request=10, connections=4))
    assert [list(numbers) for numbers, _ in made] == [
        list(range(100, 110)),
        list(range(110, 120)),
        list(range(120, 125)),
    ]
    for numbers, request in made:
        head, _, body = request.partition(b"\r\n\r\n")
        assert b"X-Amz-Target: AWSEvents.PutEvents" in head
        assert b"Authorization: AWS4-HMAC-SHA256 Credential=" in head
        assert f"Content-Length: {len(body)}".encode() in head
        assert [id_in(each["Detail"].encode()) for each in json.loads(body)["Entries"]] == [
            notification_id(number) for number in numbers
        ]


def test_two_buses_get_the_same_bodies() -> None:
    one, other = (requests(Load(f"http://127.0.0.1:{port}", "b", 0, 10, 10, 1))[0][1] for port in (1, 2))
    assert one.partition(b"\r\n\r\n")[2] == other.partition(b"\r\n\r\n")[2]


def test_the_receiver_reads_requests_that_come_in_pieces_and_several_at_once() -> None:
    seen = Seen()
    connection = Connection(seen)
    body = json.dumps({"detail": json.loads(entry(1, "b")["Detail"])}).encode()
    post = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    whole = post + post + b"POST /x HTTP/1.1\r\nHost: a\r\n\r\n"
    for start in range(0, len(whole), 37):
        connection.data_received(whole[start : start + 37])
    assert (len(seen.of_id), len(seen.nameless), seen.count) == (2, 1, 2)


def test_the_receiver_tells_what_it_saw_and_forgets_it() -> None:
    seen = Seen()
    seen.answer(b"POST", b"/x", entry(5, "b")["Detail"].encode())
    told = arrivals(seen.answer(b"GET", b"/arrivals", b"").partition(b"\r\n\r\n")[2])
    assert [name for name, _ in told.of_id] == [notification_id(5)]
    seen.answer(b"DELETE", b"/", b"")
    assert seen.count == 0


def test_a_bus_gets_its_share_of_the_events_in_each_setting() -> None:
    assert [events_for(setting, 10_000, 1) for setting in SETTINGS] == [1_000, 10_000, 500, 5_000, 500, 5_000]
    assert min(events_for(setting, 100, 20) for setting in SETTINGS) == 10

"""A target that puts what it gets on the bus again: the rule decides whether that ever ends, and others are served."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.eventbus_server import Bus, running_bus
from tests.harness import wait_until

ROUNDS = 25
"""After so many the target stops putting events again, or the test would not end."""


@contextmanager
def republisher(bus: Bus) -> Iterator[tuple[str, Counter[str]]]:
    """Serve a webhook that puts each event again, as of source `republished`; yield its URL and calls by source."""
    calls, lock = Counter[str](), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                calls[event["source"]] += 1
                again = self.path == "/again" and calls.total() < ROUNDS
            if again:
                put(bus, "republished", event["detail-type"])
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        server.server_close()


def put(bus: Bus, source: str, detail_type: str) -> None:
    entry = {"Source": source, "DetailType": detail_type, "Detail": "{}"}
    assert bus.client().put_events(Entries=[entry])["FailedEntryCount"] == 0


def subscribe(bus: Bus, name: str, pattern: dict[str, Any], url: str) -> None:
    events = bus.client()
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "x-api-key", "ApiKeyValue": "workshop"}}
    connection = events.create_connection(Name=name, AuthorizationType="API_KEY", AuthParameters=key)
    destination = events.create_api_destination(
        Name=name, ConnectionArn=connection["ConnectionArn"], InvocationEndpoint=url, HttpMethod="POST"
    )
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    target = {"Id": name, "Arn": destination["ApiDestinationArn"], "RoleArn": "arn:aws:iam::123456789012:role/events"}
    assert events.put_targets(Rule=name, Targets=[target])["FailedEntryCount"] == 0


def pending(bus: Bus) -> int:
    return sum(target["pending"] for target in bus.page("/_bus/targets")["targets"])


def test_a_rule_that_matches_what_its_target_puts_goes_round_and_holds_nobody_up(tmp_path: Path) -> None:
    with running_bus(tmp_path) as bus, republisher(bus) as (url, calls):
        subscribe(bus, "greedy", {"detail-type": ["order"]}, f"{url}/again")
        subscribe(bus, "calm", {"source": ["calm"]}, f"{url}/calm")
        put(bus, "shop", "order")
        for _ in range(5):
            put(bus, "calm", "other")
        wait_until(lambda: calls["calm"] == 5, what="the other target's events")
        wait_until(lambda: calls.total() >= ROUNDS and pending(bus) == 0, what="the end of the loop")
        assert calls["shop"] == 1
        assert calls["republished"] >= ROUNDS - 6


def test_a_rule_that_names_the_first_source_ends_what_its_target_puts(tmp_path: Path) -> None:
    with running_bus(tmp_path) as bus, republisher(bus) as (url, calls):
        subscribe(
            bus, "careful", {"detail-type": ["order"], "source": [{"anything-but": "republished"}]}, f"{url}/again"
        )
        put(bus, "shop", "order")
        wait_until(lambda: calls["shop"] == 1 and pending(bus) == 0, what="the first event")
        [unmatched] = bus.page("/_bus/unmatched")["events"]
        assert unmatched["source"] == "republished"
        assert calls == {"shop": 1}

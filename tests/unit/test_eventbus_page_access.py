"""Who may see the pages that show events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from starlette.applications import Starlette

from eventbus.api.pages import Insight, routes


async def status(page: str, client: str, *, here_alone: bool) -> int:
    return (await answer(page, client, here_alone=here_alone))[0]


async def answer(page: str, client: str, *, here_alone: bool) -> tuple[int, bytes]:
    async def explain(_: str) -> Mapping[str, Any] | None:
        deep = '{"detail":' + '{"a":' * 5000 + '"größer \\ud800 🎉"' + "}" * 5001
        return {"event": "x", "occurrences": [{"verdict": "\ud800", "body": deep}] * 2}

    async def unmatched() -> Sequence[Mapping[str, Any]]:
        return []

    insight = Insight(
        health=lambda: "the disk is full",
        metrics=lambda: b"",
        metrics_type="text/plain",
        explain=explain,
        unmatched=unmatched,
        targets=list,
        here_alone=here_alone,
    )
    path, _, query = page.partition("?")
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    found: list[int] = []
    body = bytearray()

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        found.extend([message["status"]] if "status" in message else [])
        body.extend(message.get("body", b""))

    await Starlette(routes=routes(insight))({**scope, "client": (client, 50_000)}, receive, send)
    return found[0], bytes(body)


SHOWING = ["/_bus/explain?event=x", "/_bus/unmatched", "/_bus/targets"]


@pytest.mark.parametrize("page", SHOWING)
async def test_where_signatures_are_asked_for_events_are_shown_to_this_machine_alone(page: str) -> None:
    assert await status(page, "192.0.2.1", here_alone=True) == 403
    assert await status(page, "127.0.0.1", here_alone=True) == 200
    assert await status(page, "192.0.2.1", here_alone=False) == 200


async def test_health_and_metrics_are_for_everybody() -> None:
    assert await status("/_bus/metrics", "192.0.2.1", here_alone=True) == 200
    assert await status("/_bus/health", "192.0.2.1", here_alone=True) == 503


async def test_an_event_is_shown_as_it_was_put_however_deeply_it_is_nested() -> None:
    _, body = await answer("/_bus/explain?event=x", "127.0.0.1", here_alone=False)
    shallow = body.decode("ascii").replace('{"a":' * 5000, '{"a":').replace("}" * 5001, "}}")
    found = json.loads(shallow)
    assert found["event"] == "x"
    first, second = found["occurrences"]
    assert first == second == {"verdict": "\ud800", "body": {"detail": {"a": "größer \ud800 🎉"}}}

"""The bus's own pages, below `/_bus`: whether it is well, what it counted, and why an event didn't arrive."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PREFIX: Final = "/_bus"
INDEX: Final = {
    f"{PREFIX}/health": "whether the bus is well",
    f"{PREFIX}/metrics": "counters and latencies for Prometheus, under EventBridge's names",
    f"{PREFIX}/explain?event=ID": "what became of an event, rule by rule",
    f"{PREFIX}/unmatched": "recent events that no rule matched, and why",
    f"{PREFIX}/targets": "for each target of each rule: delivered, retried, dead-lettered, pending, last error",
}


@dataclass(frozen=True, slots=True)
class Insight:
    """Where the pages get what they show."""

    health: Callable[[], str | None]
    """Returns why the bus is not well, or None."""
    metrics: Callable[[], bytes]
    """Returns the text that Prometheus reads."""
    metrics_type: str
    """Its content type."""
    explain: Callable[[str], Awaitable[Mapping[str, Any] | None]]
    """Returns what became of the event of that id, or None: there is none."""
    unmatched: Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
    targets: Callable[[], Sequence[Mapping[str, Any]]]


def routes(insight: Insight) -> list[Route]:
    """Return the pages."""

    async def index(_: Request) -> Response:
        return _json(INDEX)

    async def health(_: Request) -> Response:
        problem = insight.health()
        if problem is None:
            return _json({"status": "ok"})
        return _json({"status": "unhealthy", "reason": problem}, 503)

    async def metrics(_: Request) -> Response:
        return Response(insight.metrics(), media_type=insight.metrics_type)

    async def explain(request: Request) -> Response:
        event_id = request.query_params.get("event", "")
        if not event_id:
            return _json({"error": f"say which event: {PREFIX}/explain?event=ID"}, 400)
        found = await insight.explain(event_id)
        if found is None:
            remedy = "ids are in the answer of PutEvents; old events are forgotten"
            return _json({"error": f"no event {event_id[:100]!r}: {remedy}"}, 404)
        return _json(found)

    async def unmatched(_: Request) -> Response:
        return _json({"events": await insight.unmatched()})

    async def targets(_: Request) -> Response:
        return _json({"targets": insight.targets()})

    pages = {"": index, "/health": health, "/metrics": metrics, "/explain": explain}
    pages |= {"/unmatched": unmatched, "/targets": targets}
    return [Route(f"{PREFIX}{path}", page) for path, page in pages.items()]


def _json(content: Any, status: int = 200) -> Response:
    """Answer in ASCII: an event may hold half a surrogate pair, which no other encoding takes."""
    return Response(json.dumps(content, indent=1), status_code=status, media_type="application/json")

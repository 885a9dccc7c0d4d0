"""The bus's own pages, below `/_bus`: whether it is well, what it counted, and why an event didn't arrive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
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
        return JSONResponse(INDEX)

    async def health(_: Request) -> Response:
        problem = insight.health()
        if problem is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unhealthy", "reason": problem}, status_code=503)

    async def metrics(_: Request) -> Response:
        return Response(insight.metrics(), media_type=insight.metrics_type)

    async def explain(request: Request) -> Response:
        event_id = request.query_params.get("event", "")
        if not event_id:
            return JSONResponse({"error": f"say which event: {PREFIX}/explain?event=ID"}, status_code=400)
        found = await insight.explain(event_id)
        if found is None:
            remedy = "ids are in the answer of PutEvents; old events are forgotten"
            return JSONResponse({"error": f"no event {event_id[:100]!r}: {remedy}"}, status_code=404)
        return JSONResponse(found)

    async def unmatched(_: Request) -> Response:
        return JSONResponse({"events": await insight.unmatched()})

    async def targets(_: Request) -> Response:
        return JSONResponse({"targets": insight.targets()})

    pages = {"": index, "/health": health, "/metrics": metrics, "/explain": explain}
    pages |= {"/unmatched": unmatched, "/targets": targets}
    return [Route(f"{PREFIX}{path}", page) for path, page in pages.items()]

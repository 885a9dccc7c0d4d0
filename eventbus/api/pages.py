"""The bus's own pages, below `/_bus`: whether it is well, what it counted, and why an event didn't arrive."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from eventbus.api.listen import is_loopback

Page = Callable[[Request], Coroutine[Any, Any, Response]]

PREFIX: Final = "/_bus"
INDEX: Final = {
    f"{PREFIX}/health": "whether the bus is well",
    f"{PREFIX}/metrics": "counters and latencies for Prometheus, under EventBridge's names",
    f"{PREFIX}/explain?event=ID": "what became of an event, rule by rule",
    f"{PREFIX}/unmatched": "recent events that no rule matched, and why",
    f"{PREFIX}/targets": "for each target of each rule: delivered, retried, dead-lettered, pending, last error",
}


_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")


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
    """Returns what became of the event of that id, with the JSON text of its `body`, or None: there is none."""
    unmatched: Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
    targets: Callable[[], Sequence[Mapping[str, Any]]]
    here_alone: bool
    """Whether what events hold is shown to this machine alone: a page can't be signed."""


def routes(insight: Insight) -> list[Route]:
    """Return the pages."""
    pages = _Pages(insight)
    open_to_all = {"": pages.index, "/health": pages.health, "/metrics": pages.metrics}
    showing = {"/explain": pages.explain, "/unmatched": pages.unmatched, "/targets": pages.targets}
    if insight.here_alone:
        showing = {path: _here_alone(page) for path, page in showing.items()}
    return [Route(f"{PREFIX}{path}", page) for path, page in {**open_to_all, **showing}.items()]


@dataclass(frozen=True, slots=True)
class _Pages:
    insight: Insight

    async def index(self, _: Request) -> Response:
        return _json(INDEX)

    async def health(self, _: Request) -> Response:
        problem = self.insight.health()
        return _json({"status": "ok"}) if problem is None else _json({"status": "unhealthy", "reason": problem}, 503)

    async def metrics(self, _: Request) -> Response:
        return Response(await asyncio.to_thread(self.insight.metrics), media_type=self.insight.metrics_type)

    async def explain(self, request: Request) -> Response:
        event_id = request.query_params.get("event", "")
        if not event_id:
            return _json({"error": f"say which event: {PREFIX}/explain?event=ID"}, 400)
        found = await self.insight.explain(event_id)
        if found is None:
            remedy = "ids are in the answer of PutEvents; old events are forgotten"
            return _json({"error": f"no event {event_id[:100]!r}: {remedy}"}, 404)
        return await asyncio.to_thread(_explanation, found)

    async def unmatched(self, _: Request) -> Response:
        return _json({"events": await self.insight.unmatched()})

    async def targets(self, _: Request) -> Response:
        return await asyncio.to_thread(_json, {"targets": self.insight.targets()})


def _here_alone(page: Page) -> Page:
    """Return a page that is answered to clients on this machine alone."""

    async def guarded(request: Request) -> Response:
        if request.client and is_loopback(request.client.host):
            return await page(request)
        return _json({"error": "requests must be signed, and a page can't be: ask on the bus's own machine"}, 403)

    return guarded


def _json(content: Any, status: int = 200) -> Response:
    """Answer in ASCII: an event may hold half a surrogate pair, which no other encoding takes."""
    return Response(json.dumps(content, indent=1), status_code=status, media_type="application/json")


def _explanation(found: Mapping[str, Any]) -> Response:
    """Answer with the body of each event as it stands: no encoder could take one that is nested deeply."""
    occurrences = []
    for each in found["occurrences"]:
        rest = json.dumps({name: value for name, value in each.items() if name != "body"}, indent=1)
        body = _NOT_ASCII.sub(lambda text: encode_basestring_ascii(text[0])[1:-1], each["body"])
        occurrences.append(f'{rest.removesuffix("}").rstrip()},\n "body": {body}\n}}')
    text = f'{{"event": {json.dumps(found["event"])}, "occurrences": [\n{",".join(occurrences)}\n]}}'
    return Response(text, media_type="application/json")

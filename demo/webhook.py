"""A receiver of events over HTTP, such as a subscriber would run: checks its key, and counts each notification once.

POST /suspicious-activity   an event; 200, or 401 without the key, 400 when it is no event, 503 while it is out
GET  /received?from=N       the events from the Nth on, as JSON; with the key
GET  /health                200, and how many have come
"""

from __future__ import annotations

import hmac
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin

import uvicorn
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.arrivals import Delivered, Look, delivered
from schemas import ops
from schemas.errors import UnavailableError
from schemas.settings import Settings

PATH: Final = "/suspicious-activity"
HEADER: Final = "x-api-key"
URL: Final = "CARDWATCH_WEBHOOK_URL"
"""Variable with the address where the bus posts events, as infra/eventbridge has it."""
KEY: Final = "CARDWATCH_WEBHOOK_KEY"
"""Variable with the key that it sends."""
_LARGEST: Final = 2 * 1024 * 1024
"""Bytes of a body; EventBridge's events are at most half of it."""
_KEEP_ALIVE_S: Final = 60
"""Longer than callers keep a connection, so that none is closed under a call."""


class WebhookSettings(Settings):
    """A receiver that runs on its own, and where the report finds it."""

    model_config = SettingsConfigDict(env_prefix="CARDWATCH_WEBHOOK_")

    host: str = "127.0.0.1"
    """Address on which it listens."""

    port: int = Field(default=4020, ge=0, le=65535)
    """Its port."""

    key: SecretStr = Field(default=SecretStr("workshop"), min_length=1)
    """Key that callers send as x-api-key; never logged."""

    url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """Where the bus posts events, for the bus and `demo report`; empty: the report doesn't look there."""


class Receiver:
    """What has been received, and whether it is out of order."""

    def __init__(self, key: str, now: Callable[[], float] = time.time) -> None:
        """Take events of whoever has the `key`; `now` is in seconds since 1970."""
        self._key = key.encode()
        self._now = now
        self._out_s = self._out_until = 0.0
        self._ids: set[str] = set()
        self.events: list[Delivered] = []
        """In the order in which they came, repeats included."""
        self.turned_away = 0
        """Calls answered with 503."""

    def knows(self, key: str) -> bool:
        """Say whether this is the key."""
        return hmac.compare_digest(key.encode(), self._key)

    def go_out(self, seconds: float) -> None:
        """Answer 503 from the next call on, for so long: an outage that nobody meets is none."""
        self._out_s, self._out_until = seconds, 0.0

    def out(self) -> bool:
        """Say whether it is out of order, and count the call if so."""
        if self._out_s:
            self._out_s, self._out_until = 0.0, self._now() + self._out_s
        is_out = self._now() < self._out_until
        self.turned_away += is_out
        return is_out

    def take(self, body: str) -> bool:
        """Take an event in; return whether its notification was here before.

        Raises:
            ValueError: it is no event.
        """
        event = delivered(body, int(self._now() * 1000))
        repeated = event.notification_id in self._ids
        self._ids.add(event.notification_id)
        self.events.append(event)
        return repeated

    def reader(self) -> Look:
        """Return a function that returns what came since its last call."""
        seen = 0

        def new() -> list[Delivered]:
            nonlocal seen
            found = self.events[seen:]
            seen += len(found)
            return found

        return new

    @property
    def distinct(self) -> int:
        """How many notifications have come."""
        return len(self._ids)


def app(receiver: Receiver) -> Starlette:
    """Return the ASGI application."""

    async def post(request: Request) -> Response:
        if receiver.out():
            return JSONResponse({"error": "out of order for a while"}, HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            return JSONResponse({"repeated": receiver.take(await _body(request))})
        except ValueError as error:
            return JSONResponse({"error": f"not an event: {error}"}, HTTPStatus.BAD_REQUEST)

    async def received(request: Request) -> Response:
        first = int(request.query_params.get("from", 0))
        return JSONResponse([asdict(event) for event in receiver.events[first:]])

    async def health(_: Request) -> Response:
        last = receiver.events[-1].notification_id if receiver.events else None
        counts = {"events": len(receiver.events), "distinct": receiver.distinct, "turnedAway": receiver.turned_away}
        return JSONResponse({"status": "ok", **counts, "last": last})

    def with_key(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            if receiver.knows(request.headers.get(HEADER, "")):
                return await answer(request)
            return JSONResponse({"error": f"{HEADER} is missing or wrong"}, HTTPStatus.UNAUTHORIZED)

        return checked

    return Starlette(
        routes=[
            Route(PATH, with_key(post), methods=["POST"]),
            Route("/received", with_key(received)),
            Route("/health", health),
        ]
    )


async def _body(request: Request) -> str:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST:
            raise ValueError(f"more than {_LARGEST} bytes")
    return body.decode()


def listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        UserError: the port is taken or may not be opened.
    """
    return ops.listening(host, port, "Choose another CARDWATCH_WEBHOOK_PORT")


def server(receiver: Receiver) -> uvicorn.Server:
    """Return a server for the receiver that is not yet running; it logs nothing."""
    plain: dict[str, Any] = {"loop": "asyncio", "http": "h11", "ws": "none", "lifespan": "off"}
    config = uvicorn.Config(app(receiver), log_config=None, timeout_keep_alive=_KEEP_ALIVE_S, **plain)
    return uvicorn.Server(config)


def serve(settings: WebhookSettings) -> None:
    """Receive until the process is told to end.

    Raises:
        UserError: the port is taken or may not be opened.
    """
    with listener(settings.host, settings.port) as listening:
        server(Receiver(settings.key.get_secret_value())).run([listening])


@contextmanager
def serving(receiver: Receiver, host: str) -> Iterator[str]:
    """Receive in a thread while the body runs; yield the URL for events."""
    with listener(host, 0) as listening:
        serves = server(receiver)
        thread = threading.Thread(target=serves.run, args=([listening],), name="webhook", daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{listening.getsockname()[1]}{PATH}"
        finally:
            serves.should_exit = True
            thread.join(timeout=5)


class Received:
    """What a receiver has, also one that runs elsewhere."""

    def __init__(self, url: str, key: str) -> None:
        """Ask the receiver whose events go to `url`."""
        self._url, self._key = urljoin(url, "/received"), key
        self._seen = 0

    def new(self) -> list[Delivered]:
        """Return the events that came since the last call.

        Raises:
            UnavailableError: it doesn't answer, or refuses the key.
        """
        request = urllib.request.Request(f"{self._url}?from={self._seen}", headers={HEADER: self._key})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                found = [Delivered(**each) for each in json.load(answer)]
        except (OSError, ValueError) as error:
            raise UnavailableError(
                f"the webhook does not say at {self._url} what it received: {error}. Check {URL} and {KEY}"
            ) from None
        self._seen += len(found)
        return found

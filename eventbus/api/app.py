"""The ASGI application: the API at `POST /`, the bus's own pages below `/_bus`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from eventbus.api.body import Receive
from eventbus.api.pages import INDEX, Insight, routes
from eventbus.api.protocol import Protocol, Send
from eventbus.store import StorageError

App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


def application(protocol: Protocol, insight: Insight) -> App:
    """Return the application: the API goes past the router, it is asked for thousands of times a second."""
    pages = Starlette(routes=routes(insight), exception_handlers={404: _not_found, StorageError: _storage_failed})

    async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == "/":
            await protocol(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


async def _not_found(_request: Request, _error: Exception) -> Response:
    message = "This is an event bus: EventBridge's API is at POST /, and these pages tell about it."
    return JSONResponse({"message": message, "pages": INDEX}, status_code=404)


async def _storage_failed(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=500)

"""The two pages that every long-running service answers: `/health` and `/metrics`.

`/health` says 200 with `{"status": "ok"}`, or 503 with the reason. `/metrics` is Prometheus text.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.errors import UserError

Health = Callable[[], str | None]
"""Returns why the service is not healthy, or None when it is."""


def ops_app(health: Health, registry: CollectorRegistry = REGISTRY) -> Starlette:
    """Return the ASGI application with the two pages."""

    def get_health(_: Request) -> Response:
        problem = health()
        if problem is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unhealthy", "reason": problem}, status_code=503)

    def get_metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/health", get_health), Route("/metrics", get_metrics)])


def listening(host: str, port: int, remedy: str) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        UserError: the port is taken or may not be opened; `remedy` says what to do.
    """
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen()
    except OSError as error:
        found.close()
        raise UserError(f"can't listen on {host}:{port}: {error.strerror}. {remedy}") from None
    return found


@contextmanager
def serve_ops(host: str, port: int, health: Health) -> Iterator[int]:
    """Answer `/health` and `/metrics` in a thread while the body runs.

    Args:
        host: address to listen on.
        port: TCP port; 0 takes a free one.
        health: asked at each `/health`.

    Yields:
        The port that is listened on.

    Raises:
        UserError: the port is taken or may not be opened.
    """
    listener = listening(host, port, "Choose another port with OPS_PORT (0: any).")
    config = uvicorn.Config(ops_app(health), log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="ops", daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        listener.close()

"""What `python -m score run` and `report` do, apart from their options."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import structlog
from prometheus_client import REGISTRY
from rich.console import Console

from schemas import logs, topics
from schemas.errors import UserError
from schemas.ops import serve_ops
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, LogSettings, RegistrySettings, load
from score.as_json import Json, scores_json
from score.live.follow import Follower
from score.live.metrics import Metrics
from score.live.records import TOPICS, Reader
from score.live.service import Service
from score.live.settings import ScoreSettings
from score.live.state import State
from score.live.view import LiveView, NoView, Picture, PlainView, View

NOISY = ("botocore", "uvicorn")


def follow(settings: ScoreSettings, console: Console | None, *, once: bool) -> Picture:
    """Read and score until SIGTERM, or `once` what is there; show it on `console`, if given.

    Raises:
        UserError: topics or schemas are missing, or the state doesn't fit.
        UnavailableError: the broker or the registry can't be reached.
    """
    logs.configure("score", load(LogSettings))
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    kafka, stop = load(KafkaSettings), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    services: list[Service] = []
    with (
        serve_ops(settings.ops_host, settings.ops_port, lambda: None if services else "starting") as port,
        State.open(settings.state) as state,
    ):
        partitions = topics.require(kafka, *TOPICS)
        state.belongs_to(topics.admin(kafka).list_topics(timeout=10).cluster_id or "unnamed")
        reader = Reader(GlueRegistry.connect(load(RegistrySettings)))
        with (
            closing(Follower(kafka, partitions, state.positions())) as source,
            _showing(console) as view,
        ):
            service = Service(settings, state, reader, source, Metrics(REGISTRY), view)
            services.append(service)
            structlog.get_logger().info("started", state=str(settings.state), ops_port=port)
            return service.run(stop.is_set, once=once)


@contextmanager
def _showing(console: Console | None) -> Iterator[View]:
    view: View = NoView()
    if console is not None:
        view = LiveView(console) if console.is_terminal else PlainView(console)
    with closing(view):
        yield view


def kept(settings: ScoreSettings) -> Json:
    """Return the scores of what a state holds.

    Raises:
        UserError: there is no state, or nothing in it.
    """
    with State.look(settings.state) as state:
        tally = state.tally()
    if not tally.transactions:
        raise UserError(f"{settings.state} holds no transaction yet: let `python -m score run` read some")
    return scores_json(tally.scores(settings.top_k))

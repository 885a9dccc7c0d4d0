"""Puts the bus together and runs it, in one process on one event loop, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import structlog

from eventbus import metrics, provision, subscribers, targets
from eventbus.api.app import App, application
from eventbus.api.body import BodyReader
from eventbus.api.context import Parts
from eventbus.api.errors import ApiError
from eventbus.api.listen import allow_connections, is_loopback, listen, server
from eventbus.api.pages import Insight
from eventbus.api.protocol import Identity, Protocol
from eventbus.api.service import Local, Service
from eventbus.api.sigv4 import Key
from eventbus.arn import Scope
from eventbus.catalogue import Catalogue
from eventbus.clockwork import Clockwork
from eventbus.delivery.timing import LoopTime, Time
from eventbus.engine import Engine
from eventbus.ids import Ids
from eventbus.model import Resource, Rule
from eventbus.ports import Intake
from eventbus.replay import Replays
from eventbus.settings import EventBusSettings
from eventbus.targets.senders import TargetSenders
from eventbus.upkeep import Upkeep
from schemas.errors import UserError

_LARGER_AS_JSON = 4
"""How much larger the JSON of a request may be than what counts of its entries: quotes and other alphabets."""
_LARGEST_TOGETHER = 64
"""So many of the largest requests may be read at once."""

_log = structlog.get_logger(__name__)


async def run(settings: EventBusSettings, environment: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT, then let what is under way end.

    Args:
        settings: of the bus.
        environment: for the variables in subscriber files.

    Raises:
        UserError: the port, the folder, a setting or a subscriber file can't be used.
    """
    identity = identity_of(settings)
    listener = listen(settings.host, settings.port)
    with listener:
        async with running(settings, identity, environment) as app:
            await _serve(app, listener, settings)


@asynccontextmanager
async def running(
    settings: EventBusSettings, identity: Identity, environment: Mapping[str, str]
) -> AsyncGenerator[App]:
    """Return the application of a bus that is up, subscribers loaded."""
    async with _engine(settings) as engine:
        clock, new_id = LoopTime(), Ids().new
        replays = Replays(
            engine.store, engine.catalogue, engine.intake, clock_ms=clock.now_ms, pending=lambda: engine.lanes.pending
        )
        clockwork = Clockwork(engine.catalogue, engine.intake, clock_ms=clock.now_ms, new_id=new_id)
        service = Service(_parts(engine, replays, clock, new_id, settings))
        await _load(settings, Local(service, identity.default), environment)
        largest = settings.max_request_bytes * _LARGER_AS_JSON
        reader = BodyReader(largest, settings.body_timeout_s, largest * _LARGEST_TOGETHER)
        replays.resume()
        upkeep = Upkeep(clock)
        tasks = [
            asyncio.create_task(upkeep.keep("the clock of scheduled rules", clockwork.run)),
            asyncio.create_task(upkeep.keep("the upkeep of archives", partial(engine.archives.tend, asyncio.sleep))),
        ]
        try:
            yield application(Protocol(service, identity, reader, new_id), _insight(engine, upkeep, settings))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await replays.close()


@asynccontextmanager
async def _engine(settings: EventBusSettings) -> AsyncGenerator[Engine]:
    """Return the engine with the real senders; both are closed in the end."""
    made: list[TargetSenders] = []

    def senders(catalogue: Catalogue, _intake: Callable[[], Intake]) -> TargetSenders:
        made.append(targets.senders(catalogue))
        return made[0]

    engine = await Engine.open(settings, senders)
    made[0].intake = engine.intake
    made[0].prepare(target for rule in engine.catalogue.all(Rule) for target in rule.targets)
    engine.catalogue.listen(partial(_prepare, made[0]))
    try:
        yield engine
    finally:
        await engine.close()
        await made[0].close()


def _prepare(senders: TargetSenders, resource: Resource, there: bool) -> None:  # noqa: FBT001 - as a listener is called
    if there and isinstance(resource, Rule):
        senders.prepare(resource.targets)


def _parts(
    engine: Engine, replays: Replays, clock: Time, new_id: Callable[[], str], settings: EventBusSettings
) -> Parts:
    return Parts(
        engine.catalogue,
        engine.intake,
        engine.archives,
        replays,
        engine.metrics,
        clock.now_ms,
        new_id,
        settings.max_request_bytes,
    )


def identity_of(settings: EventBusSettings) -> Identity:
    """Return who asks when nobody signed, and whose signature counts.

    Raises:
        UserError: signatures are asked for, and there is nothing to check them with.
    """
    secret = settings.secret_access_key.get_secret_value()
    keys = [Key(settings.access_key_id, secret)] if settings.access_key_id and secret else []
    if settings.require_signature and not keys:
        raise UserError(
            "--require-signature needs a key to check with: set EVENTBUS_ACCESS_KEY_ID and EVENTBUS_SECRET_ACCESS_KEY"
        )
    return Identity(Scope(settings.account, settings.region), keys, settings.require_signature)


async def _load(settings: EventBusSettings, api: Local, environment: Mapping[str, str]) -> None:
    folder = settings.subscribers_there
    if folder is None:
        return
    found = subscribers.load(folder, environment)
    if not found:
        _log.warning("no subscriber files", folder=str(folder))
    try:
        await provision.apply(found, api, api.scope)
    except ApiError as error:
        raise UserError(f"the bus refuses what {folder} no longer holds: {error.message}") from None


async def _serve(app: App, listener: socket.socket, settings: EventBusSettings) -> None:
    host, port = listener.getsockname()[:2]
    if not is_loopback(host) and not settings.require_signature:
        _log.warning("anybody who reaches this address can use the bus: see --require-signature", host=host)
    allow_connections()
    http = server(app)

    def stop() -> None:
        _log.info("stopping")
        http.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    _log.info("listening", host=host, port=port, data=str(settings.data))
    await http.serve(sockets=[listener])


def _insight(engine: Engine, upkeep: Upkeep, settings: EventBusSettings) -> Insight:
    return Insight(
        health=lambda: engine.lanes.problem or upkeep.problem,
        metrics=engine.metrics.text,
        metrics_type=metrics.CONTENT_TYPE,
        explain=engine.why.explain,
        unmatched=engine.why.unmatched,
        targets=engine.lanes.summaries,
        here_alone=settings.require_signature,
    )

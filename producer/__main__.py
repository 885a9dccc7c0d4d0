"""`python -m producer`: play cardholders and fraudsters, to Kafka or to the screen."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice, takewhile
from typing import Annotated, Any, Final

import structlog
import typer
from prometheus_client import REGISTRY

from producer.metrics import Metrics
from producer.model import Transaction
from producer.pace import Pace
from producer.publish import Publisher, kafka_client
from producer.settings import ProducerSettings
from producer.timeline import transactions as all_transactions
from producer.timeline import with_oracle
from producer.wire import Record, Wire, json_line
from schemas import logs, topics
from schemas.errors import one_line_errors
from schemas.ops import serve_ops
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, LogSettings, RegistrySettings, load

LOOK_S: Final = 0.5
"""While nothing is due, the broker's answers are looked at so often."""
NOISY: Final = ("botocore", "uvicorn")

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _option(field: str, metavar: str) -> Any:
    """Describe a setting as an option; its value is checked with the other settings."""
    info = ProducerSettings.model_fields[field]
    default = "" if info.default is None else f", default {info.default}"
    return typer.Option(help=f"{info.description} [PRODUCER_{field.upper()}{default}]", metavar=metavar)


Transactions = Annotated[str | None, _option("transactions", "N")]
Rate = Annotated[str | None, _option("rate", "PER_SECOND")]
Speed = Annotated[str | None, _option("speed", "TIMES")]
Seed = Annotated[str | None, _option("seed", "N")]
Preset = Annotated[str | None, _option("preset", "NAME")]
Difficulty = Annotated[str | None, _option("difficulty", "0_TO_1")]
Cards = Annotated[str | None, _option("cards", "N")]
Start = Annotated[str | None, _option("start", "DATE")]


@cli.command()
def run(
    *,
    transactions: Transactions = None,
    rate: Rate = None,
    speed: Speed = None,
    seed: Seed = None,
    preset: Preset = None,
    difficulty: Difficulty = None,
    cards: Cards = None,
    start: Start = None,
) -> None:
    """Write transactions, and late their labels, to Kafka; SIGTERM ends it with everything delivered."""
    settings = _settings(
        transactions=transactions,
        rate=rate,
        speed=speed,
        seed=seed,
        preset=preset,
        difficulty=difficulty,
        cards=cards,
        start=start,
    )
    kafka, stop = load(KafkaSettings), threading.Event()
    pace_of = settings.schedule()
    logs.configure("producer", load(LogSettings))
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    publishers: list[Publisher] = []
    with serve_ops(settings.ops_host, settings.ops_port, lambda: _problem(publishers)) as port:
        structlog.get_logger().info("ops", host=settings.ops_host, port=port)
        topics.require(kafka, topics.TRANSACTIONS, topics.LABELS, topics.ORACLE)
        wire = Wire.registered(GlueRegistry.connect(load(RegistrySettings)))
        publisher = Publisher(
            kafka_client(kafka, queue_messages=settings.queue_messages, message_timeout_s=settings.message_timeout_s),
            Metrics(REGISTRY),
            stopping=stop.is_set,
            drain_timeout_s=settings.drain_timeout_s,
            clock=time.monotonic,
        )
        publishers.append(publisher)
        _stop_on_signals(stop)
        _publish(settings, wire, publisher, Pace(pace_of, time.monotonic, _rest(stop, publisher)), stop)


@cli.command("print")
def print_records(
    *,
    transactions: Transactions = "5",
    seed: Seed = None,
    preset: Preset = None,
    difficulty: Difficulty = None,
    cards: Cards = None,
    start: Start = None,
) -> None:
    """Print what would be written, without Kafka: a line of JSON a record, with its topic and key."""
    settings = _settings(
        transactions=transactions, seed=seed, preset=preset, difficulty=difficulty, cards=cards, start=start
    )
    for record in _records(settings, lambda: False):
        print(json_line(record))


def _settings(**given: str | None) -> ProducerSettings:
    return load(ProducerSettings, **{name: value for name, value in given.items() if value is not None})


def _records(settings: ProducerSettings, stopping: Callable[[], bool]) -> Iterator[Record]:
    """Yield as many transactions as were asked for, or until stopped, and the truth about all of them."""
    pairs = islice(all_transactions(settings.plan()), settings.transactions or None)
    return with_oracle(takewhile(lambda _: not stopping(), pairs))


def _publish(settings: ProducerSettings, wire: Wire, publisher: Publisher, pace: Pace, stop: threading.Event) -> None:
    began_s = time.monotonic()
    log = structlog.get_logger()
    log.info(
        "started",
        seed=settings.seed,
        preset=settings.preset,
        difficulty=settings.difficulty,
        transactions=settings.transactions,
    )
    try:
        for record in _records(settings, stop.is_set):
            if isinstance(record, Transaction):
                pace.wait(record.draft.event_ms)
            publisher.send(*wire.written(record))
    finally:
        try:
            publisher.flush()
        finally:
            log.info(
                "done",
                transactions=publisher.acknowledged[topics.TRANSACTIONS],
                labels=publisher.acknowledged[topics.LABELS],
                oracle=publisher.acknowledged[topics.ORACLE],
                failed=publisher.failed,
                seconds=round(time.monotonic() - began_s, 3),
            )


def _problem(publishers: list[Publisher]) -> str | None:
    return publishers[0].problem if publishers else "waiting for Kafka or the schema registry"


def _rest(stop: threading.Event, publisher: Publisher) -> Callable[[float], None]:
    def rest(seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while not stop.is_set() and (left_s := until_s - time.monotonic()) > 0:
            publisher.serve()
            stop.wait(min(left_s, LOOK_S))

    return rest


def _stop_on_signals(stop: threading.Event) -> None:
    """End in order at the first SIGTERM or Ctrl-C, at once at the second."""

    def handler(_number: int, _frame: object) -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


if __name__ == "__main__":
    with one_line_errors():
        cli()

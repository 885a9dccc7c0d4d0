"""`python -m notifier`: put every notification on EventBridge, and put dead letters back."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Annotated

import structlog
import typer
from prometheus_client import REGISTRY

from notifier.calls import Undertaker
from notifier.consume import Notifier
from notifier.dead_letter import KafkaDeadLetters
from notifier.deliver import Backoff, Waiting
from notifier.kafka import consumer
from notifier.mapping import Mapper
from notifier.metrics import Metrics
from notifier.redrive import Summary, redrive, to_origin
from notifier.settings import NotifierSettings
from notifier.sinks import open_sink
from notifier.sinks.base import Sink
from schemas import dead_letter, logs, topics
from schemas.codec import Decoder
from schemas.errors import EXIT_FAILURE, UnavailableError, one_line_errors
from schemas.ops import serve_ops
from schemas.registry import ConfluentRegistry, GlueRegistry
from schemas.settings import KafkaSettings, LogSettings, RegistrySettings, load

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def run() -> None:
    """Read notifications and put each on the event bus, until SIGTERM. Settings: KAFKA_*, NOTIFIER_*, AWS_*."""
    settings, kafka = load(NotifierSettings), load(KafkaSettings)
    logs.configure("notifier", load(LogSettings))
    stop, halt = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    metrics = Metrics(REGISTRY, time.monotonic)
    waiting = Waiting(
        backoff=Backoff(settings.backoff_base_s, settings.backoff_cap_s),
        pause=lambda seconds: not halt.wait(seconds),
        draw=lambda most: random.uniform(0, most),  # noqa: S311 - spreads retries, guards nothing
    )
    sink = open_sink(settings)
    mapper = Mapper(_decoder(), settings.naming())
    notifier_of: list[Notifier] = []

    with serve_ops(settings.ops_host, settings.ops_port, _health(settings, metrics, notifier_of)) as port:
        structlog.get_logger().info("ops", port=port)
        topics.require(kafka, settings.topic, dead_letter.dead_letter_topic(settings.topic))
        _check(sink, settings, waiting, stop)
        undertaker = Undertaker(KafkaDeadLetters(kafka), settings.max_dead_letters_in_a_row, metrics)
        notifier = Notifier(
            consumer(kafka, settings),
            mapper=mapper,
            sink=sink,
            undertaker=undertaker,
            waiting=waiting,
            settings=settings,
            metrics=metrics,
            clock=time.monotonic,
        )
        notifier_of.append(notifier)
        structlog.get_logger().info("started", topic=settings.topic, sink=settings.sink, bus=settings.bus)
        notifier.run(stop, halt)


@cli.command("redrive")
def redrive_command(
    topic: Annotated[str, typer.Option(help="Dead-letter topic to empty.")] = "notifications.dlq",
    limit: Annotated[int | None, typer.Option(min=1, help="Put back so many at most.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go back; move nothing.")] = False,
) -> None:
    """Put dead letters back on the topic they came from; running it again repeats nothing."""
    kafka = load(KafkaSettings)
    summary = redrive(kafka, topic, limit=limit, dry_run=dry_run, put=to_origin(kafka))
    typer.echo(_told(summary, topic, dry_run=dry_run))
    if summary.unknown:
        places = ", ".join(summary.unknown)
        typer.echo(f"error: no origin in the headers of {places}: left in {topic}, read them by hand", err=True)
        raise typer.Exit(EXIT_FAILURE)


def _told(summary: Summary, topic: str, *, dry_run: bool) -> str:
    if not summary.total:
        return f"{topic}: nothing to put back"
    verb = "would go" if dry_run else "went"
    lines = [f"{topic}: {count} dead letters {verb} back to {name}" for name, count in sorted(summary.moved.items())]
    return "\n".join([*lines, *(f"  {count} x {reason}" for reason, count in summary.reasons.most_common())])


def _decoder() -> Decoder:
    settings = load(RegistrySettings)
    confluent = ConfluentRegistry(settings.confluent_url) if settings.confluent_url else None
    return Decoder(GlueRegistry.connect(settings), confluent=confluent, logical_types=False)


def _check(sink: Sink, settings: NotifierSettings, waiting: Waiting, stop: threading.Event) -> None:
    """Wait until the sink would take entries, as long as the settings allow."""
    deadline = time.monotonic() + settings.connect_timeout_s
    attempt = 0
    while not stop.is_set():
        try:
            sink.check()
        except UnavailableError as error:
            if time.monotonic() >= deadline:
                raise UnavailableError(f"{error} (for {settings.connect_timeout_s:g} s)") from error
            structlog.get_logger().warning("waiting for the sink", reason=str(error))
            stop.wait(waiting.draw(waiting.backoff.limit_s(attempt)))
            attempt += 1
        else:
            return


def _health(settings: NotifierSettings, metrics: Metrics, notifier_of: list[Notifier]) -> Callable[[], str | None]:
    def health() -> str | None:
        if not notifier_of:
            return "starting: broker or sink not reached yet"
        if not notifier_of[0].joined:
            return f"not yet a member of group {settings.group}"
        failing_s = metrics.failing_s()
        if failing_s >= settings.unhealthy_after_s:
            return f"the sink has been failing for {failing_s:.0f} s"
        return None

    return health


if __name__ == "__main__":
    with one_line_errors():
        cli()

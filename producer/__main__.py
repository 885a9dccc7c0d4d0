"""`python -m producer`: play cardholders and fraudsters, to Kafka or to the screen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import typer

from producer.batch import Batch, Batches
from producer.replay import replay
from producer.service import running
from producer.settings import ProducerSettings
from producer.timeline import first, stretches, with_oracle
from producer.timeline import transactions as all_transactions
from producer.wire import encoders, json_line
from schemas import topics
from schemas.errors import one_line_errors
from schemas.registry import Registry
from schemas.settings import load

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
    schedule = settings.schedule()
    with running(settings, topics.TRANSACTIONS, topics.LABELS, topics.ORACLE) as service:
        told = ("seed", "preset", "difficulty", "transactions")
        batches = _batches(settings, service.registry)
        service.publish_batches(batches, schedule, **{name: getattr(settings, name) for name in told})


cli.command()(replay)


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
    pairs = islice(all_transactions(settings.plan()), settings.transactions or None)
    for record in with_oracle(pairs):
        print(json_line(record))


def _settings(**given: str | None) -> ProducerSettings:
    return load(ProducerSettings, **{name: value for name, value in given.items() if value is not None})


def _batches(settings: ProducerSettings, registry: Registry) -> Iterator[Batch]:
    """Yield as many transactions as were asked for, on the wire with the truth about them, many at once."""
    batches = Batches(encoders(registry))
    return map(batches.encoded, first(settings.transactions, stretches(settings.plan())))


if __name__ == "__main__":
    with one_line_errors():
        cli()

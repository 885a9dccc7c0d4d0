"""`python -m analyzer`: judge transactions, or say by which rules."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import Annotated, Final, NoReturn, cast

import faust
import structlog
import typer

from analyzer import __version__, preflight, thresholds
from analyzer.analyst import Analyst
from analyzer.core.detect import Judge
from analyzer.describe import described
from analyzer.engine import changelog_client, make_app
from analyzer.metrics import Metrics
from analyzer.restore import Restorer
from analyzer.schema_cache import confluent_cache, glue_cache
from analyzer.settings import AnalyzerSettings
from analyzer.states import CardStates
from analyzer.thresholds import names
from analyzer.wire import StateCodec, TransactionReader
from analyzer.worker import Worker
from schemas import logs
from schemas.codec import Decoder
from schemas.errors import EXIT_FAILURE, one_line_errors
from schemas.ops import serve_ops
from schemas.registry import ConfluentRegistry, GlueRegistry
from schemas.settings import KafkaSettings, LogSettings, RegistrySettings, load

# What matters of theirs is logged by the worker, in its own words. Faust logs of an app under the name of
# the module of its class.
NOISY: Final = ("faust", "mode", "aiokafka", "kafka", "asyncio", "analyzer.engine", "botocore", "uvicorn")

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


Shadow = Annotated[
    list[str] | None,
    typer.Option("--shadow", metavar="RULE", help="Let this rule run without alerting; may be repeated."),
]


@cli.command()
def worker(shadow: Shadow = None) -> None:
    """Judge the transactions of Kafka until SIGTERM; settings are environment variables."""
    logs.configure("analyzer", load(LogSettings))
    threading.excepthook = _log_thread
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    settings = load(AnalyzerSettings, **({"shadow": ",".join(shadow)} if shadow else {}))
    judge = thresholds.judge(settings)
    kafka, registries = load(KafkaSettings), load(RegistrySettings)
    registry = GlueRegistry.connect(registries)
    ground = preflight.check(kafka, registry)
    analyst = _analyst(settings, judge, registry, registries.confluent_url, ground)
    app = make_app(kafka, settings.send_timeout_s)
    restorer = Restorer(lambda: changelog_client(kafka), analyst.states)
    asyncio.run(_serve(app, analyst, restorer, settings))
    structlog.get_logger().info("stopped")


@cli.command()
def rules(
    file: Annotated[str, typer.Option(help="Rules file; else ANALYZER_RULES_FILE, else the package's.")] = "",
    without: Annotated[str, typer.Option(help="Fields that the data lacks, such as `place,device`.")] = "",
    shadow: Shadow = None,
) -> None:
    """Check a rules file and print its detection rules: thresholds with units, and which of them run."""
    given = {"rules_file": file, "shadow": ",".join(shadow or ())}
    settings = load(AnalyzerSettings, **{name: value for name, value in given.items() if value})
    for line in described(thresholds.read_for(settings), names(without), names(settings.shadow)):
        typer.echo(line)


def _log_thread(ended: threading.ExceptHookArgs) -> None:
    # Faust's consumer thread ends so when the broker is away; the worker says what that means.
    structlog.get_logger().warning(
        "thread_ended", thread=ended.thread and ended.thread.name, error=repr(ended.exc_value)
    )


def _analyst(
    settings: AnalyzerSettings, judge: Judge, registry: GlueRegistry, confluent_url: str, ground: preflight.Ground
) -> Analyst:
    confluent = confluent_cache(ConfluentRegistry(confluent_url)) if confluent_url else None
    transactions = Decoder(glue_cache(registry), reader="transaction", confluent=confluent, logical_types=False)
    states = Decoder(registry, reader="card_state", logical_types=False)
    return Analyst(
        reader=TransactionReader(transactions),
        states=CardStates(StateCodec(ground.states, states)),
        judge=judge,
        notifications=ground.notifications,
        shadow=ground.shadow,
        metrics=Metrics(),
        now=lambda: datetime.now(UTC),
        version=__version__,
        max_dead_letters_in_a_row=settings.max_dead_letters_in_a_row,
    )


async def _serve(app: faust.App, analyst: Analyst, restorer: Restorer, settings: AnalyzerSettings) -> None:
    member = Worker(app, analyst, restorer, settings)
    with serve_ops(settings.ops_host, settings.ops_port, member.health) as port:
        structlog.get_logger().info("ops", host=settings.ops_host, port=port)
        try:
            await member.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, this is the end
            _end_at_once(error)


def _end_at_once(error: Exception) -> NoReturn:
    """Say what happened and end the process as it is: what the Kafka client still has must not be written any more."""
    code = EXIT_FAILURE
    try:
        with one_line_errors():
            raise error  # noqa: TRY301 - so that one place says it in one line
    except SystemExit as end:
        code = cast("int", end.code)
    except Exception:  # noqa: BLE001 - a defect: its traceback is what helps
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    with one_line_errors():
        cli()

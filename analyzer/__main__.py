"""`python -m analyzer`: judge transactions, or say by which rules."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Annotated, Final, NoReturn, cast

import structlog
import typer

from analyzer.core.rules import RULES
from analyzer.core.rules.base import Rule
from analyzer.core.terminal_surge import TerminalSurge
from analyzer.crew import Crew, crew_of
from analyzer.ending import Ending
from analyzer.settings import AnalyzerSettings
from analyzer.stage import STAGES
from analyzer.worker import Worker
from schemas import logs
from schemas.errors import EXIT_FAILURE, one_line_errors
from schemas.ops import serve_ops
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, LogSettings, RegistrySettings, load

# What matters of theirs is logged by the worker, in its own words. Faust logs of an app under the name of
# the module of its class.
NOISY: Final = ("faust", "mode", "aiokafka", "kafka", "asyncio", "analyzer.engine", "botocore", "uvicorn")

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def worker(
    *,
    stage: Annotated[
        str | None,
        typer.Option(help="cards, terminals or both. [ANALYZER_STAGE, default both]", metavar="STAGE"),
    ] = None,
) -> None:
    """Judge the transactions of Kafka until SIGTERM; settings are environment variables."""
    logs.configure("analyzer", load(LogSettings))
    threading.excepthook = _log_thread
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    settings = load(AnalyzerSettings, **({"stage": stage} if stage else {}))
    kafka, registries = load(KafkaSettings), load(RegistrySettings)
    registry = GlueRegistry.connect(registries)
    crews = [
        crew_of(kafka, registry, registries.confluent_url, settings, one)
        for one in STAGES
        if settings.stage in {"both", one.name}
    ]
    asyncio.run(_serve(crews, settings))
    structlog.get_logger().info("stopped")


@cli.command()
def rules() -> None:
    """Print the detection rules and their thresholds."""
    every: tuple[Rule | TerminalSurge, ...] = (*RULES, TerminalSurge())
    for rule in every:
        assert dataclasses.is_dataclass(rule)  # noqa: S101 - what a rule is; mypy can't see it
        typer.echo(f"{rule.name}: {(type(rule).__doc__ or '').strip()}")
        for field in dataclasses.fields(rule):
            typer.echo(f"    {field.name} = {getattr(rule, field.name)}")


def _log_thread(ended: threading.ExceptHookArgs) -> None:
    # Faust's consumer thread ends so when the broker is away; the worker says what that means.
    structlog.get_logger().warning(
        "thread_ended", thread=ended.thread and ended.thread.name, error=repr(ended.exc_value)
    )


async def _serve(crews: Sequence[Crew], settings: AnalyzerSettings) -> None:
    ending = Ending()
    ending.on_signals()
    members = [Worker(crew, settings, ending) for crew in crews]
    with serve_ops(settings.ops_host, settings.ops_port, lambda: _problem(members)) as port:
        structlog.get_logger().info("ops", host=settings.ops_host, port=port)
        try:
            await asyncio.gather(*[member.run() for member in members])
        except Exception as error:  # noqa: BLE001 - whatever it is, this is the end
            _end_at_once(error)


def _problem(members: Sequence[Worker]) -> str | None:
    return "; ".join(problem for member in members if (problem := member.health())) or None


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

"""`python -m analyzer`: judge transactions, or say by which rules."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Annotated, Final, NoReturn, cast

import structlog
import typer

from analyzer import thresholds
from analyzer.crew import Crew, Reach, crew_of, stages
from analyzer.describe import described
from analyzer.ending import Ending
from analyzer.settings import AnalyzerSettings
from analyzer.thresholds import names
from analyzer.worker import Worker
from schemas import logs
from schemas.errors import EXIT_FAILURE, one_line_errors
from schemas.ops import serve_ops
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, LogSettings, RegistrySettings, load

# What matters of theirs is logged by the worker, in its own words. Faust logs of an app under the name of
# the module of its class.
NOISY: Final = ("faust", "mode", "aiokafka", "kafka", "asyncio", "analyzer.engine", "botocore", "uvicorn")

GARBAGE_AFTER: Final = 50_000
"""Objects made and not freed, after which Python looks for cycles among them. After its own 700 it would look many
times in each fetch, of which nearly everything is freed without it."""

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


Shadow = Annotated[
    list[str] | None,
    typer.Option("--shadow", metavar="RULE", help="Let this rule run without alerting; may be repeated."),
]


@cli.command()
def worker(
    *,
    stage: Annotated[
        str | None,
        typer.Option(help="cards, terminals or both. [ANALYZER_STAGE, default both]", metavar="STAGE"),
    ] = None,
    shadow: Shadow = None,
) -> None:
    """Judge the transactions of Kafka until SIGTERM; settings are environment variables."""
    gc.set_threshold(GARBAGE_AFTER)
    logs.configure("analyzer", load(LogSettings))
    threading.excepthook = _log_thread
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    given = {"stage": stage, "shadow": ",".join(shadow or ())}
    settings = load(AnalyzerSettings, **{name: value for name, value in given.items() if value})
    judges = thresholds.judges(settings)
    kafka, registries = load(KafkaSettings), load(RegistrySettings)
    reach = Reach(kafka, GlueRegistry.connect(registries), registries.confluent_url)
    crews = [crew_of(reach, settings, judges, one) for one in stages(settings, judges)]
    gc.collect()
    gc.freeze()  # 150,000 objects of modules stay for good; to look through them takes 80 ms, in which nothing is told
    asyncio.run(_serve(crews, settings))
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

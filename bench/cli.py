"""Benchmarks of Cardwatch's parts beside what people would use instead."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Final

import typer

from bench.analyzer.commands import analyzer, latency
from bench.codec.commands import codec
from bench.eventbus.commands import eventbus, eventbus_rules
from bench.notifier.commands import notifier
from bench.page import page
from bench.places import ROOT
from bench.producer.commands import producer
from bench.profile.commands import profile
from bench.recovery.commands import recovery
from bench.scaling.commands import scaling
from bench.score.commands import score
from bench.screen import Runs, Smoke
from schemas.errors import EXIT_FAILURE

BENCHES: Final[dict[str, Callable[..., None]]] = {
    "eventbus": eventbus,
    "notifier": notifier,
    "analyzer": analyzer,
    "latency": latency,
    "recovery": recovery,
    "producer": producer,
    "codec": codec,
    "score": score,
    "scaling": scaling,
}
"""What `all` runs, in this order; each knows --runs, --smoke and --json, and exits with 1 when a result is wrong."""

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for _name, _bench in BENCHES.items():
    cli.command(_name)(_bench)
cli.command("eventbus-rules")(eventbus_rules)
cli.command("page")(page)
cli.command("profile")(profile)


@cli.command("all")
def every(*, runs: Runs = 5, smoke: Smoke = False) -> None:
    """Run every bench, one after the other; exit code 1 when a result of any is wrong."""
    options = ["--smoke"] if smoke else ["--runs", str(runs)]
    wrong = [name for name in BENCHES if _run(name, options)]
    if wrong:
        typer.echo(f"Wrong results: {', '.join(wrong)}", err=True)
        raise typer.Exit(EXIT_FAILURE)


def _run(name: str, options: list[str]) -> int:
    """Return the exit code of a bench in a process of its own."""
    return subprocess.run([sys.executable, "-m", "bench", name, *options], cwd=ROOT, check=False).returncode  # noqa: S603 - our own

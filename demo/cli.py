"""The demo's command line."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from demo import broker as brokers
from demo import doctor, provision, report, webhook
from demo.audit import audit
from demo.platform import Platform, running_platform
from demo.run import Options, Run
from demo.signals import StopRequestedError, raising
from demo.view import LiveView, PlainView, View, export
from schemas.errors import EXIT_FAILURE
from schemas.settings import load

RUNS: Final = Path(__file__).parents[1] / ".cardwatch" / "runs"
_PIPE_WIDTH: Final = 160
COMMANDS: Final = ("run", "provision", "report", "webhook", "doctor")

cli = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)


@cli.command(epilog="Other commands: provision, report, webhook, doctor (python -m demo COMMAND --help).")
def run(
    *,
    transactions: Annotated[int, typer.Option(min=1, help="How many to produce.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same transactions.")] = 7,
    preset: Annotated[str, typer.Option(help="Who plays: workshop, handbook or real.")] = "workshop",
    difficulty: Annotated[
        float, typer.Option(min=0, max=1, help="How careful fraudsters are: 0 loud, 1 near the card's habit.")
    ] = 0.5,
    rate: Annotated[float | None, typer.Option(min=0, help="Transactions a second; default: a minute in all.")] = None,
    forever: Annotated[bool, typer.Option("--forever", help="Go on until Ctrl-C, then drain and report.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Only the report, as JSON, on stdout.")] = False,
    broker: Annotated[str, typer.Option(help="embedded, apache, or HOST:PORT of one that runs.")] = brokers.EMBEDDED,
    keep: Annotated[bool, typer.Option("--keep", help="Keep broker, AWS and bus until Ctrl-C.")] = False,
    outage: Annotated[
        float, typer.Option(min=0, help="Let the webhook answer 503 for so many seconds in the middle.")
    ] = 0.0,
    export_view: Annotated[Path | None, typer.Option(help="Write the live view as SVG to this file.")] = None,
) -> None:
    """Run the whole suite on this machine, then prove that nothing was lost."""
    console = _console(as_json=as_json)
    folder = RUNS / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}"
    options = Options(None if forever else transactions, seed, preset, difficulty, rate, outage)
    view: View = LiveView(console) if console.is_terminal else PlainView(console)
    view.say(f"Starting broker ({broker}), local AWS and event bus; logs: {os.path.relpath(folder)}")
    try:
        with raising(), running_platform(broker, folder, view.say) as platform:
            one = Run(options, platform, folder, view)
            result = one.go()
            if export_view:
                export(one.picture, export_view)
            if as_json:
                typer.echo(json.dumps(report.as_json(result), indent=2))
            else:
                report.show(result, console)
            if keep:
                _keep(platform, view)
    except StopRequestedError as request:
        view.say("Stopped.")
        raise typer.Exit(request.exit_code) from None
    if not result.balances:
        raise typer.Exit(EXIT_FAILURE)


@cli.command("provision")
def make_everything(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print only the schemas, by version id, as JSON.")] = False,
) -> None:
    """Make topics, schemas, and the log groups and queues of the subscribers; again changes nothing.

    Where is in KAFKA_* and AWS_*. The event bus makes its buses, rules and targets itself, of the same files.
    """
    if as_json:
        typer.echo(json.dumps({str(version): text for version, text in provision.provision().items()}))
    else:
        provision.provision(typer.echo)


@cli.command("report")
def report_on_another(
    wait: Annotated[float, typer.Option(min=0, help="How long the suite may take to come to rest, in seconds.")] = 60.0,
) -> None:
    """Say whether the ledger balances of a suite that runs where KAFKA_* and AWS_* say; exit code 0 if so.

    CARDWATCH_WEBHOOK_URL says where the webhook is; without it, what came there is not counted.
    """
    console = _console(as_json=False)
    lines = audit(wait, typer.echo)
    report.show_ledger(lines, console)
    balances = all(line.balances for line in lines)
    console.print(report.verdict(balances))
    if not balances:
        raise typer.Exit(EXIT_FAILURE)


@cli.command("webhook")
def receive() -> None:
    """Receive events over HTTP until Ctrl-C, as CARDWATCH_WEBHOOK_HOST, _PORT and _KEY say."""
    webhook.serve(load(webhook.WebhookSettings))


@cli.command("doctor")
def examine() -> None:
    """Say what is missing on this machine, and how to mend it."""
    raise typer.Exit(doctor.main(typer.echo))


def main(args: list[str]) -> None:
    """Run a command; without its name, `run`."""
    cli(args if args and args[0] in COMMANDS else ["run", *args], prog_name="python -m demo")


def _console(*, as_json: bool) -> Console:
    """Print to stdout, or beside the JSON to stderr; lines of a pipe or a file are not cut at 80 columns."""
    console = Console(stderr=as_json)
    return console if console.is_terminal else Console(stderr=as_json, width=_PIPE_WIDTH)


def _keep(platform: Platform, view: View) -> None:
    view.say("Broker, local AWS and event bus go on until Ctrl-C. To use them from another shell:")
    for name, value in platform.env.items():
        if name.startswith(("KAFKA_", "AWS_")):
            view.say(f"export {name}={value}")
    view.say(f"What the event bus knows of its events and targets: {platform.bus.url}/_bus")
    try:
        while True:
            for child in (*platform.children, platform.bus.child):
                child.require_running()
            time.sleep(0.5)
    except StopRequestedError:
        return

"""`python -m eventbus`: a local Amazon EventBridge."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvicorn

from eventbus import provision, subscribers
from eventbus import serve as serving
from eventbus.arn import Scope
from eventbus.ask import DEFAULT_URL, explanation
from eventbus.settings import EventBusSettings
from eventbus.tell import told
from schemas import logs
from schemas.errors import one_line_errors
from schemas.settings import LogSettings, load

SWITCH_S: Final = 0.0005
"""The thread that writes the database gets its turn after so long, not after Python's 5 ms: each commit needs several
turns, and every PutEvents waits for one."""
DEEPEST: Final = 4000
"""Calls within calls, for reading and writing an event that is nested as deeply as the bus takes it."""

cli = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="TCP port; 0: any free one.", show_default="4010")]
Data = Annotated[Path | None, typer.Option(help="Folder of the database.", show_default=".cardwatch/eventbus")]
Subscribers = Annotated[
    Path | None,
    typer.Option(help="Folder of subscriber files to load; none: no files.", show_default="infra/eventbridge"),
]
Signed = Annotated[bool, typer.Option("--require-signature", help="Refuse requests that aren't rightly signed.")]


@cli.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    *,
    host: Host = None,
    port: Port = None,
    data: Data = None,
    subscribers: Subscribers = None,
    require_signature: Signed = False,
) -> None:
    """Run the bus, unless a command is named."""
    if context.invoked_subcommand is None:
        serve(host=host, port=port, data=data, subscribers=subscribers, require_signature=require_signature)


@cli.command()
def serve(
    *,
    host: Host = None,
    port: Port = None,
    data: Data = None,
    subscribers: Subscribers = None,
    require_signature: Signed = False,
) -> None:
    """Run the bus until SIGTERM. Settings: EVENTBUS_*, LOG_*; AWS_* for the services behind its targets."""
    options: dict[str, Any] = {"host": host, "port": port, "data": data, "subscribers": subscribers}
    options["require_signature"] = require_signature or None
    settings = load(EventBusSettings, **{name: value for name, value in options.items() if value is not None})
    logs.configure("eventbus", load(LogSettings))
    boto = logging.getLogger("botocore")  # at INFO it tells where each endpoint comes from
    boto.setLevel(max(logging.WARNING, boto.getEffectiveLevel()))
    sys.setswitchinterval(SWITCH_S)
    # uvicorn knows whether uvloop is installed.
    factory = uvicorn.Config(lambda: None, log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serving.run(settings, os.environ))


@cli.command()
def explain(
    event: Annotated[str, typer.Argument(help="Id of an event, from the answer of PutEvents.")],
    url: Annotated[str, typer.Option(help="Where the bus is.")] = DEFAULT_URL,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as the bus answers it.")] = False,
) -> None:
    """Say what became of an event: which rules matched, which field of a pattern failed, what each target said."""
    sys.setrecursionlimit(DEEPEST)
    found = explanation(url, event)
    print(json.dumps(found, indent=2) if as_json else told(found))


@cli.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder of subscriber files.")] = subscribers.FOLDER,
) -> None:
    """Check subscriber files as the start does, without a bus."""
    settings = load(EventBusSettings)
    found = subscribers.load(folder, os.environ)
    asyncio.run(provision.check(found, Scope(settings.account, settings.region)))
    if not found:
        print(f"{folder} holds no subscriber file (*.json)")
    for subscriber in found:
        targets = ", ".join(target.id for target in subscriber.targets)
        print(f"{subscriber.file}: rule {subscriber.rule} on bus {subscriber.bus} → {targets}")


if __name__ == "__main__":
    with one_line_errors():
        cli()

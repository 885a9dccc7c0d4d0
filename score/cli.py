"""The commands of the score."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic.fields import FieldInfo
from rich.console import Console

from schemas.errors import UserError
from schemas.settings import load
from score import page
from score.live.settings import ScoreSettings
from score.offline.settings import OfflineSettings

if TYPE_CHECKING:
    from score.as_json import Json
    from score.offline.outcome import Outcome
    from score.offline.source import Filed

_PIPE_WIDTH: Final = 160

_HELP: Final = "Say who was caught: live on Kafka, or offline in one process."

cli = typer.Typer(help=_HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _option(field: str, metavar: str) -> Any:
    """Describe a setting as an option; its value is checked with the other settings."""
    info: FieldInfo = OfflineSettings.model_fields[field]
    default = "" if info.default is None else f", default {info.default}"
    return typer.Option(help=f"{info.description} [SCORE_{field.upper()}{default}]", metavar=metavar)


@cli.command()
def offline(
    *,
    preset: Annotated[str | None, _option("preset", "NAME")] = None,
    difficulty: Annotated[str | None, _option("difficulty", "0..1")] = None,
    seed: Annotated[str | None, _option("seed", "N")] = None,
    seeds: Annotated[str | None, _option("seeds", "K")] = None,
    transactions: Annotated[str | None, _option("transactions", "N")] = None,
    cards: Annotated[str | None, _option("cards", "N")] = None,
    top_k: Annotated[str | None, _option("top_k", "K")] = None,
    rules: Annotated[str | None, typer.Option(help="Rules file. [ANALYZER_RULES_FILE]", metavar="FILE")] = None,
    shadow: Annotated[
        list[str] | None, typer.Option(help="Score this rule, and let it alert nobody; again for another.")
    ] = None,
    alert_threshold: Annotated[
        str | None, typer.Option(help="Score from which a transaction is flagged. [ANALYZER_ALERT_THRESHOLD]")
    ] = None,
    processes: Annotated[str | None, _option("processes", "N")] = None,
    data: Annotated[Path | None, typer.Option(help="Judge this CSV or Parquet file, and generate nothing.")] = None,
    mapping: Annotated[
        str | None, typer.Option(help="With --data: TOML file that maps its columns, or: handbook, sparkov.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="With --data: file of the labels, if not in it.")] = None,
    sort: Annotated[bool, typer.Option("--sort", help="With --data: put rows in order of time first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with tables and plots to this file.")] = None,
) -> None:
    """Play transactions through the analyzer's rules and score them, in one process a seed, without a broker."""
    from score.offline import command  # noqa: PLC0415 - the live service does without the generator
    from score.offline.rules import choice  # noqa: PLC0415 - and without the rules

    if html:
        page.require(html)
    given = {"preset": preset, "difficulty": difficulty, "seed": seed, "seeds": seeds, "transactions": transactions}
    given |= {"cards": cards, "top_k": top_k, "processes": processes}
    settings = load(OfflineSettings, **{name: value for name, value in given.items() if value is not None})
    idle = ("preset", "difficulty", "seed", "seeds", "cards")
    _only_together(data, {"mapping": mapping, "labels": labels, "sort": sort or None}, {of: given[of] for of in idle})
    chosen = choice(rules, tuple(shadow or ()), alert_threshold)
    meter = command.Meter(sys.stderr)
    if data is None:
        told, cost = command.generated(settings, chosen, meter)
    else:
        limit = settings.transactions if transactions is not None else 0
        told, cost = command.filed(settings, chosen, _filed(data, mapping, labels, limit, sort=sort), meter)
    _tell(told, cost, as_json=as_json, markdown=markdown, html=html)


def _only_together(data: Path | None, of_files: dict[str, Any], of_generator: dict[str, Any]) -> None:
    """Refuse options that would do nothing."""
    wrong = of_files if data is None else of_generator
    given = ", ".join(f"--{name}" for name, value in wrong.items() if value is not None)
    if given:
        remedy = "name a file with --data" if data is None else "a file has its own transactions: take --data out"
        raise UserError(f"{given} would change nothing: {remedy}, or take {given} out")


def _filed(data: Path, mapping: str | None, labels: Path | None, limit: int, *, sort: bool) -> Filed:
    from score.offline.source import Filed  # noqa: PLC0415 - as above

    if mapping is None:
        raise UserError(
            "--data needs --mapping, which says what its columns mean: handbook, sparkov, or a TOML file of yours"
        )
    return Filed(data, mapping, labels, sort, limit)


def _tell(told: Outcome, cost: Json, *, as_json: bool, markdown: bool, html: Path | None) -> None:
    from score.offline import command, outcome  # noqa: PLC0415 - as above

    title, said = command.title(told), outcome.lines(told)
    if html:
        of_first = ["Plots of days and of how soon are the first seed's."] if len(told.seeds) > 1 else []
        page.write(html, page.page(f"Cardwatch: {title}", told.figures, [*said[2:], *of_first], told.margins))
    if as_json:
        typer.echo(json.dumps(outcome.as_json(told, cost), indent=2))
        return
    console = _console()
    typer.echo(f"{title}\n")
    for sheet in outcome.sheets(told):
        if markdown:
            typer.echo(f"{sheet.markdown()}\n")
        else:
            console.print(sheet.rich(), "")
    for line in said:
        typer.echo(line)
    typer.echo(f"{cost['seconds']:g} s, {cost['cpu_seconds']:g} s of all cores together")


@cli.command()
def run(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when everything is read that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, and no view.")] = False,
) -> None:
    """Score what Kafka holds, and go on until SIGTERM; settings are environment variables (SCORE_*, KAFKA_*)."""
    from score.live import command  # noqa: PLC0415 - an offline run needs no Kafka

    picture = command.follow(load(ScoreSettings), None if as_json else _console(), once=once)
    if as_json:
        typer.echo(json.dumps({**picture.scores, "unreadable": picture.unreadable}, indent=2))


@cli.command()
def report(
    html: Annotated[Path, typer.Option(help="Write a page with tables and plots to this file.")],
) -> None:
    """Write a page about what a live score has read so far; it may still run. SCORE_STATE says where its state is."""
    from score.live import command  # noqa: PLC0415 - as above

    page.require(html)
    page.write(html, page.page("Cardwatch: who was caught", command.kept(load(ScoreSettings))))
    typer.echo(f"wrote {html}")


def _console() -> Console:
    """Print to stdout; lines of a pipe or a file are not cut at 80 columns."""
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_WIDTH)

"""`python -m schemas`: make the topics, register the schemas, check that old records stay readable."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from typing import Annotated

import typer

from schemas import topics
from schemas.codec import definition
from schemas.errors import EXIT_FAILURE, UnavailableError, one_line_errors
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, RegistrySettings, load

cli = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _copies(replication: int) -> int:
    if replication == 0:
        raise typer.BadParameter("0 copies hold nothing: at least 1, or -1 for the broker's default")
    return replication


@cli.command("topics")
def make_topics(
    replication: Annotated[
        int,
        typer.Option(min=-1, max=10_000, callback=_copies, help="Copies of each partition; -1: the broker's default."),
    ] = -1,
    partitions: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Instead of topics.toml, for keyed topics.")
    ] = None,
) -> None:
    """Create the topics of topics.toml on the broker; running it again changes nothing."""
    changes = topics.create(load(KafkaSettings), topics.load(), replication=replication, partitions=partitions)
    for change in changes:
        mark = "warning: " if change.action == "mismatch" else ""
        typer.echo(f"{mark}{change.topic}: {change.action}, {change.detail}", err=bool(mark))


@cli.command()
def register(
    moto_url: Annotated[str, typer.Option(help="Address of a local moto server, to keep its ids the same.")] = "",
) -> None:
    """Register the schema of each topic in the Glue registry; running it again changes nothing."""
    registry = GlueRegistry.connect(load(RegistrySettings))
    before_new = moto_seeder(moto_url) if moto_url else lambda _: None
    for topic in topics.load().values():
        if topic.schema:
            version_id = registry.register(topic.name, definition(topic.schema), before_new=before_new)
            typer.echo(f"{topic.name}: {topic.schema}.avsc is version {version_id}")


@cli.command()
def check() -> None:
    """Check that today's schemas read all that older versions wrote."""
    from schemas import compatibility  # noqa: PLC0415 - it needs `avro`, which images do not hold

    found = [problem for schema in compatibility.names() for problem in compatibility.check(schema)]
    for problem in found:
        typer.echo(f"error: {problem}", err=True)
    if found:
        raise typer.Exit(EXIT_FAILURE)
    typer.echo(f"{len(compatibility.names())} schemas read every released version")


@cli.command()
def release() -> None:
    """Add today's schemas to schemas/history/, once they are to be used for real."""
    from schemas import compatibility  # noqa: PLC0415 - it needs `avro`, which images do not hold

    for schema in compatibility.names():
        file = compatibility.release(schema)
        typer.echo(f"{schema}: {f'released as version {file.stem}' if file else 'unchanged'}")


def moto_seeder(url: str) -> Callable[[int], None]:
    """Return a function that seeds the id generator of the moto server at `url`."""

    def seed(number: int) -> None:
        request = urllib.request.Request(f"{url.rstrip('/')}/moto-api/seed?a={number}", method="POST")
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except OSError as error:
            raise UnavailableError(f"no moto server answers at {url}: {error}") from None

    return seed


if __name__ == "__main__":
    with one_line_errors():
        cli()

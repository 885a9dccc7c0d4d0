"""Its commands: what a record costs each engine, and how long a notification takes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Final

import typer

from bench import screen
from bench.analyzer import latency_report, report
from bench.analyzer.compare import Plan, Series, compare
from bench.analyzer.engine import ENGINES, Engine
from bench.analyzer.ground import registry
from bench.analyzer.latency import Pace, measure_all
from bench.analyzer.run import Stand
from bench.analyzer.work import FIVE_PERCENT, WORKS
from bench.screen import JsonFile, Runs, Smoke
from demo.broker import APACHE, EMBEDDED
from schemas.errors import EXIT_FAILURE, UserError

_SMOKE_RECORDS: Final = 600
_RATES: Final = "1000,5000,20000"
_ALL: Final = ",".join(ENGINES)

Broker = Annotated[str, typer.Option(help="apache or embedded; a new one for each run.")]
Engines = Annotated[str, typer.Option(help="Which, in this order; ratios are to the first.")]


def analyzer(
    *,
    records: Annotated[
        int, typer.Option(min=10_000, help="Transactions; a slow engine gets those of some cards.")
    ] = 400_000,
    runs: Runs = 5,
    engines: Engines = _ALL,
    shares: Annotated[
        str, typer.Option(help="Give engines every n-th card's records, such as `ours=1,quix=4`.", metavar="NAME=N,...")
    ] = "",
    broker: Broker = APACHE,
    file: JsonFile = None,
    smoke: Smoke = False,
) -> None:
    """Compare the analyzer with what people would write instead: cost of a record, rate, memory, on equal verdicts.

    Each engine judges the same transactions with the same rules, once so that 1 % are flagged and once so that 5 %
    are, on a new broker each time. Its verdicts are compared with the scalar core's. Exit code 1 when any differs.
    """
    console = screen.console()
    plan = Plan(able(engines_of(engines, shares), console.print), WORKS, records, runs)
    require_own(broker)
    if smoke:
        whole = [replace(one, share=1) for one in plan.engines]
        plan, broker = Plan(whole, (FIVE_PERCENT,), _SMOKE_RECORDS, 1, starts=False), EMBEDDED
    with screen.folder() as folder, screen.progress(console) as say, registry(folder) as (versions, aws):

        def put(so_far: Sequence[Series]) -> None:
            screen.put(report.as_json(so_far), "analyzer", file)  # a run of hours may be cut short

        series = compare(Stand(broker, versions, aws, say), plan, folder, put)
    report.show(series, plan.works, console)
    screen.keep(report.as_json(series), "analyzer", file, console)
    if not report.agree(series):
        raise typer.Exit(EXIT_FAILURE)


def latency(
    *,
    rates: Annotated[str, typer.Option(help="Transactions a second.")] = _RATES,
    seconds: Annotated[int, typer.Option(min=4, help="How long each; the first two don't count.")] = 17,
    runs: Runs = 5,
    engines: Engines = _ALL,
    broker: Broker = APACHE,
    file: JsonFile = None,
    smoke: Smoke = False,
) -> None:
    """Measure from produce to notification at fixed rates, 5 % flagged; p50, p99, and who falls behind.

    From when a transaction was due to be written until the broker had its notification (LogAppendTime). An engine that
    falls behind at a rate isn't asked for a higher one. Exit code 1 when a verdict is wrong.
    """
    console = screen.console()
    paces = [Pace(int(rate), seconds) for rate in rates.split(",")]
    chosen = able(engines_of(engines, ""), console.print)
    require_own(broker)
    if smoke:
        paces, chosen, runs, broker = [Pace(200, 4)], chosen[:1], 1, EMBEDDED
    with screen.folder() as folder, screen.progress(console) as say, registry(folder) as (versions, aws):
        series = measure_all(Stand(broker, versions, aws, say), chosen, paces, runs, folder)
    latency_report.show(series, console)
    screen.keep(latency_report.as_json(series), "latency", file, console)
    if latency_report.wrong(series):
        raise typer.Exit(EXIT_FAILURE)


def require_own(broker: str) -> None:
    """Refuse a broker that can't be new for each run.

    Raises:
        UserError: it is neither of the two that can.
    """
    if broker not in (APACHE, EMBEDDED):
        raise UserError(f"--broker {broker}: each run needs a new broker; choose {APACHE} or {EMBEDDED}")


def able(engines: Sequence[Engine], say: Callable[[str], object]) -> list[Engine]:
    """Return the engines for which everything is there; says which are left out, and why.

    Raises:
        UserError: none is left.
    """
    lacking = {one.title: [name for name in one.needs if shutil.which(name) is None] for one in engines}
    reasons = [f"{title} is left out: {' and '.join(names)} not on PATH" for title, names in lacking.items() if names]
    for reason in reasons:
        say(reason)
    found = [one for one in engines if not lacking[one.title]]
    if not found:
        raise UserError(f"no engine is left: {'; '.join(reasons)}")
    return found


def engines_of(names: str, shares: str) -> list[Engine]:
    """Return the engines that a user names, with the shares that they give.

    Raises:
        UserError: there is no such engine, or a share is no number from 1 on.
    """
    given = dict(one.partition("=")[::2] for one in shares.split(",") if one)
    for name in (*names.split(","), *given):
        if name not in ENGINES:
            raise UserError(f"no engine {name!r}; choose of {_ALL}")
    for name, share in given.items():
        if not share.isdecimal() or int(share) < 1:
            raise UserError(f"--shares: {name}={share} is no number from 1 on; write {name}=4 for every fourth card")
    chosen = [ENGINES[name] for name in names.split(",")]
    return [replace(one, share=int(given.get(one.name, one.share))) for one in chosen]

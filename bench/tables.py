"""The tables of docs/benchmarks.md, from what benches leave as JSON: by the same functions that print them.

A bench that is added needs a function here, its line in `TABLES`, and a section in the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

from bench.analyzer import latency_report
from bench.analyzer import report as analyzer_report
from bench.analyzer.compare import Series, ratios
from bench.analyzer.engine import ENGINES
from bench.analyzer.latency import Delays, Pace, Written
from bench.analyzer.run import Run
from bench.analyzer.work import WORKS
from bench.codec import commands as codec_report
from bench.eventbus import report as eventbus_report
from bench.eventbus.figures import Figures
from bench.eventbus.measure import Measured as Delivered
from bench.eventbus.measure import Setting
from bench.eventbus.peers import PEERS
from bench.notifier import report as notifier_report
from bench.notifier.contenders import CONTENDERS
from bench.notifier.measure import Measured as Put
from bench.producer import commands as producer_report
from bench.producer.measure import MAKERS, Part
from bench.producer.measure import Run as Made
from bench.recovery import report as recovery_report
from bench.recovery.measure import Found as Recovered
from bench.score import commands as score_report

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Table:
    """What a bench found."""

    of: Sequence[str]
    """What a row is of, in the first columns."""
    figures: Sequence[str]
    """What is in the others."""
    rows: Sequence[Sequence[str]]
    runs: int
    """So many at least made each figure."""
    remarks: Sequence[str] = ()


def _of(kind: type[_T], record: dict[str, Any]) -> _T:
    """Return a dataclass of what JSON has; a property that was written with it is left out."""
    names = {one.name for one in fields(kind)}  # type: ignore[arg-type]  # every caller gives a dataclass
    return kind(**{name: value for name, value in record.items() if name in names})


def eventbus(found: Any) -> Table:
    """By target, load and bus."""
    rows, runs = [], []
    for bus in found:
        for one in bus["measured"]:
            setting = _of(Setting, one)
            measured = [Delivered(_of(Figures, each), each["cpu_us"]) for each in one["runs"]]
            runs.append(len(measured))
            where = eventbus_report.TARGETS[setting.target], setting.title, PEERS[bus["bus"]].title
            rows.append((*where, *eventbus_report.cells(measured)))
    order = list(eventbus_report.TARGETS.values())
    rows.sort(key=lambda row: (order.index(row[0]), row[1]))
    return Table(("to", "load", "bus"), eventbus_report.COLUMNS, rows, min(runs))


def notifier(found: Any) -> Table:
    """By bus and contender."""
    series = {(one["bus"], one["by"]): [_of(Put, each) for each in one["runs"]] for one in found}
    rows = [(bus, CONTENDERS[name].title, *notifier_report.cells(put)) for (bus, name), put in series.items()]
    runs = min(map(len, series.values()))
    return Table(("bus", "by"), notifier_report.COLUMNS, rows, runs, list(notifier_report.ratios(series)))


def analyzer(found: Any) -> Table:
    """By share of flagged and engine."""
    works = {one.name: one for one in WORKS}
    series = [
        Series(
            ENGINES[one["engine"]],
            [_of(Run, each) for each in one["starts"]],
            {works[done["flagged"]]: [_of(Run, each) for each in done["runs"]] for done in one["works"]},
        )
        for one in found
    ]
    times = ratios(series, WORKS)
    rows = [
        (work.name, one.engine.title, *analyzer_report.cells(one, work, times.get((one.engine.name, work))))
        for work in WORKS
        for one in series
        if work in one.runs
    ]
    runs = min(len(each) for one in series for each in one.runs.values())
    remarks = analyzer_report.unequal([one.engine for one in series])
    return Table(("flagged", "engine"), analyzer_report.COLUMNS, rows, runs, remarks)


def latency(found: Any) -> Table:
    """By engine and rate."""
    rows, counts = [], []
    for one in found:
        runs = [
            _of(Delays, each | {"pace": _of(Pace, each["pace"]), "writer": _of(Written, each["writer"])})
            for each in one["runs"]
        ]
        for per_s in sorted({each.pace.per_s for each in runs}):
            mine = [each for each in runs if each.pace.per_s == per_s]
            rows.append((one["engine"], f"{per_s:,}", *latency_report.cells(mine)))
            counts.append(len(mine))
    return Table(("engine", "transactions/s"), latency_report.COLUMNS, rows, min(counts))


def recovery(found: Any) -> Table:
    """By what was waited for."""
    runs = [_of(Recovered, one) for one in found]
    rows = [(name, *recovery_report.cells([of(one) for one in runs])) for name, of in recovery_report.ROWS.items()]
    remarks = [f"Of {runs[0].cards:,} cards; transactions came at a fixed rate while two workers were restarted."]
    return Table(("seconds",), recovery_report.COLUMNS, rows, len(runs), remarks)


def producer(found: Any) -> Table:
    """By producer."""
    series = {
        name: [Made(_of(Part, each["few"]), _of(Part, each["many"]), each["wrong"]) for each in runs]
        for name, runs in found.items()
    }
    ours = series[MAKERS[0].name]
    titles = {maker.name: maker.title for maker in MAKERS}
    rows = [(titles[name], *producer_report.cells(made, ours)) for name, made in series.items()]
    return Table(("producer",), producer_report.COLUMNS, rows, min(map(len, series.values())))


def codec(found: Any) -> Table:
    """By way."""
    rows = [(title, *codec_report.cells(one["s_a_record"])) for title, one in found.items()]
    return Table(("way",), codec_report.COLUMNS, rows, min(len(one["s_a_record"]) for one in found.values()))


def score(found: Any) -> Table:
    """By number of processes."""
    costs, count = found["cost"], found["transactions"]
    rows = [(processes, *score_report.cells(each, count)) for processes, each in costs.items()]
    return Table(("processes",), score_report.COLUMNS, rows, min(map(len, costs.values())))


TABLES: Final[dict[str, Callable[[Any], Table]]] = {
    "analyzer": analyzer,
    "latency": latency,
    "recovery": recovery,
    "producer": producer,
    "notifier": notifier,
    "eventbus": eventbus,
    "codec": codec,
    "score": score,
}
"""By the bench whose NAME.json it is of."""

"""Its command: the notifier beside the connector's pace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from bench import screen
from bench.notifier import report
from bench.notifier.buses import EVENTBUS, NULL, Bus, Null, event_bus, null_bus
from bench.notifier.check import problems
from bench.notifier.contenders import CONNECTOR, CONTENDERS, Contender, Where, contender
from bench.notifier.measure import measure
from bench.notifier.topic import fill
from bench.screen import JsonFile, Runs, Say, Smoke
from demo import broker as brokers
from schemas import topics
from schemas.errors import EXIT_FAILURE
from schemas.settings import KafkaSettings

_SMOKE_EVENTS: Final = 400
_SMOKE_SAMPLE: Final = 30
_SAMPLE: Final = 500


def notifier(
    *,
    events: Annotated[int, typer.Option(min=100, help="Notifications in the topic.")] = 50_000,
    sample: Annotated[int, typer.Option(min=10, help="How many of them the connector's pace gets.")] = _SAMPLE,
    runs: Runs = 5,
    peers: Annotated[str, typer.Option(help="Who puts, in this order.")] = ",".join(CONTENDERS),
    answer_ms: Annotated[float, typer.Option(min=0, help="How long the null endpoint takes for a call.")] = 0,
    broker: Annotated[str, typer.Option(help="embedded, apache or HOST:PORT.")] = brokers.EMBEDDED,
    file: JsonFile = None,
    smoke: Smoke = False,
) -> None:
    """Compare how fast notifications get to a bus: by ours and at the connector's pace.

    All decode the same records and put the same entries, into an endpoint that does nothing and into eventbus/.
    The connector's pace is one call of ten entries at a time and 200 ms of pause after it, as its source has it.
    Each run is a new process with a new consumer group; the clock runs from the first entry taken to the last.
    Exit code 1 when an entry is missing, strange, repeated, or out of the order of its key.
    """
    console = screen.console()
    chosen = [contender(name) for name in peers.split(",")]
    if smoke:
        events, sample, runs = _SMOKE_EVENTS, _SMOKE_SAMPLE, 1
    wrong: list[str] = []
    with screen.folder() as folder, screen.progress(console) as say, filled(broker, folder, events, say) as topic:
        kafka, places = topic
        with null_bus(folder, answer_ms) as null:
            found = _compare(chosen, null, kafka, places, runs=runs, sample=sample, folder=folder, say=say, wrong=wrong)
    report.show(found, runs, console)
    screen.keep(report.as_json(found), "notifier", file, console)
    for line in wrong:
        console.print(f"WRONG {line}", soft_wrap=True, highlight=False)
    if wrong:
        raise typer.Exit(EXIT_FAILURE)


@contextmanager
def filled(broker: str, folder: Path, events: int, say: Say) -> Iterator[tuple[KafkaSettings, list[tuple[int, int]]]]:
    """Run a broker with so many notifications; yield how to reach it, and partition and offset of each."""
    running = brokers.make(broker, folder / "broker", say=say)
    running.start()
    try:
        kafka = KafkaSettings(bootstrap_servers=running.bootstrap_servers)
        topics.create(kafka, topics.load())
        say(f"writing {events} notifications")
        yield kafka, fill(kafka, topics.NOTIFICATIONS, events)
    finally:
        running.stop()


def _compare(
    chosen: list[Contender],
    null: Null,
    kafka: KafkaSettings,
    places: list[tuple[int, int]],
    *,
    runs: int,
    sample: int,
    folder: Path,
    say: Say,
    wrong: list[str],
) -> report.Found:
    """Measure each contender on each bus `runs` times, in turns; note what is wrong."""
    found: report.Found = {}
    for run in range(runs):
        for name in (NULL, EVENTBUS):
            for one in chosen:
                say(f"run {run + 1} of {runs}: {one.title} into {name}")
                group = f"{run}-{name}-{one.name}"
                events = min(sample, len(places)) if one.name == CONNECTOR else len(places)
                with _bus(name, null, folder / group) as bus:
                    where = Where(kafka.bootstrap_servers, null.url, bus.url, folder)
                    found.setdefault((name, one.name), []).append(measure(one, bus, where, events, group))
                if name == NULL and one.name != CONNECTOR:
                    wrong += [f"{group}: {line}" for line in problems(null.arrivals(), places)]
                if name == EVENTBUS and found[name, one.name][-1].events != events:
                    wrong.append(f"{group}: {found[name, one.name][-1].events} entries for {events}")
    return found


@contextmanager
def _bus(name: str, null: Null, folder: Path) -> Iterator[Bus]:
    if name == NULL:
        null.forget()
        yield null
    else:
        folder.mkdir(parents=True)
        with event_bus(folder) as bus:
            yield bus

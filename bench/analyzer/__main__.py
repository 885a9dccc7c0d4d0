"""The writer of the latency bench, a process of its own: `python -m bench.analyzer --file FILE --rate N ...`."""

from __future__ import annotations

import json
import marshal
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from confluent_kafka import Producer

from bench.figures import percentile
from schemas.errors import one_line_errors
from schemas.topics import TRANSACTIONS

_TICK_S: Final = 0.002
"""What was due meanwhile is written at once, up to so much late, which counts. To wake up for each record took a third
of a core from whoever is measured."""
_AHEAD_S: Final = 1.0
"""Until the first is due: the broker takes its time to number an idempotent producer."""
_LOOKED_AT: Final = 20
"""Of so many records one says when the broker had it, after the first second: a call of Python for each would slow down
the writer."""

SETTINGS: Final = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 5,
    "partitioner": "murmur2_random",
}
"""As our own producer writes. Idempotence keeps the broker from being swamped: librdkafka sends a request for each
small batch of a partition, as many ahead as it likes; so five are on their way at most, and batches grow instead."""


def write(
    *,
    file: Annotated[Path, typer.Option()],
    rate: Annotated[int, typer.Option()],
    bootstrap_servers: Annotated[str, typer.Option()],
) -> None:
    """Write the records of FILE at a rate; each bears the time at which it was due."""
    values: list[tuple[bytes, bytes]] = marshal.loads(file.read_bytes())  # noqa: S302 - our own
    producer = Producer({"bootstrap.servers": bootstrap_servers, **SETTINGS})
    producer.list_topics(TRANSACTIONS, timeout=30)
    began, written = time.time() + _AHEAD_S, list[float]()
    for number, (key, value) in enumerate(values):
        due = began + number / rate
        while time.time() < due:
            producer.poll(0)
            time.sleep(_TICK_S)
        producer.produce(TRANSACTIONS, value, key, timestamp=int(due * 1_000), **_looked_at(number, rate, due, written))
    producer.flush(30)
    told = {"began_ms": began * 1_000, "written_ms": percentile(sorted(written), 99)}
    print(json.dumps(told))


def _looked_at(number: int, rate: int, due: float, written: list[float]) -> dict[str, Any]:
    if number < rate or number % _LOOKED_AT:
        return {}
    return {"on_delivery": lambda *_: written.append((time.time() - due) * 1_000)}


if __name__ == "__main__":
    with one_line_errors():
        typer.run(write)

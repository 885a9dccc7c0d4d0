"""The writer of the latency bench, a process of its own: `python -m bench.analyzer --file FILE --rate N ...`."""

from __future__ import annotations

import json
import marshal
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from confluent_kafka import Producer

from schemas.errors import one_line_errors
from schemas.topics import TRANSACTIONS

_NAP_S: Final = 0.0005
_AHEAD_S: Final = 0.2


def write(
    *,
    file: Annotated[Path, typer.Option()],
    rate: Annotated[int, typer.Option()],
    bootstrap_servers: Annotated[str, typer.Option()],
) -> None:
    """Write the records of FILE at a rate; each bears the time at which it was due."""
    values: list[tuple[bytes, bytes]] = marshal.loads(file.read_bytes())  # noqa: S302 - our own
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "acks": "all", "linger.ms": 1, "partitioner": "murmur2_random"}
    )
    producer.list_topics(TRANSACTIONS, timeout=30)
    began, late_s = time.time() + _AHEAD_S, 0.0
    for number, (key, value) in enumerate(values):
        due = began + number / rate
        while (now := time.time()) < due:
            producer.poll(0)
            time.sleep(min(_NAP_S, max(0.0, due - now)))
        late_s = max(late_s, now - due)
        producer.produce(TRANSACTIONS, value, key, timestamp=int(due * 1_000))
    producer.flush(30)
    print(json.dumps({"began_ms": began * 1_000, "late_ms": late_s * 1_000}))


if __name__ == "__main__":
    with one_line_errors():
        typer.run(write)

"""The peer: how the open-source Kafka connector for EventBridge (1.6.1) paces its calls, as a loop in Python.

From its source: one task, one PutEvents at a time, up to ten entries in input order, then a pause of 200 ms, after a
success too. Records are decoded and written by the same code as the notifier's, so that both put the same bytes; the
call is boto3's. It stands for the connector's documented pace, not for the speed of Java.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

from notifier.batch import MAX_ENTRIES
from notifier.kafka import consumer, to_record
from notifier.mapping import Mapper
from notifier.settings import NotifierSettings
from notifier.sinks.base import Accepted
from notifier.sinks.eventbridge import EventBridgeSink
from schemas import aws
from schemas.codec import Decoder
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, RegistrySettings, load

PAUSE_S: Final = 0.2


def run(events: int, out: Path) -> None:
    """Put the first `events` notifications and write how long each call took (s)."""
    settings = load(NotifierSettings)
    mapper = Mapper(Decoder(GlueRegistry.connect(load(RegistrySettings)), logical_types=False), settings.naming())
    sink = EventBridgeSink(aws.client("events"), settings.bus)
    source = consumer(load(KafkaSettings), settings)
    source.subscribe([settings.topic])
    calls: list[float] = []
    left = events
    while left > 0:
        messages = source.consume(min(MAX_ENTRIES, left), 1.0)
        if not messages:
            continue
        entries = [mapper.entry(to_record(message)) for message in messages]
        start = time.monotonic()
        if not all(isinstance(result, Accepted) for result in sink.put(entries)):
            raise RuntimeError("an entry was refused")
        calls.append(time.monotonic() - start)
        left -= len(entries)
        time.sleep(PAUSE_S)
    out.write_text(json.dumps(calls))
    source.close()

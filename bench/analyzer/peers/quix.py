"""Quix Streams: a streaming DataFrame with a stateful function; its store is RocksDB with a changelog in Kafka.

Values of the store are JSON (orjson, its default); a commit every second, where its default is every five.
"""

from __future__ import annotations

from typing import Any

from quixstreams import Application, State

from bench.analyzer.peers import setup
from bench.analyzer.peers.rules import Card


def main() -> None:
    """Work until SIGTERM."""
    told = setup.read()
    app = Application(
        broker_address=told.bootstrap_servers,
        consumer_group=told.group,
        auto_offset_reset="earliest",
        state_dir=told.state,
        commit_interval=1.0,
        consumer_extra_config={"session.timeout.ms": setup.SESSION_S * 1_000},
        auto_create_topics=True,
        loglevel="WARNING",
    )

    def judge(value: bytes, state: State) -> bytes | None:
        transaction = told.wire.read(value)
        known: Any = state.get("card")
        card = Card(*known) if known else Card([])
        findings = told.rules.judge(card, transaction)
        state.set("card", [card.recent, card.count, card.mean, card.m2])
        return told.wire.write(transaction, findings) if findings else None

    transactions = app.topic(told.topic, key_deserializer="bytes", value_deserializer="bytes")
    notifications = app.topic(told.out, key_serializer="bytes", value_serializer="bytes")
    judged = app.dataframe(transactions).apply(judge, stateful=True)
    judged.filter(lambda value: value is not None).to_topic(notifications)
    app.run()


if __name__ == "__main__":
    main()

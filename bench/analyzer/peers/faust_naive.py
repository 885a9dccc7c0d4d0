"""Faust as in its tutorial: an agent, a table with a JSON value a card, written back with every event.

The options are Faust's own but for what the bench asks: raw records in and out, a commit every second, a short session.
"""

from __future__ import annotations

from typing import Any

import faust

from bench.analyzer.peers import setup
from bench.analyzer.peers.rules import Card

PARTITIONS = 12
told = setup.read()

app = faust.App(
    told.group,
    broker=f"kafka://{told.bootstrap_servers}",
    store="memory://",
    topic_partitions=PARTITIONS,
    datadir=str(told.state),
    broker_commit_interval=1.0,
    broker_session_timeout=setup.SESSION_S,
    broker_rebalance_timeout=setup.SESSION_S,
    broker_heartbeat_interval=1.0,
    web_enabled=False,
)
transactions = app.topic(told.topic, key_serializer="raw", value_serializer="raw", key_type=bytes, value_type=bytes)
notifications = app.topic(told.out, key_serializer="raw", value_serializer="raw", key_type=bytes, value_type=bytes)
cards: Any = app.Table("cards", partitions=PARTITIONS)


@app.agent(transactions)
async def judge(stream: Any) -> None:
    """Judge one transaction after the other."""
    async for value in stream:
        transaction = told.wire.read(value)
        known = cards.get(transaction["cardId"])
        card = Card(**known) if known else Card([])
        findings = told.rules.judge(card, transaction)
        cards[transaction["cardId"]] = {
            "recent": card.recent,
            "count": card.count,
            "mean": card.mean,
            "m2": card.m2,
        }
        if findings:
            notification = told.wire.write(transaction, findings)
            await notifications.send(key=transaction["cardId"].encode(), value=notification)


if __name__ == "__main__":
    app.main()

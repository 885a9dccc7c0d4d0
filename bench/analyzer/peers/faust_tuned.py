"""The same agent, with all that Faust's settings and a compact value can do for it.

- Records are sent in batches (`producer_linger`), and the agent's buffer holds 16 times as many events.
- A card's value is pickled: bytes, which the table keeps and the changelog gets as they are.
- Nothing is traced, no web server runs, no standbys, no reply topics.
"""

from __future__ import annotations

import pickle
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
    broker_commit_every=100_000,
    broker_max_poll_records=4_000,
    producer_linger=0.05,
    producer_max_batch_size=262_144,
    stream_buffer_maxsize=65_536,
    stream_wait_empty=False,
    table_standby_replicas=0,
    topic_disable_leader=True,
    web_enabled=False,
)
BYTES: dict[str, Any] = {"key_type": bytes, "value_type": bytes}
RAW: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw", **BYTES}
transactions = app.topic(told.topic, **RAW)
notifications = app.topic(told.out, **RAW)
changelog = app.topic(f"{told.group}-cards-changelog", partitions=PARTITIONS, compacting=True, **RAW)
cards: Any = app.Table("cards", partitions=PARTITIONS, changelog_topic=changelog, **BYTES)


@app.agent(transactions)
async def judge(stream: Any) -> None:
    """Judge one transaction after the other."""
    read, write, decide = told.wire.read, told.wire.write, told.rules.judge
    async for value in stream:
        transaction = read(value)
        key = transaction["cardId"].encode()
        known = cards.get(key)
        card = Card(*pickle.loads(known)) if known else Card([])  # noqa: S301 - its own
        findings = decide(card, transaction)
        cards[key] = pickle.dumps((card.recent, card.count, card.mean, card.m2), pickle.HIGHEST_PROTOCOL)
        if findings:
            await notifications.send(key=key, value=write(transaction, findings))


if __name__ == "__main__":
    app.main()

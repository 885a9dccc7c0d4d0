"""What an engine is: a command that does the work of `bench.analyzer` until it is told to stop.

The contract, in any language:

- It is started when the topic has been filled, and reads it from the beginning as a consumer group.
- Environment (nothing else is set but PATH, HOME, LANG and TMPDIR, and what `Engine.env` adds):

  | variable | meaning |
  |---|---|
  | `KAFKA_BOOTSTRAP_SERVERS` | `host:port` |
  | `BENCH_TOPIC` | topic of the transactions; 12 partitions, exists |
  | `BENCH_OUT` | topic of the notifications; 12 partitions, exists |
  | `BENCH_GROUP` | consumer group, or application id: its committed offsets are watched |
  | `BENCH_RULES` | JSON file: thresholds and schemas, see `bench.analyzer.work.as_json` |
  | `BENCH_RECORDS` | how many records the topic holds |
  | `BENCH_STATE` | an empty folder on disk, for state |

- Topics of its own (changelogs) it makes itself. Notifications are keyed by card id; their partition doesn't matter.
- Its session timeout is ten seconds: the embedded broker holds a join for half of it.
- It commits about every second, and only what is done: notifications acknowledged (`acks=all`), state written.
- It is done when the committed offsets of `BENCH_GROUP` reach the end of every partition and every notification that
  the scalar core expects has arrived. It doesn't notice that itself, and keeps running: the bench ends it with SIGTERM,
  and after ten seconds with SIGKILL.
- It writes to its log what it likes; when it ends by itself, it has failed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analyzer.stage import CARDS
from bench.jvm import build as jvm
from bench.places import PEERS_ENV, ROOT, program
from schemas import topics

GROUP: Final = CARDS.group
"""Consumer group of every engine: each has a broker of its own, and ours can't be told another."""
OUTSIDE: Final = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine works."""

    bootstrap_servers: str
    rules: Path
    """JSON for the peers."""
    rules_toml: Path
    """The same for ours."""
    records: int
    state: Path
    aws: Mapping[str, str]
    """Environment of the local AWS, whose registry has the schemas; ours asks it."""

    def environment(self) -> dict[str, str]:
        """Return what every engine is told."""
        return {name: os.environ[name] for name in OUTSIDE if name in os.environ} | {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "BENCH_TOPIC": topics.TRANSACTIONS,
            "BENCH_OUT": topics.NOTIFICATIONS,
            "BENCH_GROUP": GROUP,
            "BENCH_RULES": str(self.rules),
            "BENCH_RECORDS": str(self.records),
            "BENCH_STATE": str(self.state),
        }


@dataclass(frozen=True, slots=True)
class Engine:
    """How an engine is started, and what is known of it beforehand."""

    name: str
    title: str
    argv: Callable[[], list[str]]
    env: Callable[[Place], Mapping[str, str]]
    durable: bool = True
    """Whether it finds its windows again after a crash."""
    share: int = 1
    """It gets the records of every n-th card: a slow one would take hours for all."""
    unequal: str = ""
    """What it does more, or less, than ours: said beside its figures."""
    needs: tuple[str, ...] = ()
    """Programs without which the bench goes without it."""


_UNCHECKED: Final = "no field is checked, and what is read again after a crash counts twice; in ours neither is so"


def _peer(module: str, *words: str) -> Callable[[], list[str]]:
    return lambda: [str(program("python")), "-m", f"bench.analyzer.peers.{module}", *words]


def _peer_env(**more: str) -> Callable[[Place], Mapping[str, str]]:
    return lambda _: {"PYTHONPATH": str(ROOT), "VIRTUAL_ENV": str(PEERS_ENV), **more}


_FAUST: Final = ("worker", "--loglevel", "error", "--without-web")
OURS: Final = Engine(
    name="ours",
    title="analyzer",
    argv=lambda: [sys.executable, "-m", "analyzer", "worker", "--stage", "cards"],
    env=lambda place: {
        **place.aws,
        "PYTHONPATH": str(ROOT),
        "ANALYZER_RULES_FILE": str(place.rules_toml),
        "LOG_LEVEL": "WARNING",
    },
    share=1,
)
FAUST: Final = Engine(
    "faust", "Faust, tutorial", _peer("faust_naive", *_FAUST), _peer_env(), share=20, unequal=_UNCHECKED
)
FAUST_TUNED: Final = Engine(
    "faust-tuned", "Faust, tuned", _peer("faust_tuned", *_FAUST), _peer_env(), share=20, unequal=_UNCHECKED
)
QUIX: Final = Engine("quix", "Quix Streams", _peer("quix"), _peer_env(), share=2, unequal=_UNCHECKED)
CONFLUENT: Final = Engine(
    "confluent", "confluent-kafka", _peer("plain"), _peer_env(), durable=False, unequal=_UNCHECKED
)
_FIGURES: Final = "every figure of every window for each record, 3 % of its time; ours only those that rules read"


def _on_jvm(name: str, title: str, main: str, unequal: str) -> Engine:
    return Engine(name, title, lambda: jvm.argv(main), lambda _: {}, needs=jvm.TOOLS, unequal=f"{_FIGURES}; {unequal}")


STREAMS: Final = _on_jvm(
    "streams",
    "Kafka Streams",
    jvm.STREAMS,
    "it tells each exactly once, ours and Flink at least once",
)
FLINK: Final = _on_jvm(
    "flink",
    "Flink",
    jvm.FLINK,
    "a checkpoint writes all cards, to one disk; ours those that changed, to Kafka",
)
ENGINES: Final = {one.name: one for one in (OURS, FAUST, FAUST_TUNED, QUIX, CONFLUENT, STREAMS, FLINK)}

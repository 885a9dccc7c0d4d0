"""What a peer is told by the environment (`bench.analyzer.engine`)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from bench.analyzer.peers.rules import Rules
from bench.analyzer.peers.wire import Wire

SESSION_S = 10
"""Session timeout of every engine: the embedded broker holds a join for half of it, and 45 s are the default."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Where to read and write, and what by."""

    bootstrap_servers: str
    topic: str
    out: str
    group: str
    state: Path
    rules: Rules
    wire: Wire


def read() -> Setup:
    """Read it."""
    told = json.loads(Path(os.environ["BENCH_RULES"]).read_text())
    return Setup(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        topic=os.environ["BENCH_TOPIC"],
        out=os.environ["BENCH_OUT"],
        group=os.environ["BENCH_GROUP"],
        state=Path(os.environ["BENCH_STATE"]),
        rules=Rules.read(told),
        wire=Wire(told),
    )

"""What is in a file, and what it lacks, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from producer.files.replay import Pair, Replay

INSTEAD: Final = {
    "approved": "all are approved",
    "channel": "all are CARD_PRESENT if there are terminals, else CARD_NOT_PRESENT",
    "country": "ZZ",
    "device": "none",
    "merchant_category": "0000",
    "place": "no coordinates",
    "terminal": "none",
}
"""What records say where the data says nothing."""


class Survey:
    """Counts pairs as they go by."""

    def __init__(self) -> None:
        """Begin with none."""
        self.transactions = self.fraud = self.labels = 0
        self.cards: set[str] = set()
        self.scenarios: Counter[str] = Counter()
        self.first_ms = self.last_ms = 0

    def of(self, pairs: Iterator[Pair]) -> Iterator[Pair]:
        """Yield the pairs unchanged."""
        for record, label in pairs:
            self.first_ms = self.first_ms if self.transactions else record["eventTime"]
            self.last_ms = record["eventTime"]
            self.transactions += 1
            self.cards.add(record["cardId"])
            self.labels += label is not None
            if label and label["fraud"]:
                self.fraud += 1
                self.scenarios[label["scenario"]] += 1
            yield record, label

    def lines(self, replay: Replay, name: str) -> Iterator[str]:
        """Yield what a person should know of the file before it is sent."""
        span = f"{_written(self.first_ms)} to {_written(self.last_ms)}"
        yield f"{name}: {self.transactions:,} transactions of {len(self.cards):,} cards, {span}"
        share = f"{self.fraud / self.labels:.2%}" if self.labels else "none"
        kinds = ", ".join(f"{scenario} {count:,}" for scenario, count in sorted(self.scenarios.items()))
        yield f"labels: {self.labels:,}, fraud {self.fraud:,} ({share}){f': {kinds}' if kinds else ''}"
        if replay.unlabelled:
            yield f"without a label: {replay.unlabelled:,}"
        if replay.bad:
            yield f"bad rows left out: {replay.bad:,} of {replay.read:,} rows read"
        for word in sorted(replay.missing):
            yield f"missing: {word} (records say: {INSTEAD[word]})"
        if replay.missing:
            yield "Detection rules that need what is missing find nothing in these transactions; the others work."


def _written(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

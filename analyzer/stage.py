"""The stages of the analyzer: each reads one topic as a consumer group of its own and keeps one table of states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.dead_letter import dead_letter_topic
from schemas.topics import CARDS_CHANGELOG, NOTIFICATIONS, SHADOW, SIGHTINGS, TERMINALS_CHANGELOG, TRANSACTIONS


@dataclass(frozen=True, slots=True)
class Stage:
    """What makes a stage; all the rest is the same for each."""

    name: str
    source: str
    """Topic that it reads."""

    changelog: str
    """Topic of its states; it has as many partitions as the source."""

    group: str
    """Id of its consumer group."""

    subject: str
    """Whose states it keeps, in a word."""

    tells: tuple[str, ...]
    """Topics that it writes to, beside changelog and dead letters."""

    @property
    def dead_letters(self) -> str:
        """Topic of the records that it can't read."""
        return dead_letter_topic(self.source)


CARDS: Final = Stage(
    "cards", TRANSACTIONS, CARDS_CHANGELOG, "cardwatch-analyzer", "card", (NOTIFICATIONS, SHADOW, SIGHTINGS)
)
TERMINALS: Final = Stage(
    "terminals", SIGHTINGS, TERMINALS_CHANGELOG, "cardwatch-analyzer-terminals", "terminal", (NOTIFICATIONS, SHADOW)
)
STAGES: Final = (CARDS, TERMINALS)

"""What an offline run can be told: each setting is an option and an environment variable."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from schemas.settings import Settings


class OfflineSettings(Settings):
    """What is generated to be judged, and how it is scored."""

    model_config = SettingsConfigDict(env_prefix="SCORE_")

    preset: Literal["real", "handbook", "workshop"] = "workshop"
    """Who plays, as PRODUCER_PRESET."""

    difficulty: float = Field(default=0.5, ge=0, le=1)
    """How careful fraudsters are, as PRODUCER_DIFFICULTY: 0 loud, 1 near the card's habit."""

    seed: int = Field(default=1, ge=0)
    """First seed; the same seed gives the same scores."""

    seeds: int = Field(default=1, ge=1, le=1_000)
    """How many seeds, one after the other, are played; intervals say how much they differ."""

    transactions: int = Field(default=20_000, ge=1, le=100_000_000)
    """How many transactions of each seed are judged."""

    cards: int | None = Field(default=None, ge=1, le=100_000)
    """How many cards, instead of the preset's number."""

    top_k: int = Field(default=10, ge=1)
    """Cards that an investigator can look at in a day, for Card Precision@k; the Handbook's own figures use 100."""

    processes: int = Field(default=0, ge=0, le=1_000)
    """How many processes work; 0: one for each core."""

"""What the live score can be told."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from schemas.settings import Settings


class ScoreSettings(Settings):
    """Where it keeps its state, and how it is looked at."""

    model_config = SettingsConfigDict(env_prefix="SCORE_")

    state: Path = Path(".cardwatch/score.db")
    """File with all that was read so far; delete it to start anew."""

    top_k: int = Field(default=10, ge=1)
    """Cards that an investigator can look at in a day, for Card Precision@k."""

    refresh_s: float = Field(default=1.0, gt=0, le=3_600)
    """How often the view and the metrics are computed anew, in seconds; with much fraud less often."""

    batch: int = Field(default=2_000, ge=1, le=100_000)
    """Records that are read, and kept, at once."""

    ops_host: str = Field(default="127.0.0.1", validation_alias="OPS_HOST")
    """Address on which /health and /metrics are answered."""

    ops_port: int = Field(default=0, ge=0, le=65_535, validation_alias="OPS_PORT")
    """Their port; 0 takes a free one, which is logged."""

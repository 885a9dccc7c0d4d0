"""What the analyzer can be told."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import SettingsConfigDict

from schemas.settings import Settings


class AnalyzerSettings(Settings):
    """Settings of the analyzer alone."""

    model_config = SettingsConfigDict(env_prefix="ANALYZER_", populate_by_name=True)

    stage: Literal["cards", "terminals", "both"] = "both"
    """What the worker does: judge cards' transactions, terminals' sightings, or both in one process."""

    rules_file: str = ""
    """File with the thresholds of the detection rules; empty: the one in the package, `analyzer/rules.toml`."""

    alert_threshold: float | None = Field(default=None, gt=0, le=1)
    """Score from which a transaction is flagged, above 0 and at most 1; empty: what the rules file says. If both say
    something, this wins."""

    shadow: str = ""
    """Names of detection rules that run without alerting, `a,b`; what they would flag goes to the topic `shadow`."""

    allowed_lateness_s: int = Field(default=3_600, ge=0, le=86_400)
    """How much older than its card's newest a transaction may be and still be judged, in seconds of event time."""

    @field_validator("alert_threshold", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        return None if value == "" else value

    max_dead_letters_in_a_row: int = Field(default=1_000, ge=1)
    """Bad records in a row after which the worker stops: then something else is wrong than the records."""

    checkpoint_s: float = Field(default=1.0, ge=0)
    """How often the states that changed are written to Kafka, in seconds; notifications don't wait for it. After a
    crash the records since then are read again."""

    max_unsettled: int = Field(default=50_000, ge=1)
    """Records judged whose states may not be in Kafka yet; so many make a checkpoint at once, and more wait for it."""

    drain_timeout_s: float = Field(default=10.0, gt=0)
    """How long results may take to reach the broker when the worker stops or loses partitions, in seconds."""

    send_timeout_s: float = Field(default=30.0, gt=0)
    """How long the broker may take to acknowledge a record before the worker stops, in seconds."""

    ops_host: str = Field(default="127.0.0.1", validation_alias=AliasChoices("OPS_HOST", "ops_host"))
    """Address that /health and /metrics listen on."""

    ops_port: int = Field(default=0, ge=0, le=65_535, validation_alias=AliasChoices("OPS_PORT", "ops_port"))
    """Port of /health and /metrics; 0 takes a free one and logs it."""

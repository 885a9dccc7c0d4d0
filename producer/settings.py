"""What the producer can be told: each setting is an option and an environment variable."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from producer.difficulty import MEDIUM
from producer.pace import Schedule, at_once, at_rate, at_speed
from producer.presets import Plan, make_plan
from schemas.errors import UserError
from schemas.settings import Settings


def _in_utc(moment: datetime) -> datetime:
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if not datetime(2000, 1, 1, tzinfo=UTC) <= aware < datetime(2100, 1, 1, tzinfo=UTC):
        raise ValueError("must lie between 2000 and 2100")
    return aware


class ProducerSettings(Settings):
    """What is generated, how fast, and how it is sent."""

    model_config = SettingsConfigDict(env_prefix="PRODUCER_")

    transactions: int = Field(default=0, ge=0)
    """How many transactions; 0: until stopped."""

    rate: float = Field(default=100.0, ge=0)
    """Transactions in a second of the wall clock; 0: as many as the machine can."""

    speed: float = Field(default=0.0, ge=0)
    """Instead of a rate: how many times faster than the wall clock event time passes, 3600 is an hour a second."""

    seed: int = Field(default=7, ge=0)
    """Start of all draws: the same seed gives the same records, byte for byte."""

    preset: Literal["real", "handbook", "workshop"] = "workshop"
    """Size of the population and share of fraud: real 0.17 %, handbook 0.8 %, workshop 3 %."""

    difficulty: float = Field(default=MEDIUM, ge=0, le=1)
    """How careful fraudsters are: 0 is loud, 1 stays near the card's habit."""

    cards: int | None = Field(default=None, ge=1, le=100_000)
    """How many cards, instead of the preset's number."""

    start: Annotated[datetime, AfterValidator(_in_utc)] = datetime(2026, 1, 1, tzinfo=UTC)
    """When event time begins, UTC unless it says otherwise: 2026-01-01 or 2026-01-01T08:00:00+01:00."""

    queue_messages: int = Field(default=10_000, ge=1, le=10_000_000)
    """Records of each topic that may wait for the broker; then generating waits."""

    message_timeout_s: float = Field(default=300.0, ge=1, le=86_400)
    """How long a record is tried to be delivered, in seconds."""

    drain_timeout_s: float = Field(default=10.0, gt=0, le=86_400)
    """How long the last records may take after SIGTERM, in seconds."""

    ops_host: str = Field(default="127.0.0.1", validation_alias="OPS_HOST")
    """Address on which /health and /metrics are answered."""

    ops_port: int = Field(default=0, ge=0, le=65_535, validation_alias="OPS_PORT")
    """Their port; 0 takes a free one, which is logged."""

    def plan(self) -> Plan:
        """Return what decides about the records."""
        return make_plan(self.seed, round(self.start.timestamp() * 1_000), self.preset, self.cards, self.difficulty)

    def schedule(self) -> Schedule:
        """Return when transactions are due.

        Raises:
            UserError: both a rate and a speed are asked for.
        """
        if not self.speed:
            return at_rate(self.rate) if self.rate else at_once()
        if self.rate and "rate" in self.model_fields_set:
            raise UserError(
                f"a rate of {self.rate:g} and a speed of {self.speed:g} exclude each other:"
                " give --rate or --speed (PRODUCER_RATE or PRODUCER_SPEED), not both"
            )
        return at_speed(self.speed, round(self.start.timestamp() * 1_000))

"""Settings of the notifier, read from the environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from notifier.envelope import Naming
from schemas import topics
from schemas.settings import Settings


class NotifierSettings(Settings):
    """What it reads, where it puts, and how hard it tries."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")

    topic: str = Field(default=topics.NOTIFICATIONS, pattern=r"^[A-Za-z0-9._-]+$", max_length=245)
    """Topic to read; its dead letters go to the topic of that name with `.dlq` behind it."""

    group: str = Field(default="cardwatch-notifier", min_length=1)
    """Consumer group: workers of one group share the partitions."""

    sink: str = "eventbridge"
    """Where entries go: `eventbridge` or `stdout`."""

    bus: str = Field(default="cardwatch", min_length=1)
    """Event bus, by name or ARN."""

    connector_id: str = Field(default="cardwatch", min_length=1)
    """The source of an entry is `kafka-connect.` and this."""

    detail_type: str = Field(default="kafka-connect-${topic}", min_length=1)
    """Template of the detail-type; `${topic}` stands for the record's topic."""

    keep_order: bool = True
    """Put the records of one key one after the other, in order, retries included."""

    calls_in_flight: int = Field(default=16, ge=1, le=64)
    """Calls to the sink that may be under way at once."""

    buffer_records: int = Field(default=500, ge=1)
    """Records that may wait for a call; beyond it the partitions are paused."""

    buffer_bytes: int = Field(default=16 * 1024 * 1024, ge=1)
    """Bytes of entries that may wait; beyond it the partitions are paused."""

    pause_after_s: float = Field(default=0.25, ge=0, le=60)
    """How long to wait for room before the partitions are paused, in seconds; pausing fetches anew what was fetched."""

    backoff_base_s: float = Field(default=0.1, gt=0, le=3_600)
    """Longest wait before the first retry, in seconds, doubled with each further one; drawn from 0 to it."""

    backoff_cap_s: float = Field(default=20.0, gt=0, le=3_600)
    """Longest wait before any retry, in seconds."""

    connect_timeout_s: float = Field(default=60.0, gt=0, le=86_400)
    """How long to wait for the sink at start, in seconds."""

    max_dead_letters_in_a_row: int = Field(default=100, ge=1)
    """So many dead letters without an accepted entry between them stop the worker."""

    drain_timeout_s: float = Field(default=20.0, ge=0, le=86_400)
    """How long to finish what was begun, after SIGTERM, in seconds."""

    revoke_timeout_s: float = Field(default=5.0, ge=0, le=300)
    """How long to finish what was begun, before a partition is handed to another worker, in seconds."""

    unhealthy_after_s: float = Field(default=60.0, gt=0, le=86_400)
    """How long the sink may fail before /health says so, in seconds."""

    session_timeout_s: float = Field(default=10.0, ge=6, le=300)
    """After this long without a heartbeat the group gives a worker's partitions to others, in seconds.

    Brokers take no less than 6 s by default, and librdkafka no more than its poll interval, 300 s.
    """

    ops_host: str = Field(default="127.0.0.1", validation_alias="OPS_HOST")
    """Address on which /health and /metrics are answered."""

    ops_port: int = Field(default=0, ge=0, le=65535, validation_alias="OPS_PORT")
    """Their port; 0 takes a free one, which is logged."""

    def naming(self) -> Naming:
        """Return how entries are named."""
        return Naming(self.connector_id, self.detail_type)

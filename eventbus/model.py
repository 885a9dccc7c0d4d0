"""What the bus knows: events, and the resources that its API makes. Values only.

Times are whole milliseconds since 1970 (UTC) where the name ends in `_ms`. What a caller gave in the API's
own shape (`spec`) is kept as it came: it is validated at the door and given back unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

MAX_ATTEMPTS: Final = 185
"""Retries of a target that says nothing else. Source: EventBridge API reference, RetryPolicy."""
MAX_AGE_S: Final = 86_400
"""Age in seconds at which an event is given up, unless its target says otherwise. Source: as above."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event on a bus."""

    id: str
    bus_arn: str
    body: str
    """The event's JSON text, as it is delivered."""
    fields: Any
    """`body` as `eventbus.pattern.parse_event` gives it; never changed. It takes many times the memory of the text,
    so what waits for delivery has None: the intake parses a body that comes without."""
    accepted_ms: int
    """When the bus took it: the ingestion time, from which its age counts."""
    hops: int = 0
    """Buses that it was forwarded by: an event is forwarded once, not on from there."""
    only_rules: frozenset[str] | None = None
    """ARNs of the only rules that may see it (a replay's filter, a schedule's own rule); None: all."""
    replay: str = ""
    """Name of the replay that it comes from; such an event is never archived again."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a rule sends events."""

    id: str
    arn: str
    spec: Mapping[str, Any]
    """The target in the API's shape, `Id` and `Arn` included."""

    @property
    def max_attempts(self) -> int:
        """Retries after the first attempt, 0 to 185."""
        return int(self.spec.get("RetryPolicy", {}).get("MaximumRetryAttempts", MAX_ATTEMPTS))

    @property
    def max_age_s(self) -> int:
        """Seconds after which an event is given up, 60 to 86,400."""
        return int(self.spec.get("RetryPolicy", {}).get("MaximumEventAgeInSeconds", MAX_AGE_S))

    @property
    def dead_letter_queue(self) -> str:
        """ARN of an SQS queue for events that were given up, or an empty text."""
        return str(self.spec.get("DeadLetterConfig", {}).get("Arn", ""))


@dataclass(frozen=True, slots=True)
class Bus:
    """An event bus."""

    arn: str
    name: str
    created_ms: int
    modified_ms: int
    description: str = ""
    policy: Mapping[str, Any] | None = None
    """Resource policy: who else may put events."""
    spec: Mapping[str, Any] = field(default_factory=dict)
    """What else the caller gave: DeadLetterConfig, KmsKeyIdentifier, LogConfig."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a bus."""

    arn: str
    name: str
    bus_arn: str
    created_ms: int
    pattern: str | None = None
    """The event pattern's text."""
    schedule: str | None = None
    """`rate(...)` or `cron(...)`."""
    state: Literal["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"] = "ENABLED"
    description: str | None = None
    role_arn: str | None = None
    targets: tuple[Target, ...] = ()
    """In the order in which they were put; ids are unique."""
    modified_ms: int = 0
    """When it was last saved; the catalogue writes it."""

    @property
    def enabled(self) -> bool:
        """Whether it sees events."""
        return self.state != "DISABLED"

    def target(self, target_id: str) -> Target | None:
        """Return one of the targets."""
        return next((target for target in self.targets if target.id == target_id), None)


@dataclass(frozen=True, slots=True)
class Connection:
    """How an API destination authorises itself."""

    arn: str
    name: str
    secret_arn: str
    kind: Literal["API_KEY", "BASIC", "OAUTH_CLIENT_CREDENTIALS"]
    auth: Mapping[str, Any] = field(repr=False)
    """`AuthParameters` as they were given, secrets included: these never leave through the API."""
    created_ms: int
    modified_ms: int
    description: str | None = None
    state: Literal["AUTHORIZED", "DEAUTHORIZED"] = "AUTHORIZED"


@dataclass(frozen=True, slots=True)
class ApiDestination:
    """An HTTP endpoint to call."""

    arn: str
    name: str
    connection_arn: str
    endpoint: str
    """URL, with `*` for each path parameter."""
    method: str
    created_ms: int
    modified_ms: int
    rate_per_second: int = 300
    """Most calls a second. Source of the default: EventBridge user guide, API destinations."""
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Archive:
    """Keeps events of a bus for a replay."""

    arn: str
    name: str
    bus_arn: str
    created_ms: int
    pattern: str | None = None
    retention_days: int = 0
    """0: for ever."""
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """Archived events put again."""

    arn: str
    name: str
    archive_arn: str
    destination: Mapping[str, Any]
    """`Destination` as it was given: Arn of the bus, FilterArns."""
    from_ms: int
    until_ms: int
    state: Literal["STARTING", "RUNNING", "CANCELLING", "COMPLETED", "CANCELLED", "FAILED"]
    started_ms: int
    description: str | None = None
    reason: str | None = None
    ended_ms: int | None = None
    last_ms: int | None = None
    """Event time of the last event that was replayed."""
    last_seq: int = 0
    """Number of the archived row that was replayed last: from there it goes on after a restart."""


Resource = Bus | Rule | Connection | ApiDestination | Archive | Replay

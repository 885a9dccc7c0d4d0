"""What a kind of target is made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from eventbus.arn import Arn
from eventbus.model import ApiDestination, Bus, Connection
from eventbus.ports import Intake, Sender
from eventbus.targets.aws_json import AwsCalls
from eventbus.targets.clients import Clients
from eventbus.targets.threads import Threads

if TYPE_CHECKING:
    import aiohttp


class Directory(Protocol):
    """Where senders look up what the bus's own API made."""

    def bus(self, arn: str) -> Bus | None:
        """Return an event bus."""

    def connection(self, arn: str) -> Connection | None:
        """Return a connection."""

    def destination(self, arn: str) -> ApiDestination | None:
        """Return an API destination."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What senders work with."""

    directory: Directory
    clients: Clients
    threads: Threads
    aws: AwsCalls
    http: Callable[[], aiohttp.ClientSession]
    """Returns the one session; called inside the running loop."""
    intake: Callable[[], Intake]
    """Returns the way onto a bus; it is there once the bus is up."""
    clock_ms: Callable[[], int] = field(default=lambda: int(time.time() * 1000))
    """Milliseconds since 1970, UTC."""
    monotonic_s: Callable[[], float] = time.monotonic


Spec = Mapping[str, Any]
"""A target in the API's shape."""


def _anything_goes(_spec: Spec) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of target. A file each; `eventbus.targets.KINDS` lists them."""

    name: str
    """As people say it, such as "SQS queue"."""
    serves: Callable[[Arn], bool]
    """Whether an ARN names a target of this kind."""
    sender: Callable[[Tools], Sender]
    needs_role: bool = False
    """Whether PutTargets asks for a RoleArn."""
    parameters: frozenset[str] = frozenset()
    """Fields of a target that this kind alone understands, such as SqsParameters."""
    problem: Callable[[Spec], str | None] = _anything_goes
    """What else PutTargets finds wrong with a target, or None."""

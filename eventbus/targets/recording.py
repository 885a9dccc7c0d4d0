"""Fakes that record, for tests: boto3 clients that answer as told, a directory, an intake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from eventbus.model import ApiDestination, Bus, Connection, Event, Resource

Answer = Mapping[str, Any] | Exception


def refusal(code: str, message: str = "", status: int = 400) -> ClientError:
    """Return the error that boto3 raises when a service answers with this code."""
    said: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "Operation")


@dataclass
class RecordingClients:
    """Gives clients whose operations are recorded: (service, region, operation, arguments)."""

    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    """What the next calls of an operation get or raise; after that an empty answer."""
    calls: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Service and region of each client."""

    def of(self, service: str, region: str) -> Any:
        """Return a client that records."""
        self.asked.append((service, region))
        return _Client(self, service, region)

    def credentials(self) -> None:
        """Return no credentials: nothing is signed."""

    def called(self, operation: str) -> list[dict[str, Any]]:
        """Return the arguments of each call of an operation."""
        return [arguments for _, _, name, arguments in self.calls if name == operation]


@dataclass(frozen=True)
class _Client:
    clients: RecordingClients
    service: str
    region: str

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.clients.calls.append((self.service, self.region, operation, arguments))
            told = self.clients.answers[operation]
            answer = told.pop(0) if told else {}
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@dataclass
class ListedResources:
    """A directory of the resources that it is given."""

    resources: Sequence[Resource] = ()

    def bus(self, arn: str) -> Bus | None:
        """Return an event bus."""
        return next((each for each in self.resources if isinstance(each, Bus) and each.arn == arn), None)

    def connection(self, arn: str) -> Connection | None:
        """Return a connection."""
        return next((each for each in self.resources if isinstance(each, Connection) and each.arn == arn), None)

    def destination(self, arn: str) -> ApiDestination | None:
        """Return an API destination."""
        return next((each for each in self.resources if isinstance(each, ApiDestination) and each.arn == arn), None)


@dataclass
class RecordingIntake:
    """Accepts, or raises `error`."""

    accepted: list[Event] = field(default_factory=list)
    error: Exception | None = None

    async def accept(self, events: Sequence[Event]) -> None:
        """Record the events."""
        if self.error is not None:
            raise self.error
        self.accepted += events


@dataclass
class RecordingAwsCalls:
    """Calls of AWS services that are recorded: operation and arguments."""

    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    """As in `RecordingClients`."""
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def call(self, service: str, region: str, operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record the call and answer as told."""
        del service, region
        self.calls.append((operation, arguments))
        told = self.answers[operation]
        answer = told.pop(0) if told else {}
        if isinstance(answer, Exception):
            raise answer
        return answer

    def called(self, operation: str) -> list[Mapping[str, Any]]:
        """Return the arguments of each call of an operation."""
        return [arguments for name, arguments in self.calls if name == operation]

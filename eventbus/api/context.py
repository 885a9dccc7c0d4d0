"""What an operation works with, and how it finds buses and rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eventbus import policy
from eventbus.api.errors import ApiError, no_such_bus, no_such_rule
from eventbus.archive import ArchiveSize
from eventbus.arn import DEFAULT_BUS, Scope, parse
from eventbus.catalogue import Catalogue
from eventbus.metrics import Metrics
from eventbus.model import Archive, Bus, Replay, Rule
from eventbus.ports import Intake


class Archives(Protocol):
    """Keeps archived events."""

    async def size(self, archive: Archive) -> ArchiveSize:
        """Return what it holds now."""

    async def forget(self, archive: Archive) -> None:
        """Remove its events."""


class Replays(Protocol):
    """Puts archived events again."""

    async def start(self, replay: Replay) -> Replay:
        """Keep it, begin, and return it as it is now."""

    async def cancel(self, replay: Replay) -> Replay:
        """Stop it, and return it as it is now."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The bus, as the operations use it."""

    catalogue: Catalogue
    intake: Intake
    archives: Archives
    replays: Replays
    metrics: Metrics
    now_ms: Callable[[], int]
    new_id: Callable[[], str]
    """A fresh UUID."""
    max_request_bytes: int
    """Most bytes of the entries of one PutEvents."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation."""

    parts: Parts
    scope: Scope
    """Whose resources it is about: the caller's account, in the region that it signed for."""

    @property
    def catalogue(self) -> Catalogue:
        """What buses, rules and other resources there are."""
        return self.parts.catalogue

    def bus_arn(self, name_or_arn: str | None) -> str:
        """Return the ARN of a bus by name or ARN; None: the default bus."""
        name = name_or_arn or DEFAULT_BUS
        return name if name.startswith("arn:") else self.scope.bus(name)

    def bus(self, name_or_arn: str | None, action: str = "") -> Bus:
        """Return a bus.

        Args:
            name_or_arn: None: the default bus.
            action: what is to be done to it, such as `events:PutRule`: another account needs leave.

        Raises:
            ApiError: ResourceNotFoundException or AccessDeniedException.
        """
        arn = self.bus_arn(name_or_arn)
        found = self.catalogue.bus(arn)
        if found is None:
            raise no_such_bus(arn)
        owner = parse(arn)
        if owner and owner.region != self.scope.region:
            raise no_such_bus(arn)
        if owner and owner.account != self.scope.account and not self.may(found, action, {}):
            raise access_denied(self.scope.account, action, arn)
        return found

    def may(self, bus: Bus, action: str, facts: Mapping[str, str]) -> bool:
        """Return whether the bus's policy lets the caller; `facts`: values of keys such as `events:source`."""
        account = self.scope.account
        facts = {"aws:PrincipalAccount": account, "aws:SourceAccount": account, **facts}
        return policy.allows(bus.policy, account, action, bus.arn, facts)

    def rule(self, name: str, bus: Bus) -> Rule:
        """Return a rule of a bus.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        found = self.catalogue.rule(rule_arn(bus, name))
        if found is None:
            raise no_such_rule(name, bus.arn)
        return found


Request = Mapping[str, Any]
Answer = Mapping[str, Any]
Operation = Callable[[Call, Request], Awaitable[Answer]]
"""Performs one operation on a validated request."""


def rule_arn(bus: Bus, name: str) -> str:
    """Return the ARN of a rule: it belongs to whom its bus belongs to."""
    owner = parse(bus.arn)
    assert owner is not None  # noqa: S101 - the ARN of a bus that is there
    return owner.scope.rule(name, bus.name)


def access_denied(account: str, action: str, resource: str) -> ApiError:
    """Return the error for another account that has no leave."""
    message = (
        f"User: arn:aws:iam::{account}:root is not authorized to perform: {action} on resource: {resource} "
        f"because no resource-based policy allows the {action} action"
    )
    return ApiError("AccessDeniedException", message)


def given(request: Request, *names: str) -> dict[str, Any]:
    """Return the members that a request has of these."""
    return {name: request[name] for name in names if name in request}


def present(**members: Any) -> dict[str, Any]:
    """Return the members of an answer that have a value: the service leaves out the others."""
    return {name: value for name, value in members.items() if value not in (None, "")}

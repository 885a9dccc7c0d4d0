"""API destinations: HTTP endpoints, called as a connection authorises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from eventbus.model import ApiDestination, Connection, Rule, Target
from eventbus.ports import Outcome, Outgoing
from eventbus.targets import authorization, http_call
from eventbus.targets.base import Kind, Spec, Tools
from eventbus.targets.oauth import NoTokenError, Tokens
from eventbus.targets.outcomes import INVALID_PARAMETER, NO_PERMISSIONS, NO_RESOURCE, failed
from eventbus.targets.pace import Pace
from eventbus.targets.webhook_request import RESERVED, Prepared, UnfitValueError, prepare

_NEW_TOKEN: Final = frozenset({401, 407})
"""Statuses that make a token worthless. Source: EventBridge user guide, connections."""
_KEPT: Final = 10_000
"""Prepared targets, before all are prepared anew."""


class ApiDestinationSender:
    """Sends an event a call; see `eventbus.ports.Sender`."""

    batch: int = 1
    batch_bytes: int = 1024 * 1024
    concurrency: int = 32

    def __init__(self, tools: Tools) -> None:
        """Call through the tools' session."""
        self._tools = tools
        self._tokens = Tokens(tools.http, tools.monotonic_s)
        self._prepared: dict[tuple[str, str], Prepared] = {}
        self._paces: dict[str, Pace] = {}

    def delay_s(self, target: Target) -> float:
        """Return the seconds until the destination's rate, which all its targets share, lets a call go.

        0: the call is counted as gone.
        """
        destination = self._tools.directory.destination(target.arn)
        return self._pace(destination).take(self._tools.monotonic_s()) if destination else 0.0

    async def send(self, rule: Rule, target: Target, batch: Sequence[Outgoing], *, troubled: bool) -> Sequence[Outcome]:
        """Call the endpoint once an event."""
        del troubled  # nothing here blocks
        return [await self._send(rule, target, outgoing) for outgoing in batch]

    async def _send(self, rule: Rule, target: Target, outgoing: Outgoing) -> Outcome:
        destination = self._tools.directory.destination(target.arn)
        if destination is None:
            return failed(NO_RESOURCE, f"API destination {target.arn} does not exist", retry=False)
        connection = self._tools.directory.connection(destination.connection_arn)
        if connection is None:
            return failed(NO_RESOURCE, f"connection {destination.connection_arn} does not exist", retry=False)
        if connection.state != "AUTHORIZED":
            return failed(NO_PERMISSIONS, f"connection {connection.name} is {connection.state.lower()}", retry=False)
        return await self._call(rule, target, destination, connection, outgoing)

    async def _call(
        self, rule: Rule, target: Target, destination: ApiDestination, connection: Connection, outgoing: Outgoing
    ) -> Outcome:
        try:
            request = self._prepare(rule, target, destination, connection).request(outgoing)
        except ValueError as error:  # the text of any but ours could hold a secret
            reason = str(error) if isinstance(error, UnfitValueError) else type(error).__name__
            message = f"no valid request for API destination {destination.name}: {reason}"
            return failed(INVALID_PARAMETER, message, retry=False)
        if connection.kind != "OAUTH_CLIENT_CREDENTIALS":
            return (await http_call.call(self._tools.http(), request)).outcome
        try:
            token = await self._tokens.of(connection)
        except NoTokenError as error:
            return error.outcome
        headers = request.headers.copy()
        headers["Authorization"] = f"Bearer {token}"
        answer = await http_call.call(self._tools.http(), replace(request, headers=headers))
        if answer.status in _NEW_TOKEN:
            self._tokens.drop(connection, token)
        return answer.outcome

    def _prepare(self, rule: Rule, target: Target, destination: ApiDestination, connection: Connection) -> Prepared:
        key = (rule.arn, target.id)
        prepared = self._prepared.get(key)
        if prepared is None or not prepared.fits(target, destination, connection):
            if len(self._prepared) >= _KEPT:
                self._prepared.clear()
            prepared = prepare(target, destination, connection, authorization.headers(connection))
            self._prepared[key] = prepared
        return prepared

    def _pace(self, destination: ApiDestination) -> Pace:
        pace = self._paces.get(destination.arn)
        if pace is None:
            pace = self._paces[destination.arn] = Pace(destination.rate_per_second)
        pace.per_second = destination.rate_per_second
        return pace


def _problem(spec: Spec) -> str | None:
    names = spec.get("HttpParameters", {}).get("HeaderParameters", {})
    reserved = sorted(name for name in names if name.lower() in RESERVED)
    if reserved:
        return f"Parameter HeaderParameters is not valid. Reason: {', '.join(reserved)} can't be set."
    return None


KIND: Final = Kind(
    name="API destination",
    serves=lambda arn: arn.service == "events" and arn.resource.startswith("api-destination/"),
    sender=ApiDestinationSender,
    needs_role=True,
    parameters=frozenset({"HttpParameters"}),
    problem=_problem,
)

"""Finds the sender of a target, and owns what senders share. Made inside the running loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import aiohttp

from eventbus.arn import parse
from eventbus.model import Event, Target
from eventbus.ports import Intake, Outcome, Sender
from eventbus.targets import http_call
from eventbus.targets.aws_json import AwsJsonCalls
from eventbus.targets.base import Directory, Kind, Tools
from eventbus.targets.clients import BotoClients, Clients
from eventbus.targets.queue import QueueSender
from eventbus.targets.threads import Threads

BOTO3_NAMES: Final = {"states": "stepfunctions"}
"""Of services that boto3 calls otherwise than their ARNs do."""


class TargetSenders:
    """The senders of all kinds; see `eventbus.ports.Senders`."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        directory: Directory,
        clients: Clients | None = None,
        http_timeout_s: float = http_call.TIMEOUT_S,
    ) -> None:
        """Make a sender of each kind. `intake` is set once the bus is up, before the first delivery."""
        self.intake: Intake | None = None
        self._session: aiohttp.ClientSession | None = None
        self._threads = Threads()
        self._http_timeout_s = http_timeout_s
        self._clients = clients = clients or BotoClients()
        aws = AwsJsonCalls(clients, self._threads, self._http)
        tools = Tools(directory, clients, self._threads, aws, self._http, self._intake)
        self._senders = [(kind, kind.sender(tools)) for kind in kinds]
        self._dead_letters = QueueSender(tools)
        self._found: dict[str, Sender | None] = {}

    def of(self, target: Target) -> Sender | None:
        """Return the sender for this target's ARN, or None when the bus has none."""
        if target.arn not in self._found:
            arn = parse(target.arn)
            fitting = (sender for kind, sender in self._senders if arn and kind.serves(arn))
            self._found[target.arn] = next(fitting, None)
        return self._found[target.arn]

    def prepare(self, targets: Iterable[Target]) -> None:
        """Begin to make the clients that the targets need: boto3 takes up to 0.2 s, which no event shall wait for.

        What is wrong with the environment is told by the first delivery, which meets it again.
        """
        arns = [parse(target.arn) for target in targets]
        for service, region in sorted({(arn.service, arn.region) for arn in arns if arn and arn.service != "events"}):
            self._threads.begin(partial(self._clients.of, BOTO3_NAMES.get(service, service), region))

    async def dead_letter(self, queue_arn: str, event: Event, attributes: dict[str, str]) -> Outcome:
        """Send the event to an SQS queue, with these message attributes."""
        return await self._dead_letters.dead_letter(queue_arn, event, attributes)

    async def close(self) -> None:
        """Close the connections; calls under way end by their own timeouts."""
        self._threads.close()
        if self._session is not None:
            await self._session.close()

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = http_call.new_session(self._http_timeout_s)
        return self._session

    def _intake(self) -> Intake:
        if self.intake is None:
            raise RuntimeError("no intake yet: it is set before the first delivery")
        return self.intake

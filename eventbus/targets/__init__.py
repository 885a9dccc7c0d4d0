"""Where rules send events: a file a kind of target, and a line each here.

`senders` makes what delivers, `problem` says why PutTargets refuses a target.
"""

from __future__ import annotations

from typing import Final

from eventbus.targets import (
    api_destination,
    event_bus,
    firehose,
    function,
    log_group,
    queue,
    state_machine,
    stream,
    topic,
    validation,
)
from eventbus.targets.base import Directory, Kind, Spec
from eventbus.targets.clients import Clients
from eventbus.targets.http_call import TIMEOUT_S
from eventbus.targets.senders import TargetSenders

KINDS: Final[tuple[Kind, ...]] = (
    api_destination.KIND,
    event_bus.KIND,
    firehose.KIND,
    function.KIND,
    log_group.KIND,
    queue.FIFO,
    queue.KIND,
    state_machine.KIND,
    stream.KIND,
    topic.KIND,
)


def problem(spec: Spec, account: str | None = None) -> str | None:
    """Return why PutTargets refuses a target in the API's shape, or None; `account` is the rule's."""
    return validation.problem(spec, KINDS, account)


def senders(directory: Directory, clients: Clients | None = None, http_timeout_s: float = TIMEOUT_S) -> TargetSenders:
    """Return the senders of all kinds; set their `intake` before the first delivery, and `close` them at last."""
    return TargetSenders(KINDS, directory, clients, http_timeout_s)

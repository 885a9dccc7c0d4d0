"""Every operation of EventBridge's API: a module a group, and which operations the bus doesn't have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eventbus.api.context import Operation
from eventbus.api.operations import (
    api_destinations,
    archives,
    buses,
    connections,
    events,
    permissions,
    replays,
    rules,
    tags,
    targets,
)

OPERATIONS: Final[Mapping[str, Operation]] = {
    **events.OPERATIONS,
    **buses.OPERATIONS,
    **permissions.OPERATIONS,
    **rules.OPERATIONS,
    **targets.OPERATIONS,
    **connections.OPERATIONS,
    **api_destinations.OPERATIONS,
    **archives.OPERATIONS,
    **replays.OPERATIONS,
    **tags.OPERATIONS,
}

_PARTNERS: Final = "partner event sources exist on AWS alone"
_ENDPOINTS: Final = "global endpoints exist on AWS alone"

ABSENT: Final[Mapping[str, str]] = {
    "ActivateEventSource": _PARTNERS,
    "CreatePartnerEventSource": _PARTNERS,
    "DeactivateEventSource": _PARTNERS,
    "DeletePartnerEventSource": _PARTNERS,
    "DescribeEventSource": _PARTNERS,
    "DescribePartnerEventSource": _PARTNERS,
    "ListEventSources": _PARTNERS,
    "ListPartnerEventSourceAccounts": _PARTNERS,
    "ListPartnerEventSources": _PARTNERS,
    "PutPartnerEvents": _PARTNERS,
    "CreateEndpoint": _ENDPOINTS,
    "DeleteEndpoint": _ENDPOINTS,
    "DescribeEndpoint": _ENDPOINTS,
    "ListEndpoints": _ENDPOINTS,
    "UpdateEndpoint": _ENDPOINTS,
}
"""Operations that EventBridge has and the bus hasn't, and why."""

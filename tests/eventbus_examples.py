"""Examples that the tests of the bus's targets share: an event, a rule, a connection, an API destination."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from eventbus.arn import Scope
from eventbus.model import ApiDestination, Connection, Event, Rule, Target
from eventbus.ports import Outgoing

SCOPE = Scope("123456789012", "eu-central-1")
BUS = SCOPE.bus("shop")
ROLE = "arn:aws:iam::123456789012:role/events"
TIME = "2026-01-01T00:00:00Z"
TIME_MS = 1_767_225_600_000
EVENT_ID = "11111111-2222-4333-8444-555555555555"


def an_event(number: int = 0, **changes: Any) -> Event:
    fields = {
        "version": "0",
        "id": f"{number:08d}{EVENT_ID[8:]}",
        "detail-type": "order placed",
        "source": "shop.orders",
        "account": SCOPE.account,
        "time": TIME,
        "region": SCOPE.region,
        "resources": [],
        "detail": {"number": number, "customer": {"id": "c 1/ü"}, "lines": [{"sku": "a"}, {"sku": "b"}]},
    } | changes.pop("fields", {})
    return Event(fields["id"], BUS, json.dumps(fields), fields, TIME_MS, **changes)


def outgoing(number: int = 0, payload: str | None = None, **changes: Any) -> Outgoing:
    event = an_event(number, **changes)
    return Outgoing(event, event.body if payload is None else payload)


def a_target(arn: str, target_id: str = "t", **spec: Any) -> Target:
    return Target(target_id, arn, {"Id": target_id, "Arn": arn, **spec})


def a_rule(*targets: Target, name: str = "orders") -> Rule:
    return Rule(SCOPE.rule(name, "shop"), name, BUS, 0, pattern="{}", targets=targets)


def a_connection(
    auth: Mapping[str, Any] | None = None,
    kind: Literal["API_KEY", "BASIC", "OAUTH_CLIENT_CREDENTIALS"] = "API_KEY",
    **changes: Any,
) -> Connection:
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "x-api-key", "ApiKeyValue": "open-sesame"}}
    arn = SCOPE.arn("connection/partner/0001")
    return Connection(arn, "partner", f"{arn}/secret", kind, auth or key, 0, 0, **changes)


def a_destination(endpoint: str, method: str = "POST", rate: int = 300, name: str = "partner") -> ApiDestination:
    arn = SCOPE.arn(f"api-destination/{name}/0001")
    return ApiDestination(arn, name, a_connection().arn, endpoint, method, 0, 0, rate_per_second=rate)

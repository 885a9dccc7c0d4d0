"""API destinations: HTTP endpoints that rules can call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from eventbus.api.context import Answer, Call, Operation, Request, present
from eventbus.api.errors import already_exists, invalid_parameter, not_found
from eventbus.api.paging import page
from eventbus.api.times import seconds
from eventbus.model import ApiDestination
from eventbus.targets import endpoint

DEFAULT_RATE: Final = 300
"""Calls a second. Source: EventBridge quotas."""


async def create_api_destination(call: Call, request: Request) -> Answer:
    """Keep an endpoint under a name."""
    name = request["Name"]
    require_endpoint(request)
    async with call.catalogue.changing:
        if call.catalogue.named(ApiDestination, call.scope, name):
            raise already_exists(f"An api-destination '{name}' already exists.")
        _require_connection(call, request["ConnectionArn"])
        now = call.parts.now_ms()
        destination = ApiDestination(
            arn=call.scope.arn(f"api-destination/{name}/{call.parts.new_id()}"),
            name=name,
            connection_arn=request["ConnectionArn"],
            endpoint=request["InvocationEndpoint"],
            method=request["HttpMethod"],
            created_ms=now,
            modified_ms=now,
            rate_per_second=request.get("InvocationRateLimitPerSecond", DEFAULT_RATE),
            description=request.get("Description"),
        )
        await call.catalogue.save(destination)
    return _state(call, destination)


async def update_api_destination(call: Call, request: Request) -> Answer:
    """Change an API destination; what isn't given stays."""
    require_endpoint(request)
    async with call.catalogue.changing:
        before = _find(call, request["Name"], "update")
        if "ConnectionArn" in request:
            _require_connection(call, request["ConnectionArn"])
        destination = replace(
            before,
            connection_arn=request.get("ConnectionArn", before.connection_arn),
            endpoint=request.get("InvocationEndpoint", before.endpoint),
            method=request.get("HttpMethod", before.method),
            rate_per_second=request.get("InvocationRateLimitPerSecond", before.rate_per_second),
            description=request.get("Description", before.description),
            modified_ms=call.parts.now_ms(),
        )
        await call.catalogue.save(destination)
    return _state(call, destination)


async def describe_api_destination(call: Call, request: Request) -> Answer:
    """Show an API destination."""
    destination = _find(call, request["Name"], "describe")
    return {**_listed(call, destination), **present(Description=destination.description)}


async def list_api_destinations(call: Call, request: Request) -> Answer:
    """List API destinations by name."""
    found = [
        each
        for each in call.catalogue.all(ApiDestination, call.scope)
        if each.name.startswith(request.get("NamePrefix", ""))
        and request.get("ConnectionArn", each.connection_arn) == each.connection_arn
    ]
    shown, more = page("ListApiDestinations", found, lambda each: each.name, request)
    return {"ApiDestinations": [_listed(call, each) for each in shown], **more}


async def delete_api_destination(call: Call, request: Request) -> Answer:
    """Remove an API destination."""
    async with call.catalogue.changing:
        await call.catalogue.remove(_find(call, request["Name"], "delete"))
    return {}


def _find(call: Call, name: str, verb: str) -> ApiDestination:
    found = call.catalogue.named(ApiDestination, call.scope, name)
    if found is None:
        raise not_found(f"Failed to {verb} the api-destination(s). An api-destination '{name}' does not exist.")
    return found


def require_endpoint(request: Request) -> None:
    """Refuse an endpoint that nothing can be sent to.

    Raises:
        ApiError: ValidationException.
    """
    problem = endpoint.problem(request["InvocationEndpoint"]) if "InvocationEndpoint" in request else None
    if problem:
        raise invalid_parameter("InvocationEndpoint", problem)


def _require_connection(call: Call, arn: str) -> None:
    if call.catalogue.connection(arn) is None:
        raise not_found(f"Connection '{arn}' does not exist.")


def _state(call: Call, destination: ApiDestination) -> dict[str, Any]:
    connection = call.catalogue.connection(destination.connection_arn)
    active = connection is not None and connection.state == "AUTHORIZED"
    return {
        "ApiDestinationArn": destination.arn,
        "ApiDestinationState": "ACTIVE" if active else "INACTIVE",
        "CreationTime": seconds(destination.created_ms),
        "LastModifiedTime": seconds(destination.modified_ms),
    }


def _listed(call: Call, destination: ApiDestination) -> dict[str, Any]:
    return {
        **_state(call, destination),
        "Name": destination.name,
        "ConnectionArn": destination.connection_arn,
        "InvocationEndpoint": destination.endpoint,
        "HttpMethod": destination.method,
        "InvocationRateLimitPerSecond": destination.rate_per_second,
    }


OPERATIONS: Final[Mapping[str, Operation]] = {
    "CreateApiDestination": create_api_destination,
    "UpdateApiDestination": update_api_destination,
    "DescribeApiDestination": describe_api_destination,
    "ListApiDestinations": list_api_destinations,
    "DeleteApiDestination": delete_api_destination,
}

"""Connections: how API destinations authorise themselves. Secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from eventbus.api.context import Answer, Call, Operation, Request, present
from eventbus.api.errors import already_exists, invalid_parameter, not_found
from eventbus.api.paging import page
from eventbus.api.times import seconds
from eventbus.model import Connection
from eventbus.targets import endpoint

PARAMETERS: Final = {
    "API_KEY": "ApiKeyAuthParameters",
    "BASIC": "BasicAuthParameters",
    "OAUTH_CLIENT_CREDENTIALS": "OAuthParameters",
}
"""Which member of AuthParameters an authorization type needs."""
_HTTP: Final = ("HeaderParameters", "QueryStringParameters", "BodyParameters")


async def create_connection(call: Call, request: Request) -> Answer:
    """Keep credentials under a name."""
    _require_supported(request)
    name, kind = request["Name"], request["AuthorizationType"]
    _require_fitting(kind, request["AuthParameters"])
    async with call.catalogue.changing:
        if call.catalogue.named(Connection, call.scope, name):
            raise already_exists(f"Connection {name} already exists.")
        now, secret = call.parts.now_ms(), call.parts.new_id()
        connection = Connection(
            arn=call.scope.arn(f"connection/{name}/{call.parts.new_id()}"),
            name=name,
            secret_arn=call.scope.arn(f"secret:events!connection/{name}/{secret}-{secret[:6]}", "secretsmanager"),
            kind=kind,
            auth=request["AuthParameters"],
            created_ms=now,
            modified_ms=now,
            description=request.get("Description"),
        )
        await call.catalogue.save(connection)
    return _state(connection)


async def update_connection(call: Call, request: Request) -> Answer:
    """Change a connection; what isn't given stays, unless the authorization type changes."""
    _require_supported(request)
    async with call.catalogue.changing:
        before = _find(call, request["Name"], "update")
        kind = request.get("AuthorizationType", before.kind)
        auth = _merged(before.auth if kind == before.kind else {}, request.get("AuthParameters", {}))
        _require_fitting(kind, auth)
        connection = replace(
            before,
            kind=kind,
            auth=auth,
            state="AUTHORIZED",
            description=request.get("Description", before.description),
            modified_ms=call.parts.now_ms(),
        )
        await call.catalogue.save(connection)
    return _state(connection, authorized=True)


async def describe_connection(call: Call, request: Request) -> Answer:
    """Show a connection without its secrets."""
    connection = _find(call, request["Name"], "describe")
    shown = present(Description=connection.description, SecretArn=connection.secret_arn)
    return {**_listed(connection), **shown, "AuthParameters": without_secrets(connection.auth)}


async def list_connections(call: Call, request: Request) -> Answer:
    """List connections by name."""
    found = [
        each
        for each in call.catalogue.all(Connection, call.scope)
        if each.name.startswith(request.get("NamePrefix", ""))
        and request.get("ConnectionState", each.state) == each.state
    ]
    shown, more = page("ListConnections", found, lambda each: each.name, request)
    return {"Connections": [_listed(each) for each in shown], **more}


async def deauthorize_connection(call: Call, request: Request) -> Answer:
    """Forget a connection's credentials; it stays, and UpdateConnection can give it new ones."""
    async with call.catalogue.changing:
        before = _find(call, request["Name"], "deauthorize")
        connection = replace(before, auth={}, state="DEAUTHORIZED", modified_ms=call.parts.now_ms())
        await call.catalogue.save(connection)
    return _state(connection, authorized=True)


async def delete_connection(call: Call, request: Request) -> Answer:
    """Remove a connection; API destinations that use it can't authorise themselves any more."""
    async with call.catalogue.changing:
        connection = _find(call, request["Name"], "delete")
        await call.catalogue.remove(connection)
    return {**_state(connection, authorized=True), "ConnectionState": "DELETING"}


def without_secrets(auth: Mapping[str, Any]) -> dict[str, Any]:
    """Return authorization parameters as the API shows them."""
    shown: dict[str, Any] = {}
    if "ApiKeyAuthParameters" in auth:
        shown["ApiKeyAuthParameters"] = {"ApiKeyName": auth["ApiKeyAuthParameters"]["ApiKeyName"]}
    if "BasicAuthParameters" in auth:
        shown["BasicAuthParameters"] = {"Username": auth["BasicAuthParameters"]["Username"]}
    if "OAuthParameters" in auth:
        oauth = auth["OAuthParameters"]
        shown["OAuthParameters"] = {
            "ClientParameters": {"ClientID": oauth["ClientParameters"]["ClientID"]},
            "AuthorizationEndpoint": oauth["AuthorizationEndpoint"],
            "HttpMethod": oauth["HttpMethod"],
        }
        if "OAuthHttpParameters" in oauth:
            shown["OAuthParameters"]["OAuthHttpParameters"] = _without_secret_values(oauth["OAuthHttpParameters"])
    if "InvocationHttpParameters" in auth:
        shown["InvocationHttpParameters"] = _without_secret_values(auth["InvocationHttpParameters"])
    return shown


def _without_secret_values(http: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [
            {key: value for key, value in each.items() if key != "Value" or not each.get("IsValueSecret", False)}
            for each in http[name]
        ]
        for name in _HTTP
        if name in http
    }


def _merged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return `before` with what `after` gives: structures member by member, all else as a whole."""
    merged = dict(before)
    for name, value in after.items():
        inner = name.endswith(("AuthParameters", "OAuthParameters", "ClientParameters"))
        merged[name] = _merged(before.get(name, {}), value) if inner else value
    return merged


_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "API_KEY": ("ApiKeyName", "ApiKeyValue"),
    "BASIC": ("Username", "Password"),
    "OAUTH_CLIENT_CREDENTIALS": ("AuthorizationEndpoint", "HttpMethod", "ClientParameters"),
}


def _require_fitting(kind: str, auth: Mapping[str, Any]) -> None:
    """Refuse parameters of another authorization type, or too few of this one."""
    wanted = PARAMETERS[kind]
    others = [name for name in PARAMETERS.values() if name != wanted and name in auth]
    if others or wanted not in auth:
        raise invalid_parameter("AuthParameters", f"AuthorizationType {kind} needs {wanted} and no other.")
    missing = [name for name in _NEEDED[kind] if name not in auth[wanted]]
    client = auth[wanted].get("ClientParameters", {})
    if kind == "OAUTH_CLIENT_CREDENTIALS" and not missing:
        missing = [name for name in ("ClientID", "ClientSecret") if name not in client]
    if missing:
        raise invalid_parameter("AuthParameters", f"{wanted} needs {' and '.join(missing)}.")
    problem = endpoint.problem(auth[wanted].get("AuthorizationEndpoint", "https://none"))
    if problem:
        raise invalid_parameter("AuthorizationEndpoint", problem)


def _require_supported(request: Request) -> None:
    for name, members in (
        ("InvocationConnectivityParameters", request),
        ("ConnectivityParameters", request.get("AuthParameters", {})),
    ):
        if name in members:
            raise invalid_parameter(name, "Private connectivity is not offered by this event bus.")


def _find(call: Call, name: str, verb: str) -> Connection:
    found = call.catalogue.named(Connection, call.scope, name)
    if found is None:
        raise not_found(f"Failed to {verb} the connection(s). Connection '{name}' does not exist.")
    return found


def _state(connection: Connection, *, authorized: bool = False) -> dict[str, Any]:
    return {
        "ConnectionArn": connection.arn,
        "ConnectionState": connection.state,
        "CreationTime": seconds(connection.created_ms),
        "LastModifiedTime": seconds(connection.modified_ms),
        **({"LastAuthorizedTime": seconds(connection.modified_ms)} if authorized else {}),
    }


def _listed(connection: Connection) -> dict[str, Any]:
    return {
        "Name": connection.name,
        "AuthorizationType": connection.kind,
        **_state(connection, authorized=True),
    }


OPERATIONS: Final[Mapping[str, Operation]] = {
    "CreateConnection": create_connection,
    "UpdateConnection": update_connection,
    "DescribeConnection": describe_connection,
    "ListConnections": list_connections,
    "DeauthorizeConnection": deauthorize_connection,
    "DeleteConnection": delete_connection,
}

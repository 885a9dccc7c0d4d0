"""The HTTP request that an API destination gets: URL, headers and body, prepared once for each target. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from multidict import CIMultiDict
from yarl import URL

from eventbus.model import ApiDestination, Connection, Event, Target
from eventbus.ports import Outgoing
from eventbus.targets import endpoint, event_path
from eventbus.targets.http_call import Request

DEFAULTS: Final = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Amazon/EventBridge/ApiDestinations",
    "Range": "bytes=0-1048575",
    "Accept-Encoding": "gzip,deflate",
}
"""Source: EventBridge user guide, headers in requests to API destinations."""
RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
"""Headers that parameters don't change, in lower case: the connection's own, and EventBridge's."""
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD"})
_DOTS: Final = frozenset({".", ".."})
_ENDS_A_HEADER: Final = frozenset("\r\n\0")


class UnfitValueError(ValueError):
    """The endpoint, or what the event has at a path, makes no request. The message names the place, never the value."""


@dataclass(frozen=True, slots=True, repr=False)
class Prepared:
    """What is the same in all requests of a target. No repr: it holds secrets."""

    target: Target
    destination: ApiDestination
    connection: Connection
    headers: CIMultiDict[str]
    from_event: Mapping[str, str]
    """Headers that come from the event: name and JSON path."""
    body_parameters: Mapping[str, str]
    url: URL | None
    """None when parts of it come from the event."""
    path_values: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)

    def fits(self, target: Target, destination: ApiDestination, connection: Connection) -> bool:
        """Whether it was prepared from these very resources."""
        return self.target is target and self.destination is destination and self.connection is connection

    def request(self, outgoing: Outgoing) -> Request:
        """Return the request for one event.

        Raises:
            UnfitValueError: what the event has at a path makes no URL or header.
            ValueError: the URL is none.
        """
        url, headers = self.url, self.headers
        if url is None or self.from_event:
            event = outgoing.event
            url = url or _url(self.destination.endpoint, self.path_values, self.query, event)
            if self.from_event:
                headers = headers.copy()
                headers.update({name: _header(name, path, event) for name, path in self.from_event.items()})
        method = self.destination.method
        body = None if method in _WITHOUT_BODY else _body(outgoing.payload, self.body_parameters)
        return Request(method, url, headers, body)


def prepare(
    target: Target, destination: ApiDestination, connection: Connection, authorization: Mapping[str, str]
) -> Prepared:
    """Work out what all requests share; where target and connection name the same parameter, the connection's goes.

    `authorization` is a mapping of headers that prove who calls.

    Raises:
        UnfitValueError: the endpoint can't be called.
    """
    if problem := endpoint.problem(destination.endpoint):
        raise UnfitValueError(f"its endpoint can't be called. {problem}")
    asked = target.spec.get("HttpParameters", {})
    given = connection.auth.get("InvocationHttpParameters", {})
    fixed = {**parameters(given, "HeaderParameters"), **authorization}
    wanted = {**asked.get("HeaderParameters", {}), **fixed}
    headers = CIMultiDict(DEFAULTS)
    from_event: dict[str, str] = {}
    taken = {name.lower() for name in fixed}
    for name, value in wanted.items():
        if name.lower() in RESERVED or (name not in fixed and name.lower() in taken):
            continue
        if name not in fixed and event_path.is_path(value):
            from_event[name] = value
        else:
            headers[name] = value
    path_values = tuple(asked.get("PathParameterValues", ()))
    query = {**asked.get("QueryStringParameters", {}), **parameters(given, "QueryStringParameters")}
    static = not any(event_path.is_path(value) for value in (*path_values, *query.values()))
    url = _url(destination.endpoint, path_values, query, None) if static else None
    body = parameters(given, "BodyParameters")
    return Prepared(target, destination, connection, headers, from_event, body, url, path_values, query)


def parameters(http: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return a connection's parameters (`[{"Key": ..., "Value": ...}]`) of a kind by name."""
    return {each["Key"]: each.get("Value", "") for each in http.get(kind, ())}


def _url(address: str, path_values: tuple[str, ...], query: Mapping[str, str], event: Event | None) -> URL:
    """Return the endpoint with each `*` replaced, and the query's parameters behind its own.

    It is sent as it is: what URL libraries take for the same (`%2F` and `/`, `a/../b` and `b`) may differ to a server.
    """
    first, *others = address.split("*")
    filled = first
    for place, part in enumerate(others):
        filled += quote(_value(path_values[place], event), safe="") if place < len(path_values) else "*"
        filled += part
    _require_same_path(address, filled)
    if query:
        said = urlencode({name: _value(value, event) for name, value in query.items()}, quote_via=quote)
        filled += ("&" if "?" in filled else "?") + said
    return URL(filled, encoded=True)


def _require_same_path(address: str, filled: str) -> None:
    """Let no value become `.` or `..`, with which it would call another path with the connection's secrets."""
    for asked, got in zip(address.split("/"), filled.split("/"), strict=True):  # a value's own slashes are quoted
        if "*" in asked and unquote(got) in _DOTS:
            raise UnfitValueError(f"a path parameter makes {asked} of the endpoint {unquote(got)!r}: another path")


def _header(name: str, path: str, event: Event) -> str:
    value = event_path.text(path, event)
    if not _ENDS_A_HEADER.isdisjoint(value):
        raise UnfitValueError(f"header {name}: what the event has at {path} holds a line break or NUL")
    return value


def _value(value: str, event: Event | None) -> str:
    return event_path.text(value, event) if event is not None and event_path.is_path(value) else value


def _body(payload: str, added: Mapping[str, str]) -> bytes:
    """Return the payload with the connection's body parameters, which an object alone has room for."""
    if added:
        try:
            content = json.loads(payload)
        except (ValueError, RecursionError):
            content = None
        if isinstance(content, dict):
            payload = json.dumps({**content, **added}, ensure_ascii=False, separators=(",", ":"))
    return payload.encode()

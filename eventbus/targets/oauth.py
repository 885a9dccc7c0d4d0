"""Access tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4): fetched once, kept until they expire."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from eventbus.model import Connection
from eventbus.ports import Outcome
from eventbus.targets import endpoint, http_call
from eventbus.targets.outcomes import ERROR_FROM_TARGET, INVALID_PARAMETER, NO_PERMISSIONS, failed
from eventbus.targets.webhook_request import parameters

MARGIN_S: Final = 30.0
"""A token that expires this soon is fetched anew; for short-lived ones it is a tenth of their time."""
DEFAULT_LIFETIME_S: Final = 3600.0
"""When the answer doesn't say, or says no number of seconds: RFC 6749 leaves it open."""


class NoTokenError(Exception):
    """There is no token; `outcome` says why. It never holds a secret."""

    def __init__(self, outcome: Outcome) -> None:
        """Remember the outcome of the delivery that needed it."""
        super().__init__(outcome.error_message)
        self.outcome = outcome


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    connection: Connection
    text: str
    until_s: float


class Tokens:
    """The tokens of all connections."""

    def __init__(self, session: Callable[[], aiohttp.ClientSession], monotonic_s: Callable[[], float]) -> None:
        """Fetch through `session`."""
        self._session, self._monotonic_s = session, monotonic_s
        self._kept: dict[str, _Token] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def of(self, connection: Connection) -> str:
        """Return a token for the connection; callers that need one at once share a fetch.

        Raises:
            NoTokenError: the token endpoint gives none.
        """
        kept = self._valid(connection)
        if kept is None:
            async with self._locks.setdefault(connection.arn, asyncio.Lock()):
                kept = self._valid(connection)
                if kept is None:
                    kept = await self._fetch(connection)
                    self._kept[connection.arn] = kept
        return kept.text

    def drop(self, connection: Connection, token: str) -> None:
        """Forget a token that was refused, unless there is a newer one already."""
        kept = self._kept.get(connection.arn)
        if kept is not None and kept.text == token:
            del self._kept[connection.arn]

    def _valid(self, connection: Connection) -> _Token | None:
        kept = self._kept.get(connection.arn)
        if kept is None or kept.connection is not connection or kept.until_s <= self._monotonic_s():
            return None
        return kept

    async def _fetch(self, connection: Connection) -> _Token:
        if problem := endpoint.problem(connection.auth["OAuthParameters"]["AuthorizationEndpoint"]):
            raise NoTokenError(failed(INVALID_PARAMETER, f"the OAuth endpoint can't be called. {problem}", retry=False))
        asked_s = self._monotonic_s()
        answer = await http_call.call(self._session(), _request(connection))
        if not answer.outcome.delivered:
            raise NoTokenError(_explained(answer.outcome, answer.status))
        token, lifetime_s = _read(answer.body)
        if not token:
            message = "the OAuth endpoint's answer holds no access_token"
            raise NoTokenError(failed(ERROR_FROM_TARGET, message, retry=True))
        return _Token(connection, token, asked_s + lifetime_s - min(MARGIN_S, lifetime_s / 10))


def _request(connection: Connection) -> http_call.Request:
    """Return the call of the token endpoint: client id and secret go in the form, or for GET in the query."""
    oauth = connection.auth["OAuthParameters"]
    client, more = oauth["ClientParameters"], oauth.get("OAuthHttpParameters", {})
    form = {
        "grant_type": "client_credentials",
        "client_id": client["ClientID"],
        "client_secret": client["ClientSecret"],
        **parameters(more, "BodyParameters"),
    }
    headers = CIMultiDict(
        {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
    )
    headers.update(parameters(more, "HeaderParameters"))
    url = URL(oauth["AuthorizationEndpoint"]).update_query(parameters(more, "QueryStringParameters"))
    if oauth["HttpMethod"] == "GET":
        del headers["Content-Type"]
        return http_call.Request("GET", url.update_query(form), headers, None)
    if "json" in headers["Content-Type"]:
        return http_call.Request(oauth["HttpMethod"], url, headers, json.dumps(form).encode())
    return http_call.Request(oauth["HttpMethod"], url, headers, urlencode(form).encode())


def _explained(outcome: Outcome, status: int) -> Outcome:
    """Say that it was the token endpoint; credentials that it refuses won't do next time either."""
    message = f"OAuth endpoint: {outcome.error_message}"
    client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if client_error and status != HTTPStatus.TOO_MANY_REQUESTS:
        return failed(NO_PERMISSIONS, message, retry=False)
    return failed(outcome.error_code, message, retry=outcome.retry, retry_after_s=outcome.retry_after_s)


def _read(body: bytes) -> tuple[str, float]:
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        return "", 0.0
    if not isinstance(answer, Mapping) or not isinstance(answer.get("access_token"), str):
        return "", 0.0
    return answer["access_token"], _lifetime_s(answer.get("expires_in"))


def _lifetime_s(said: Any) -> float:
    """Return a number of seconds that a token can be good for, whatever the answer says; 0 is for one call."""
    try:
        lifetime_s = float(said)
    except (TypeError, ValueError, OverflowError):
        return DEFAULT_LIFETIME_S
    return lifetime_s if math.isfinite(lifetime_s) and lifetime_s >= 0 else DEFAULT_LIFETIME_S

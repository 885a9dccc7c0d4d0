"""Calls of AWS services that speak JSON, on the loop instead of a thread: three times the calls a boto3 client makes.

boto3 still says where the service is, and with which credentials to sign (see `docs/decisions/0063`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from eventbus.ports import Outcome
from eventbus.targets import http_call, signature
from eventbus.targets.clients import CONNECT_TIMEOUT_S, Clients
from eventbus.targets.outcomes import ERROR_FROM_TARGET, SDK_CLIENT_ERROR, failed, from_code, from_error
from eventbus.targets.threads import Threads

TIMEOUT_S: Final = 30.0
"""For a whole call. One that hangs holds nothing but itself; one given up too soon may have been done."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)


class CallFailedError(Exception):
    """The call failed; `outcome` says what that means for what it was to deliver."""

    def __init__(self, outcome: Outcome) -> None:
        """Remember the outcome."""
        super().__init__(outcome.error_message)
        self.outcome = outcome


class AwsCalls(Protocol):
    """Calls operations of AWS services."""

    async def call(self, service: str, region: str, operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to one call, which is never repeated.

        Raises:
            CallFailedError: the service refuses it or can't be reached.
        """


@dataclass(frozen=True, slots=True)
class _Endpoint:
    url: URL
    scope: signature.Scope
    headers: Mapping[str, str]
    """Names in lower case, as `signature` takes them."""
    target_prefix: str


class AwsJsonCalls:
    """The real ones."""

    def __init__(self, clients: Clients, threads: Threads, session: Callable[[], aiohttp.ClientSession]) -> None:
        """Learn endpoints and credentials from `clients`, on a thread as that reads files; call through `session`."""
        self._clients, self._threads, self._session = clients, threads, session
        self._endpoints: dict[tuple[str, str], _Endpoint] = {}

    async def call(self, service: str, region: str, operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to one call; see `AwsCalls`."""
        endpoint = self._endpoints.get((service, region))
        try:
            if endpoint is None:
                learn = partial(self._learn, service, region)
                endpoint = self._endpoints[service, region] = await self._threads.run(learn, troubled=False)
            request = await self._signed(endpoint, operation, json.dumps(arguments).encode())
        except CallFailedError:
            raise
        except Exception as error:  # the outcome keeps it; a target's trouble must never become the bus's
            raise CallFailedError(from_error(error)) from error
        return _read(await http_call.call(self._session(), request, _TIMEOUT))

    def _learn(self, service: str, region: str) -> _Endpoint:
        meta = self._clients.of(service, region).meta
        model = meta.service_model
        url = URL(meta.endpoint_url.rstrip("/") + "/")
        scope = signature.Scope(model.signing_name, meta.region_name, url.host_port_subcomponent or "", url.raw_path)
        headers = {
            "content-type": f"application/x-amz-json-{model.metadata['jsonVersion']}",
            "accept-encoding": "identity",
        }
        return _Endpoint(url, scope, headers, model.metadata["targetPrefix"])

    async def _signed(self, endpoint: _Endpoint, operation: str, body: bytes) -> http_call.Request:
        credentials = self._clients.credentials()
        if credentials is None:
            message = "Unable to locate credentials: the bus needs AWS_ACCESS_KEY_ID and its secret"
            raise CallFailedError(failed(SDK_CLIENT_ERROR, message, retry=True))
        if getattr(credentials, "refresh_needed", bool)():  # those of a role, which a server gives
            frozen = await self._threads.run(credentials.get_frozen_credentials, troubled=False)
        else:
            frozen = credentials.get_frozen_credentials()
        headers = {**endpoint.headers, "x-amz-target": f"{endpoint.target_prefix}.{operation}"}
        said = signature.signed(frozen, endpoint.scope, headers, body, datetime.now(UTC))
        return http_call.Request("POST", endpoint.url, CIMultiDict(said), body)


def _read(answer: http_call.Answer) -> Mapping[str, Any]:
    if not answer.status:
        raise CallFailedError(answer.outcome)
    try:
        said = json.loads(answer.body or b"{}")
    except (ValueError, RecursionError):
        said = None
    if answer.outcome.delivered and isinstance(said, dict):
        return said
    if isinstance(said, dict) and said.get("__type"):
        message = str(said.get("message", said.get("Message", "")))
        raise CallFailedError(from_code(str(said["__type"]), message, answer.status))
    if answer.outcome.delivered:
        raise CallFailedError(failed(ERROR_FROM_TARGET, "the answer is no JSON object", retry=True))
    raise CallFailedError(from_code(f"HTTP{answer.status}", answer.outcome.error_message, answer.status))

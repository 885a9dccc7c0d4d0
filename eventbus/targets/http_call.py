"""One HTTP call, and what its answer means for a delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from eventbus.ports import DELIVERED, Outcome
from eventbus.targets.outcomes import (
    CONNECTION_FAILURE,
    ERROR_FROM_TARGET,
    INVALID_PARAMETER,
    THROTTLING,
    TIMEOUT,
    failed,
)

TIMEOUT_S: Final = 5.0
"""For connecting, sending and the whole answer. Source: EventBridge user guide, API destinations."""
LONGEST_ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read; whatever comes behind them is not waited for."""
RETRIED: Final = frozenset({401, 407, 409, 429})
"""Statuses that are tried again, besides 5xx. Source: as above."""
LONGEST_WAIT_S: Final = 86_400.0
_IDLE_S: Final = 4.0
"""Less than what servers keep idle connections open for (uvicorn 5 s), so that a call seldom meets a closing one."""
_CONNECTIONS: Final = 1_000
_ADDRESS_S: Final = 30
"""How long a host's address is good: a name server that is slow then delays few calls."""


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """What to send. No repr: headers and URL hold secrets."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    """Never changed: requests share it."""
    body: bytes | None


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What came back. No repr: the body may be a token."""

    outcome: Outcome
    status: int = 0
    """0: there was no answer."""
    body: bytes = b""
    """The beginning of it."""


def new_session(timeout_s: float = TIMEOUT_S) -> aiohttp.ClientSession:
    """Return a session without cookies or decompression; called inside the running loop.

    `timeout_s` is for connecting, sending and the whole answer.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_IDLE_S, ttl_dns_cache=_ADDRESS_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=timeout_s, ceil_threshold=2 * TIMEOUT_S),
    )


async def call(session: aiohttp.ClientSession, request: Request, limit: aiohttp.ClientTimeout | None = None) -> Answer:
    """Send a request and judge the answer by its status. Redirects are not followed. Raises nothing but cancellation.

    `limit` stands in for the session's timeout. The messages name host and port alone: a path or query may hold
    secrets, and an answer may repeat them.
    """
    host = f"{request.url.host}:{request.url.port}"
    limit = limit or session.timeout
    try:
        async with session.request(
            request.method,
            request.url,
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            timeout=limit,
        ) as response:
            body = await _beginning(response)
            outcome = judged(response.status, response.headers.get("Retry-After"), host)
            return Answer(outcome, response.status, body)
    except TimeoutError:
        return Answer(failed(TIMEOUT, f"no answer from {host} within {limit.total:g} s", retry=True))
    except aiohttp.ClientConnectorDNSError:  # a container of that name may start later
        return Answer(failed(CONNECTION_FAILURE, f"no address is known for {host}", retry=True))
    except aiohttp.ClientSSLError as error:
        return Answer(failed(CONNECTION_FAILURE, f"TLS with {host} failed: {_reason(error)}", retry=True))
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError) as error:
        return Answer(failed(INVALID_PARAMETER, f"no valid request: {type(error).__name__}", retry=False))
    except (aiohttp.ClientError, OSError) as error:
        return Answer(failed(CONNECTION_FAILURE, f"connection to {host} failed: {_reason(error)}", retry=True))


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """Read the answer, at most so much of it; the connection of a longer one is closed."""
    found = bytearray()
    while len(found) < LONGEST_ANSWER:
        part = await response.content.read(LONGEST_ANSWER - len(found))
        if not part:
            return bytes(found)
        found += part
    response.close()
    return bytes(found)


def judged(status: int, retry_after: str | None, host: str) -> Outcome:
    """Say what a status means: 2xx delivered, 401, 407, 409, 429 and 5xx tried again, the rest refused."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return DELIVERED
    message = f"{host} answered HTTP {status}{_phrase(status)}"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return failed(ERROR_FROM_TARGET, f"{message}: redirects are not followed", retry=False)
    if status not in RETRIED and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return failed(ERROR_FROM_TARGET, message, retry=False)
    code = THROTTLING if status == HTTPStatus.TOO_MANY_REQUESTS else ERROR_FROM_TARGET
    wait_s = seconds(retry_after, datetime.now(UTC)) if retry_after else None
    if wait_s is not None and wait_s < 0:  # EventBridge takes a negative Retry-After for a refusal
        return failed(code, f"{message}, Retry-After {wait_s:g}", retry=False)
    return failed(code, message, retry=True, retry_after_s=wait_s)


def seconds(retry_after: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number, or a date, of which one in the past is 0."""
    try:
        return min(float(int(retry_after.strip())), LONGEST_WAIT_S)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT_S)


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _reason(error: BaseException) -> str:
    """Return what the operating system says, or the error's name: its text could hold the URL."""
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.strerror:
        return error.os_error.strerror
    cause = error.__cause__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(cause or error).__name__

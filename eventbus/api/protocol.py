"""JSON 1.1 over HTTP: finds out who asks for which operation, and writes the answer or the error."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import structlog

from eventbus.api import sigv4
from eventbus.api.body import BodyReader, DisconnectedError, Receive
from eventbus.api.errors import ApiError
from eventbus.api.service import Service, unknown
from eventbus.arn import Scope
from eventbus.store import StorageError

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CONTENT_TYPE: Final = b"application/x-amz-json-1.1"
TARGET_PREFIX: Final = "AWSEvents."
_ACCOUNT: Final = re.compile(r"\d{12}")
_CLOSING: Final = frozenset({408, 413})
"""After these the rest of the request isn't read: the connection ends."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks when nobody signed, and who must have signed."""

    default: Scope
    keys: Sequence[sigv4.Key] = ()
    """Credentials that a signature is checked with."""
    require_signature: bool = False


class Protocol:
    """The ASGI application behind `POST /`."""

    def __init__(self, service: Service, identity: Identity, reader: BodyReader, new_id: Callable[[], str]) -> None:
        """Take the parts; `new_id` makes ids of requests."""
        self._service, self._identity, self._reader, self._new_id = service, identity, reader, new_id

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        status, answer = 200, b"{}"
        try:
            answer = json.dumps(await self._answer(scope, receive), separators=(",", ":")).encode()
        except DisconnectedError:
            return
        except ApiError as error:
            status, answer = error.status, _shown(error)
        except StorageError as error:
            _log.error("storage", reason=str(error))
            status, answer = 500, _shown(ApiError("InternalException", str(error)))
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the reason
            _log.exception("internal error", operation=_header(scope, b"x-amz-target")[:100])
            reason = "The event bus failed; its log says why. Please try again."
            status, answer = 500, _shown(ApiError("InternalException", reason))
        await _respond(send, status, answer, self._new_id())

    async def _answer(self, scope: MutableMapping[str, Any], receive: Receive) -> Any:
        body = await self._reader.read(receive)
        prefix, _, operation = _header(scope, b"x-amz-target").partition(".")
        caller = self._caller(scope, body)
        if f"{prefix}." != TARGET_PREFIX or not operation:
            raise unknown(f"{prefix}.{operation}" if operation else prefix)
        return await self._service.perform(operation, parsed(body), caller)

    def _caller(self, scope: MutableMapping[str, Any], body: bytes) -> Scope:
        """Return the account and region of who signed; the signature counts only if it is asked for."""
        if self._identity.require_signature:
            sigv4.verify(received(scope, body), self._identity.keys, datetime.now(UTC))
        said = sigv4.read(_header(scope, b"authorization"))
        default = self._identity.default
        if said is None:
            return default
        account = said.key_id if _ACCOUNT.fullmatch(said.key_id) else default.account
        return Scope(account, said.region)


def parsed(body: bytes) -> Any:
    """Return the JSON of a body; an empty one is an empty object.

    Raises:
        ApiError: SerializationException.
    """
    try:
        request = json.loads(body.decode() or "{}", parse_constant=_no_constant)
        if b"\\u" in body:
            json.dumps(request, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except RecursionError:
        raise ApiError("SerializationException", "The request's JSON is nested too deeply") from None
    except ValueError as error:
        reason = "it is no UTF-8 text" if isinstance(error, UnicodeError) else str(error)
        raise ApiError("SerializationException", f"The request is not valid JSON: {reason}") from None
    return request


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def received(scope: MutableMapping[str, Any], body: bytes) -> sigv4.Request:
    """Return an ASGI request as it is verified."""
    return sigv4.Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
        body=body,
    )


def _header(scope: MutableMapping[str, Any], name: bytes) -> str:
    return next((value.decode("latin-1") for found, value in scope["headers"] if found == name), "")


def _shown(error: ApiError) -> bytes:
    return json.dumps({"__type": error.code, "message": error.message}).encode()


async def _respond(send: Send, status: int, answer: bytes, request_id: str) -> None:
    headers = [
        (b"content-type", CONTENT_TYPE),
        (b"content-length", str(len(answer)).encode()),
        (b"x-amzn-requestid", request_id.encode()),
    ]
    if status in _CLOSING:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})

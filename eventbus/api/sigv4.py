"""Who signed a request, and whether rightly: Signature Version 4 in the Authorization header. Pure.

The canonical request is made by botocore from the request as it was received, so it can't differ from what
SDKs sign.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from eventbus.api.errors import ApiError

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SKEW: Final = timedelta(minutes=5)
SERVICE = "events"
REQUIRED = ("host", "x-amz-date", "x-amz-target")
"""Headers that must be signed."""
_ISO_BASIC: Final = "%Y%m%dT%H%M%SZ"
_CREDENTIAL: Final = re.compile(
    r"(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request"
)
_UNSIGNED_BODY: Final = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True, slots=True)
class Key:
    """A pair of credentials that the bus accepts."""

    id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was received."""

    method: str
    path: str
    """Still percent-encoded."""
    query: str
    headers: Sequence[tuple[str, str]]
    """Names in lower case."""
    body: bytes

    def header(self, name: str) -> str:
        """Return the first header of that name, or an empty text."""
        return next((value for found, value in self.headers if found == name), "")


@dataclass(frozen=True, slots=True)
class Signature:
    """What the Authorization header says."""

    key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    hex: str


def read(authorization: str) -> Signature | None:
    """Return what an Authorization header says, or None when it lacks a part or has another form."""
    algorithm, _, rest = authorization.partition(" ")
    parts = {name: value for name, _, value in (part.strip().partition("=") for part in rest.split(","))}
    credential = _CREDENTIAL.fullmatch(parts.get("Credential", ""))
    signed, signature = parts.get("SignedHeaders", ""), parts.get("Signature", "")
    if algorithm != ALGORITHM or credential is None or not signed or not signature:
        return None
    return Signature(
        credential["key"],
        credential["date"],
        credential["region"],
        credential["service"],
        tuple(signed.lower().split(";")),
        signature,
    )


def verify(request: Request, keys: Sequence[Key], now: datetime) -> None:
    """Accept a request that one of `keys` signed within the last five minutes.

    Raises:
        ApiError: MissingAuthenticationTokenException, IncompleteSignature, UnrecognizedClientException or
            InvalidSignatureException, each with the remedy.
    """
    authorization = request.header("authorization")
    if not authorization:
        raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token: sign the request.")
    said = read(authorization)
    if said is None:
        raise ApiError(
            "IncompleteSignature", f"Authorization header needs {ALGORITHM} Credential, SignedHeaders, Signature."
        )
    key = next((key for key in keys if hmac.compare_digest(key.id.encode(), said.key_id.encode())), None)
    if key is None:
        raise ApiError("UnrecognizedClientException", "The security token included in the request is invalid.")
    _require_form(request, said, now)
    if not hmac.compare_digest(_expected(request, said, key), said.hex.encode()):
        raise _wrong(
            "The request signature we calculated does not match the signature you provided. Check your secret key."
        )


def _require_form(request: Request, said: Signature, now: datetime) -> None:
    """Check all that the signature itself doesn't: its date, its service, what must be signed, the body's hash."""
    stamp = request.header("x-amz-date")
    try:
        signed_at = datetime.strptime(stamp, _ISO_BASIC).replace(tzinfo=UTC)
    except ValueError:
        raise ApiError("IncompleteSignature", f"X-Amz-Date must be as 20260131T235959Z, got {stamp[:40]!r}.") from None
    if abs(now - signed_at) > SKEW:
        late = "Signature expired" if now > signed_at else "Signature not yet current"
        raise _wrong(f"{late}: {stamp} is more than 5 min. from {now.strftime(_ISO_BASIC)}. Check the clocks.")
    if said.service != SERVICE:
        raise _wrong(f"Credential should be scoped to correct service: '{SERVICE}'.")
    if said.date != stamp[:8]:
        raise _wrong("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
    for name in REQUIRED:
        if name not in said.signed_headers:
            raise _wrong(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    given = request.header("x-amz-content-sha256")
    if given not in {"", _UNSIGNED_BODY, hashlib.sha256(request.body).hexdigest()}:
        raise _wrong("The provided 'x-amz-content-sha256' header does not match what was computed.")


def _wrong(message: str) -> ApiError:
    return ApiError("InvalidSignatureException", message)


def _expected(request: Request, said: Signature, key: Key) -> bytes:
    """Return the signature that `key` makes of the request."""
    url = f"http://{request.header('host')}{request.path}" + (f"?{request.query}" if request.query else "")
    received = AWSRequest(method=request.method, url=url, data=request.body)
    received.context["timestamp"] = request.header("x-amz-date")
    given = request.header("x-amz-content-sha256")
    if given:
        received.headers["X-Amz-Content-SHA256"] = given
    signer = _Received(request.headers, said, key)
    canonical = signer.canonical_request(received)
    return str(signer.signature(signer.string_to_sign(received, canonical), received)).encode()


class _Received(SigV4Auth):
    """Signs exactly the headers that the caller said it had signed."""

    def __init__(self, headers: Sequence[tuple[str, str]], said: Signature, key: Key) -> None:
        super().__init__(Credentials(key.id, key.secret), said.service, said.region)
        self._signed = HTTPHeaders()
        for name, value in headers:
            if name in said.signed_headers:
                self._signed[name] = value

    def headers_to_sign(self, request: Any) -> Any:  # noqa: ARG002 - botocore's signature
        return self._signed

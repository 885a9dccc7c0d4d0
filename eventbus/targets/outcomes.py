"""What a failed delivery means, in the error codes that EventBridge puts on dead letters.

Source of the codes: EventBridge user guide, "Using dead-letter queues to process undelivered events".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)
from botocore.parsers import ResponseParserError

from eventbus.ports import DELIVERED, Outcome
from schemas.aws import REFUSED

CONNECTION_FAILURE: Final = "CONNECTION_FAILURE"
ERROR_FROM_TARGET: Final = "ERROR_FROM_TARGET"
INTERNAL_ERROR: Final = "INTERNAL_ERROR"
INVALID_PARAMETER: Final = "INVALID_PARAMETER"
NO_PERMISSIONS: Final = "NO_PERMISSIONS"
NO_RESOURCE: Final = "NO_RESOURCE"
RESOURCE_LIMIT_EXCEEDED: Final = "RESOURCE_LIMIT_EXCEEDED"
SDK_CLIENT_ERROR: Final = "SDK_CLIENT_ERROR"
THIRD_ACCOUNT_HOP_DETECTED: Final = "THIRD_ACCOUNT_HOP_DETECTED"
THIRD_REGION_HOP_DETECTED: Final = "THIRD_REGION_HOP_DETECTED"
THROTTLING: Final = "THROTTLING"
TIMEOUT: Final = "TIMEOUT"

MISSING: Final = frozenset(
    {
        "NonExistentQueue",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "StateMachineDeleting",
        "StateMachineDoesNotExist",
    }
)
"""AWS error codes that say: what the ARN names isn't there."""

_DENIED: Final = ("AccessDenied", "AuthorizationError", "NotAuthorized", "Unauthorized")
_BUSY: Final = ("Throttl", "TooManyRequests", "ThroughputExceeded", "RequestLimitExceeded", "SlowDown")
_INTERNAL: Final = ("Internal", "ServiceUnavailable", "ServiceException", "Unavailable")
_LONGEST: Final = 500
"""Characters of an error message that are kept."""


def failed(code: str, message: str, *, retry: bool, retry_after_s: float | None = None) -> Outcome:
    """Return the outcome of a failed delivery; a long message is cut."""
    return Outcome(code, message[:_LONGEST], retry, retry_after_s)


def from_code(code: str, message: str, status: int = 0, *, sender_fault: bool = True) -> Outcome:
    """Say what an AWS service's error code means.

    `status` is the HTTP status (0: none), `sender_fault` what the service itself says of one entry of a batch.
    """
    name = code.replace("#", ".").rpartition(".")[2]
    meaning, retry = _meaning(name, status, sender_fault=sender_fault)
    return failed(meaning, f"{name}: {message}" if message else name, retry=retry)


def of_records(answers: Sequence[Mapping[str, str]]) -> list[Outcome]:
    """Say what became of each record of a batch, as Kinesis and Firehose answer for them."""
    return [
        from_code(one["ErrorCode"], one.get("ErrorMessage", ""), sender_fault=False)
        if one.get("ErrorCode")
        else DELIVERED
        for one in answers
    ]


def _meaning(name: str, status: int, *, sender_fault: bool) -> tuple[str, bool]:
    """Return the error code, and whether another attempt could help."""
    found = (INVALID_PARAMETER, False)
    if _holds(name, _BUSY) or status == HTTPStatus.TOO_MANY_REQUESTS:
        found = (THROTTLING, True)
    elif name in MISSING or status == HTTPStatus.NOT_FOUND:
        found = (NO_RESOURCE, False)
    elif name in REFUSED or _holds(name, _DENIED) or status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        found = (NO_PERMISSIONS, False)
    elif "LimitExceeded" in name:
        found = (RESOURCE_LIMIT_EXCEEDED, True)
    elif not sender_fault or status >= HTTPStatus.INTERNAL_SERVER_ERROR or _holds(name, _INTERNAL):
        found = (ERROR_FROM_TARGET, True)
    return found


def _holds(name: str, parts: tuple[str, ...]) -> bool:
    return any(part in name for part in parts)


_CALLS: Final[tuple[tuple[tuple[type[Exception], ...], str, bool, str], ...]] = (
    ((ConnectTimeoutError, ReadTimeoutError), TIMEOUT, True, "{error}"),
    ((HTTPClientError, BotoConnectionError), CONNECTION_FAILURE, True, "{error}"),
    (
        (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError),
        SDK_CLIENT_ERROR,
        True,
        "{error}: the bus needs AWS_ACCESS_KEY_ID and its secret",
    ),
    ((ParamValidationError, UnicodeError), INVALID_PARAMETER, False, "{error}"),
    ((ResponseParserError,), ERROR_FROM_TARGET, True, "the answer can't be read: {error}"),
    ((BotoCoreError, ValueError), SDK_CLIENT_ERROR, True, "{error}: check the AWS_* variables of the bus"),
    ((Exception,), INTERNAL_ERROR, True, "{kind}: {error}"),
)
"""Errors of boto3 without an answer of the service, the first that fits: code, whether to retry, message."""


def from_error(error: Exception) -> Outcome:
    """Say what an error of a boto3 call means; what is unknown is tried again."""
    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return from_code(str(said.get("Code", "")), str(said.get("Message", "")), status)
    code, retry, text = next((code, retry, text) for kinds, code, retry, text in _CALLS if isinstance(error, kinds))
    return failed(code, text.format(error=error, kind=type(error).__name__), retry=retry)

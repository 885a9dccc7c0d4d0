"""Amazon EventBridge. Nothing else in the project calls PutEvents."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from notifier.envelope import Entry
from notifier.settings import NotifierSettings
from notifier.sinks.base import Accepted, CallRefusedError, Refused, Result, ThrottledError
from schemas import aws
from schemas.errors import UnavailableError, UserError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsResultEntryTypeDef

THROTTLED: Final = frozenset(
    {"LimitExceededException", "RequestLimitExceeded", "RequestThrottled", "Throttling", "ThrottlingException"}
    | {"TooManyRequestsException"}
)
"""Error codes of a whole call that say: try again, and more slowly, whatever the HTTP status is."""

BUSY: Final = frozenset({"InternalException", "InternalFailure", "RequestTimeout", "ServiceUnavailable"})
"""Error codes of a whole call that say: try again, whatever the HTTP status is."""

UNFIT: Final = frozenset({"PutEventsRequestEntryTooLarge", "RequestEntityTooLarge", "ValidationException"})
"""Error codes that say: something is wrong with an entry."""


class EventBridgeSink:
    """One event bus."""

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        """Put on `bus` (name or ARN) through a boto3 `events` client."""
        self._client = client
        self._bus = bus
        self._log = structlog.get_logger(__name__)

    @classmethod
    def from_settings(cls, settings: NotifierSettings) -> EventBridgeSink:
        """Reach the bus that the settings name; each call is tried once, repeating it is decided elsewhere."""
        client = aws.client("events", attempts=1, connections=settings.calls_in_flight, validated=False)
        return cls(client, settings.bus)

    def check(self) -> None:
        """Describe the bus: putting on a bus that isn't there succeeds on AWS, and nothing arrives.

        Raises:
            UserError: there is no such bus, there can't be one of that name, or the credentials are refused.
            UnavailableError: EventBridge can't be reached.
        """
        try:
            self._client.describe_event_bus(Name=self._bus)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in UNFIT:
                raise UserError(f"NOTIFIER_BUS is {self._bus!r}: EventBridge takes no such name ({error})") from error
            if code != "AccessDeniedException":
                raise self._explained(error) from error
            self._log.warning("bus not checked", bus=self._bus, reason="events:DescribeEventBus is not allowed")
        except BotoCoreError as error:
            raise aws.explained(error, "EventBridge") from error

    def put(self, entries: Sequence[Entry]) -> list[Result]:
        """Put entries in one call; see `notifier.sinks.base.Sink`."""
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "Source": entry.source,
                        "DetailType": entry.detail_type,
                        "Detail": entry.detail,
                        "EventBusName": self._bus,
                    }
                    for entry in entries
                ]
            )
        except ClientError as error:
            raise self._explained(error) from error
        except BotoCoreError as error:
            raise aws.explained(error, "EventBridge") from error
        if len(answer["Entries"]) != len(entries):
            raise UnavailableError(f"EventBridge answered {len(answer['Entries'])} results for {len(entries)} entries")
        return [_result(one) for one in answer["Entries"]]

    def _explained(self, error: ClientError) -> UserError | UnavailableError | CallRefusedError:
        """Tell a busy service, an unfit entry and a wrong set-up; what is unknown counts as the last."""
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in UNFIT or status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return CallRefusedError(f"EventBridge refuses the entry (HTTP {status}, {code}): {error}")
        if code == "ResourceNotFoundException":
            return UserError(f"event bus {self._bus!r} does not exist: create it, or name another in NOTIFIER_BUS")
        if code in aws.REFUSED:
            return UserError(
                f"EventBridge refuses these credentials for bus {self._bus!r} ({code}: {error}):"
                " check AWS_ACCESS_KEY_ID or the task's role; it needs events:PutEvents"
            )
        if code in THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
            return ThrottledError(f"EventBridge answered HTTP {status}, {code}: {error}")
        if code in BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return UnavailableError(f"EventBridge answered HTTP {status}, {code}: {error}")
        return UserError(f"EventBridge refuses the call (HTTP {status}, {code}): {error}")


def _result(one: PutEventsResultEntryTypeDef) -> Result:
    event_id = one.get("EventId")
    if event_id:
        return Accepted(event_id)
    return Refused(one.get("ErrorCode", "no code"), one.get("ErrorMessage", ""))

"""What the API answers when it refuses: the service's error codes, with its wording. Pure."""

from __future__ import annotations

from eventbus.arn import DEFAULT_BUS, parse
from schemas.errors import CardwatchError


class ApiError(CardwatchError):
    """A refusal: `code` is what an SDK shows, `status` the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """Remember the code, and the message that explains it."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> ApiError:
    """Return the error for a request that can't be meant so."""
    return ApiError("ValidationException", message)


def invalid_parameter(name: str, reason: str) -> ApiError:
    """Return the error for one parameter, in the service's form."""
    return invalid(f"Parameter {name} is not valid. Reason: {reason}")


def require_arn(name: str, text: str | None, service: str) -> None:
    """Refuse a parameter that is given and is no ARN of a service.

    Raises:
        ApiError: ValidationException.
    """
    found = parse(text) if text is not None else None
    if text is not None and (found is None or found.service != service):
        raise invalid_parameter(name, "Provided Arn is not in correct format.")


def not_found(message: str) -> ApiError:
    """Return the error for what isn't there."""
    return ApiError("ResourceNotFoundException", message)


def already_exists(message: str) -> ApiError:
    """Return the error for a name that is taken."""
    return ApiError("ResourceAlreadyExistsException", message)


def limit_exceeded() -> ApiError:
    """Return the error for one more than the service allows."""
    return ApiError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


def no_such_bus(arn: str) -> ApiError:
    """Return the error for an event bus that isn't there."""
    return not_found(f"Event bus {bus_name(arn)} does not exist.")


def no_such_rule(name: str, bus_arn: str) -> ApiError:
    """Return the error for a rule that isn't there."""
    return not_found(f"Rule {name} does not exist on EventBus {bus_name(bus_arn)}.")


def bus_name(arn: str) -> str:
    """Return the name in the ARN of a bus."""
    found = parse(arn)
    return found.name if found else arn or DEFAULT_BUS

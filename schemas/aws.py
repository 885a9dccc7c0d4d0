"""AWS clients, and what their errors mean.

Region, credentials and endpoints come from the standard `AWS_*` variables, so the same code reaches
AWS and a local stand-in (`AWS_ENDPOINT_URL`, or `AWS_ENDPOINT_URL_EVENTBRIDGE` for one service).
"""

from __future__ import annotations

from typing import Any, Final, Literal

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from schemas.errors import UnavailableError, UserError

REFUSED: Final = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
"""AWS error codes that say: these credentials won't do, and trying again won't help."""


def client(
    service: Literal["glue", "events", "logs", "sqs"],
    *,
    attempts: int = 3,
    connections: int = 10,
    validated: bool = True,
) -> Any:
    """Return a boto3 client of `service`.

    Args:
        service: boto3's name of the service: `glue`, `events`, `logs`.
        attempts: calls in all before an error is raised.
        connections: calls that may be under way at once.
        validated: have boto3 check the types of all parameters first; the service checks them in any case.

    Raises:
        UserError: the region is not set, or an endpoint is not an address.
    """
    import boto3  # noqa: PLC0415 - a third of a second that only who reaches AWS should pay
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=connections,
        parameter_validation=validated,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    try:
        return boto3.client(service, config=config)
    except NoRegionError:
        raise UserError("no AWS region: set AWS_DEFAULT_REGION, for example to eu-central-1") from None
    except (BotoCoreError, ValueError) as error:
        raise UserError(f"the AWS client can't be set up: {error}; check the AWS_* variables") from None


def explained(error: BotoCoreError | ClientError, peer: str) -> UserError | UnavailableError:
    """Tell wrong credentials (a user's mistake) from an AWS service that is away."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        if code in REFUSED:
            return UserError(f"{peer} refuses these credentials ({code}): check AWS_ACCESS_KEY_ID or the task's role")
        return UnavailableError(f"{peer} answered {code}: {error}")
    if isinstance(error, NoCredentialsError):
        return UserError(f"{peer} needs AWS credentials: set AWS_ACCESS_KEY_ID or give the task a role")
    return UnavailableError(f"{peer} can't be reached: {error}. Check AWS_ENDPOINT_URL and AWS_DEFAULT_REGION")

"""What librdkafka's errors mean, wherever a client is made or waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from schemas.errors import UserError

REFUSED: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - its public name in this library
        KafkaError._SSL,  # noqa: SLF001 - its public name in this library
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
"""Codes that say: not with these settings, and trying again won't help."""


@contextmanager
def client_set_up() -> Iterator[None]:
    """Make a client inside this: librdkafka's refusal of its settings becomes one clear line.

    Raises:
        UserError: settings that librdkafka refuses.
    """
    try:
        yield
    except KafkaException as error:
        raise UserError(f"the Kafka client can't be set up: {text(error)}; check the KAFKA_* variables") from None


class Refusals:
    """Remembers, as a client's `error_cb`, that the brokers refuse it: librdkafka tries again without end."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._first: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Learn an error of the client."""
        if error.code() in REFUSED and self._first is None:
            self._first = error

    def check(self) -> None:
        """Stop at a refusal.

        Raises:
            UserError: the brokers refused the client.
        """
        if self._first is not None:
            raise UserError(
                f"Kafka can't be used with these settings: {self._first.str()}; check KAFKA_SECURITY_PROTOCOL,"
                " KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SSL_CA_LOCATION"
            )


def text(error: KafkaException) -> str:
    """Return what an exception says, without its code."""
    return str(error.args[0].str()) if error.args and isinstance(error.args[0], KafkaError) else str(error)

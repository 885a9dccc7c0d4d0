"""Settings that every service reads under the same names, and how a bad one is reported.

A setting is an environment variable; `.env` files are not read. AWS clients read the standard
`AWS_*` variables by themselves (region, credentials, `AWS_ENDPOINT_URL`).
"""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import UserError


class Settings(BaseSettings):
    """Base of every settings class: frozen, documented, from the environment alone."""

    model_config = SettingsConfigDict(frozen=True, use_attribute_docstrings=True, extra="ignore")


class KafkaSettings(Settings):
    """How to reach Kafka."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_")

    bootstrap_servers: str = Field(default="127.0.0.1:9092", pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")
    """Brokers to start from, as `host:port,host:port`."""

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to the brokers."""

    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How to log in, when the protocol begins with SASL."""

    sasl_username: str = ""
    """User to log in as."""

    sasl_password: SecretStr = SecretStr("")
    """Password to log in with; never logged."""

    ssl_ca_location: str = ""
    """File with the certificates to trust; empty: the system's."""

    connect_timeout_s: float = Field(default=60.0, gt=0)
    """How long to wait for the brokers at start, in seconds."""

    def librdkafka(self) -> dict[str, str | int | float | bool]:
        """Return the connection as librdkafka's configuration (confluent-kafka)."""
        config: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            config["sasl.mechanism"] = self.sasl_mechanism
            config["sasl.username"] = self.sasl_username
            config["sasl.password"] = self.sasl_password.get_secret_value()
        if self.ssl_ca_location and "SSL" in self.security_protocol:
            config["ssl.ca.location"] = self.ssl_ca_location
        return config


class RegistrySettings(Settings):
    """Where schemas are registered."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_")

    name: str = "cardwatch"
    """Name of the AWS Glue schema registry."""

    confluent_url: str = ""
    """Base URL of a Confluent-compatible registry, to read records framed for it; empty: none."""


class LogSettings(Settings):
    """How a service logs."""

    model_config = SettingsConfigDict(env_prefix="LOG_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe level that is printed."""

    format: Literal["json", "console"] = "json"
    """One JSON object a line, or coloured text for people."""


_S = TypeVar("_S", bound=Settings)


def load(settings: type[_S]) -> _S:
    """Read `settings` from the environment.

    Raises:
        UserError: a variable is missing or malformed; the message names each one.
    """
    try:
        return settings()
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        problems = "; ".join(
            f"{prefix}{'.'.join(str(part) for part in problem['loc'])}".upper()
            + f" {_shown(problem['input'], problem['type'])}: {problem['msg']}"
            for problem in error.errors()
        )
        raise UserError(f"{problems}. Set the variable and start again.") from None


def _shown(value: object, kind: str) -> str:
    return "is not set" if kind == "missing" else f"is {value!r}"

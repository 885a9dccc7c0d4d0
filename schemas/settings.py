"""Settings that every service reads under the same names, and how a bad one is reported.

A setting is an environment variable; `.env` files are not read. AWS clients read the standard
`AWS_*` variables by themselves (region, credentials, `AWS_ENDPOINT_URL`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import UserError


class Settings(BaseSettings):
    """Base of every settings class: frozen, documented, from the environment alone; its numbers are finite."""

    model_config = SettingsConfigDict(frozen=True, use_attribute_docstrings=True, extra="ignore", allow_inf_nan=False)


class KafkaSettings(Settings):
    """How to reach Kafka."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_")

    bootstrap_servers: str = Field(default="127.0.0.1:9092", pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")
    """Brokers to start from, as `host:port,host:port`."""

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to the brokers."""

    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How to log in, when the protocol begins with SASL."""

    sasl_username: str = Field(default="", validate_default=True)
    """User to log in as."""

    sasl_password: SecretStr = Field(default=SecretStr(""), validate_default=True)
    """Password to log in with; never logged."""

    ssl_ca_location: str = ""
    """File with the certificates to trust; empty: the system's."""

    connect_timeout_s: float = Field(default=60.0, gt=0, le=86_400)
    """How long to wait for the brokers at start, in seconds."""

    @field_validator("sasl_username", "sasl_password")
    @classmethod
    def _given(cls, value: str | SecretStr, info: ValidationInfo) -> str | SecretStr:
        protocol = info.data.get("security_protocol", "")
        if not len(value) and protocol.startswith("SASL"):
            raise ValueError(f"{protocol} needs it")
        return value

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


def load(settings: type[_S], **given: Any) -> _S:
    """Read `settings` from the environment, and from `given`, options of a command line, before it.

    Raises:
        UserError: a variable or option is missing or malformed; the message names each one.
    """
    try:
        return settings(**given)
    except ValidationError as error:
        problems = "; ".join(
            f"{_name(settings, problem['loc'], given)} {_shown(problem['input'], problem['type'])}: {problem['msg']}"
            for problem in error.errors()
        )
        remedy = "Correct it and start again." if given else "Set the variable and start again."
        raise UserError(f"{problems}. {remedy}") from None


def _name(settings: type[Settings], location: tuple[int | str, ...], given: Mapping[str, Any]) -> str:
    """Return the option or the variable of a field; a field with an alias is its variable's whole name.

    Of several variables for one field it is the one that is set.
    """
    field = ".".join(str(part) for part in location)
    if field in given:
        return f"--{field.replace('_', '-')}"
    for alias in (info.validation_alias for info in settings.model_fields.values()):
        if isinstance(alias, AliasChoices) and field in alias.choices:
            return next((name for name in alias.choices if isinstance(name, str) and os.environ.get(name)), field)
    prefix = settings.model_config.get("env_prefix", "") if field in settings.model_fields else ""
    return f"{prefix}{field}".upper()


def _shown(value: object, kind: str) -> str:
    return "is not set" if kind == "missing" else f"is {value!r}"

"""Schema registries: where a record's schema id comes from, and what it means.

`GlueRegistry` is AWS Glue Schema Registry through boto3: AWS in the cloud, moto on a laptop.
"""

from __future__ import annotations

import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID, uuid5

from botocore.exceptions import BotoCoreError, ClientError

from schemas import aws
from schemas.errors import BadRecordError, UnavailableError, UserError
from schemas.settings import RegistrySettings

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue.type_defs import RegistryIdTypeDef, SchemaIdTypeDef


_CHECK_S: Final = 30
"""How long Glue may take to check a new version, in seconds; it is asked once a second."""


class UnknownSchemaError(BadRecordError):
    """A record names a schema that its registry doesn't know."""


class Definitions(Protocol):
    """What reading needs of a registry."""

    def definition(self, version_id: UUID) -> str:
        """Return the schema behind an id; UnknownSchemaError if there is none."""


class Registry(Definitions, Protocol):
    """What reading and writing need of a registry."""

    def version_id(self, schema_name: str, definition: str) -> UUID:
        """Return the id under which `definition` is registered; UserError if it isn't."""


class ConfluentSchemas(Protocol):
    """What the codec needs to read Confluent framing."""

    def definition(self, schema_id: int) -> str:
        """Return the schema behind an id; UnknownSchemaError if there is none."""


class GlueRegistry:
    """One named registry in AWS Glue Schema Registry."""

    def __init__(
        self, client: GlueClient, name: str = "cardwatch", *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Use the registry `name` through a boto3 `glue` client; `sleep` waits so many seconds."""
        self._client = client
        self._name = name
        self._sleep = sleep

    @classmethod
    def connect(cls, settings: RegistrySettings) -> GlueRegistry:
        """Use the registry that the settings name, at the address that the AWS variables give.

        Raises:
            UserError: region or credentials are missing.
        """
        return cls(aws.client("glue"), settings.name)

    def version_id(self, schema_name: str, definition: str) -> UUID:
        """Return the id of exactly this definition of `schema_name`.

        Raises:
            UserError: not registered, registered but refused or deleted, or the credentials are refused.
            UnavailableError: the registry can't be reached, or still checks the version.
        """
        try:
            found = self._client.get_schema_by_definition(
                SchemaId=self._schema(schema_name), SchemaDefinition=definition
            )
        except self._client.exceptions.EntityNotFoundException:
            message = (
                f"the schema of {schema_name!r} is not registered in Glue registry {self._name!r}:"
                " run `python -m schemas register`"
            )
            raise UserError(message) from None
        except (BotoCoreError, ClientError) as error:
            raise aws.explained(error, "the Glue schema registry") from error
        return self._usable(schema_name, found["SchemaVersionId"], found["Status"])

    def definition(self, version_id: UUID) -> str:
        """Return the schema that was registered under `version_id`.

        Raises:
            UnknownSchemaError: the registry has no such version.
            UserError: the credentials are refused.
            UnavailableError: the registry can't be reached.
        """
        try:
            found = self._client.get_schema_version(SchemaVersionId=str(version_id))
        except self._client.exceptions.EntityNotFoundException:
            message = f"schema version {version_id} is unknown to Glue registry {self._name!r}"
            raise UnknownSchemaError(message) from None
        except (BotoCoreError, ClientError) as error:
            raise aws.explained(error, "the Glue schema registry") from error
        return str(found["SchemaDefinition"])

    def register(
        self, schema_name: str, definition: str, *, before_new: Callable[[int], None] = lambda _: None
    ) -> UUID:
        """Register `definition` as a version of `schema_name`, unless it is there, and return its id.

        Args:
            schema_name: the schema's name, which is its topic's.
            definition: Avro schema as JSON text.
            before_new: called with the definition's fingerprint just before a version is made.
                A local stand-in that invents ids seeds its generator with it, so that the same
                schema gets the same id after a restart.

        Raises:
            UserError: the credentials are refused, or the schema breaks compatibility or is being deleted.
            UnavailableError: the registry can't be reached, or takes too long to check the version.
        """
        try:
            return self._register(schema_name, definition, before_new)
        except (BotoCoreError, ClientError) as error:
            raise aws.explained(error, "the Glue schema registry") from error

    def _register(self, schema_name: str, definition: str, before_new: Callable[[int], None]) -> UUID:
        glue = self._client
        registry: RegistryIdTypeDef = {"RegistryName": self._name}
        try:
            glue.get_registry(RegistryId=registry)
        except glue.exceptions.EntityNotFoundException:
            glue.create_registry(RegistryName=self._name)
        try:
            found = glue.get_schema_by_definition(SchemaId=self._schema(schema_name), SchemaDefinition=definition)
            return self._checked(schema_name, found["SchemaVersionId"], found["Status"])
        except glue.exceptions.EntityNotFoundException:
            before_new(fingerprint(definition))
        try:
            made = glue.create_schema(
                RegistryId=registry,
                SchemaName=schema_name,
                DataFormat="AVRO",
                Compatibility="BACKWARD",
                SchemaDefinition=definition,
            )
            return self._checked(schema_name, made["SchemaVersionId"], made["SchemaVersionStatus"])
        except glue.exceptions.AlreadyExistsException:
            before_new(fingerprint(definition))
            added = glue.register_schema_version(SchemaId=self._schema(schema_name), SchemaDefinition=definition)
        return self._checked(schema_name, added["SchemaVersionId"], added["Status"])

    def _checked(self, schema_name: str, version_id: str, status: str) -> UUID:
        """Wait until Glue has checked a version, and return its id."""
        for _ in range(_CHECK_S):
            if status != "PENDING":
                break
            self._sleep(1)
            status = self._client.get_schema_version(SchemaVersionId=version_id)["Status"]
        return self._usable(schema_name, version_id, status)

    def _usable(self, schema_name: str, version_id: str, status: str) -> UUID:
        """Return the id of a version, if records may carry it."""
        match status:
            case "AVAILABLE":
                return UUID(version_id)
            case "PENDING":
                raise UnavailableError(f"Glue still checks the schema of {schema_name!r}, version {version_id}")
            case "FAILURE":
                raise UserError(
                    f"Glue refuses the schema of {schema_name!r}: it is not backward compatible;"
                    " run `python -m schemas check`"
                )
        raise UserError(
            f"the schema of {schema_name!r} can't be used: Glue calls version {version_id} {status};"
            " wait until it is gone and run `python -m schemas register`"
        )

    def _schema(self, schema_name: str) -> SchemaIdTypeDef:
        return {"RegistryName": self._name, "SchemaName": schema_name}


class ConfluentRegistry:
    """A Confluent-compatible registry, read only, by its HTTP interface."""

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        """Use the registry at base address `url`."""
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    def definition(self, schema_id: int) -> str:
        """Return the schema behind `schema_id` (GET /schemas/ids/{id}).

        Raises:
            UnknownSchemaError: the registry answers 404.
            UnavailableError: it can't be reached or fails.
        """
        address = f"{self._url}/schemas/ids/{schema_id}"
        try:
            with urllib.request.urlopen(address, timeout=self._timeout_s) as answer:
                return str(json.load(answer)["schema"])
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                raise UnknownSchemaError(f"schema id {schema_id} is unknown to the registry at {self._url}") from None
            raise UnavailableError(f"the registry at {self._url} answered {error.code}; see its log") from error
        except (OSError, ValueError, KeyError) as error:
            raise UnavailableError(
                f"the registry at {self._url} can't be read: {error}; see REGISTRY_CONFLUENT_URL"
            ) from error


class FakeRegistry:
    """A registry in memory, for tests and for what stays in one process: ids are a function of name and definition."""

    def __init__(self) -> None:
        """Start empty."""
        self.definitions: dict[UUID, str] = {}
        self.reads = 0

    def register(self, schema_name: str, definition: str) -> UUID:
        """Remember `definition` and return its id."""
        version_id = uuid5(UUID(int=0), f"{schema_name}\n{definition}")
        self.definitions[version_id] = definition
        return version_id

    def version_id(self, schema_name: str, definition: str) -> UUID:
        """Register on first sight, so that tests need no set-up."""
        return self.register(schema_name, definition)

    def definition(self, version_id: UUID) -> str:
        """Return what was registered."""
        self.reads += 1
        try:
            return self.definitions[version_id]
        except KeyError:
            raise UnknownSchemaError(f"schema version {version_id} is unknown") from None


def fingerprint(definition: str) -> int:
    """Return a number below 2**32 that stands for the text of a schema (first bytes of its SHA-256)."""
    return int.from_bytes(hashlib.sha256(definition.encode()).digest()[:4], "big")

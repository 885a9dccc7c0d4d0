"""Avro on the wire: a schema id in front of an Avro body.

Written is AWS Glue Schema Registry framing, because the AWS converters read it:

    byte 0      3, the header version
    byte 1      compression: 0 none, 5 zlib
    bytes 2-17  the schema version's UUID, big-endian
    rest        Avro binary

Read is also Confluent framing: byte 0 is 0, bytes 1-4 the schema id, big-endian, the rest Avro.
Sources: github.com/awslabs/aws-glue-schema-registry (AWSSchemaRegistryConstants) and
docs.confluent.io, "Wire format".
"""

from __future__ import annotations

import json
import struct
import zlib
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import fastavro
from fastavro.types import AvroMessage

from schemas.errors import BadRecordError
from schemas.registry import ConfluentSchemas, Definitions, Registry

Record = dict[str, Any]
"""A record by field name, with Avro's logical types as Python's (datetime, aware UTC)."""

GLUE_VERSION: Final = 3
CONFLUENT_MAGIC: Final = 0
PLAIN: Final = 0
ZLIB: Final = 5
_GLUE_PLAIN: Final = bytes((GLUE_VERSION, PLAIN))
GLUE_HEADER: Final = 18
CONFLUENT_HEADER: Final = 5
_LONGEST_LONG: Final = 10
_FOLDER: Final = Path(__file__).parent


def definition(schema: str) -> str:
    """Return the text of `schemas/<schema>.avsc` in one line, as it is registered."""
    return json.dumps(json.loads((_FOLDER / f"{schema}.avsc").read_text()), separators=(",", ":"))


class Encoder:
    """Writes records of one schema in Glue framing."""

    def __init__(self, schema: str, version_id: UUID) -> None:
        """Write `schemas/<schema>.avsc`, registered as `version_id`."""
        self._schema = fastavro.parse_schema(json.loads(definition(schema)))
        self.header = bytes((GLUE_VERSION, PLAIN)) + version_id.bytes
        """What stands in front of every body."""

    @classmethod
    def registered(cls, schema: str, topic: str, registry: Registry) -> Encoder:
        """Look the schema's id up under the topic's name, which is the schema's name in Glue."""
        return cls(schema, registry.version_id(topic, definition(schema)))

    def encode(self, record: Record) -> bytes:
        """Return the framed bytes of `record`."""
        out = BytesIO()
        out.write(self.header)
        fastavro.schemaless_writer(out, self._schema, record)
        return out.getvalue()


class Decoder:
    """Reads framed records of any schema that its registries know.

    A schema is fetched once and kept. An unknown id is not kept: a producer may register it any
    moment, so it is asked for again with the next record.
    """

    def __init__(
        self,
        registry: Definitions,
        *,
        reader: str | None = None,
        confluent: ConfluentSchemas | None = None,
        logical_types: bool = True,
    ) -> None:
        """Set up for one kind of reading.

        Args:
            registry: where Glue version ids are looked up.
            reader: name of the schema to resolve records to; None: each record's own schema.
            confluent: where Confluent ids are looked up; None: such records are refused.
            logical_types: False leaves timestamps, dates and decimals as the integers and bytes
                they are on the wire.
        """
        self._registry = registry
        self._confluent = confluent
        self._logical = logical_types
        self._reader = self._parse(definition(reader)) if reader else None
        self._writers: dict[UUID | int, Any] = {}
        self._first_longs: dict[bytes, str | None] = {}

    def first_long(self, value: bytes, field: str) -> int:
        """Return a field of the record in `value`, which is most likely the first and a long, without the rest.

        Where it isn't, all is decoded. Otherwise it isn't checked what follows.

        Raises:
            BadRecordError, UnavailableError: as `decode`.
        """
        version = value[2:GLUE_HEADER]
        if value[:2] == _GLUE_PLAIN and (self._first_longs.get(version) or self._first_long(version)) == field:
            found = _long(value, GLUE_HEADER)
            if found is not None:
                return found
        return int(self.decode(value)[field])

    def _first_long(self, version: bytes) -> str | None:
        """Return the name of the first field of a schema's records if it is a long."""
        if len(version) < GLUE_HEADER - 2:
            return None
        number = UUID(bytes=version)
        writer = self._writers.get(number) or self._fetch(number)
        same = self._reader is None or (isinstance(writer, dict) and writer.get("name") == self._reader["name"])
        first = (writer.get("fields") or [{}])[0] if same and isinstance(writer, dict) else {}
        self._first_longs[version] = first["name"] if first.get("type") == "long" else None
        return self._first_longs[version]

    def decode(self, value: bytes) -> Record:
        """Return the record in `value`.

        Raises:
            BadRecordError: empty, truncated, not framed, of an unknown or incompatible schema, or with
                bytes left over.
            UnavailableError: the registry can't be reached; the record may be fine.
        """
        return self.decode_with_schema(value)[0]

    def decode_with_schema(self, value: bytes) -> tuple[Record, Any]:
        """Return the record in `value` and the schema it was written with, as fastavro parsed it.

        Raises:
            BadRecordError, UnavailableError: as `decode`.
        """
        version, body = self._unframe(value)
        writer = self._writers.get(version) or self._fetch(version)
        stream = BytesIO(body)
        try:
            record: AvroMessage = fastavro.schemaless_reader(stream, writer, self._reader)
        except EOFError:
            raise BadRecordError(f"the Avro body ends early, after {len(body)} bytes") from None
        except Exception as error:  # noqa: BLE001 - the list is below
            # fastavro raises whatever its C code met: struct.error, IndexError, OverflowError,
            # UnicodeDecodeError, SchemaResolutionError ... all mean the same here.
            raise BadRecordError(f"the Avro body can't be decoded: {type(error).__name__}: {error}") from None
        if stream.tell() != len(body):
            raise BadRecordError(f"{len(body) - stream.tell()} bytes are left over after the Avro body")
        if not isinstance(record, dict):
            raise BadRecordError(f"the Avro value is a {type(record).__name__}, not a record")
        return record, writer

    def _unframe(self, value: bytes) -> tuple[UUID | int, bytes]:
        if not value:
            raise BadRecordError("the value is empty")
        if value[0] == GLUE_VERSION and len(value) >= GLUE_HEADER:
            return _version(value[2:GLUE_HEADER]), _inflated(value[1], value[GLUE_HEADER:])
        if value[0] == CONFLUENT_MAGIC and len(value) >= CONFLUENT_HEADER:
            return int(struct.unpack_from(">I", value, 1)[0]), value[CONFLUENT_HEADER:]
        raise BadRecordError(
            f"{len(value)} bytes that begin with {value[0]} are neither in Glue nor in Confluent framing"
        )

    def _fetch(self, version: UUID | int) -> Any:
        if isinstance(version, UUID):
            text = self._registry.definition(version)
        elif self._confluent is None:
            raise BadRecordError(f"Confluent schema id {version}, and no registry to ask: set REGISTRY_CONFLUENT_URL")
        else:
            text = self._confluent.definition(version)
        self._writers[version] = parsed = self._parse(text)
        return parsed

    def _parse(self, text: str) -> Any:
        try:
            schema = json.loads(text)
            return fastavro.parse_schema(schema if self._logical else without_logical_types(schema))
        except (ValueError, KeyError, fastavro.schema.SchemaParseException) as error:
            raise BadRecordError(f"its registered schema is not valid Avro: {error}") from None


@lru_cache(maxsize=256)  # the same few come again and again, and a UUID takes longer than the rest of the framing
def _version(number: bytes) -> UUID:
    return UUID(bytes=number)


def _long(value: bytes, at: int) -> int | None:
    """Return the Avro long that begins at index `at`; None when the bytes end within it or it is too long for one."""
    found = shift = 0
    for byte in value[at : at + _LONGEST_LONG]:
        found |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follow
            return (found >> 1) ^ -(found & 1)
        shift += 7
    return None


def without_logical_types(schema: Any) -> Any:
    """Return `schema` with every `logicalType` taken out, so that values stay as on the wire."""
    if isinstance(schema, dict):
        return {key: without_logical_types(value) for key, value in schema.items() if key != "logicalType"}
    if isinstance(schema, list):
        return [without_logical_types(part) for part in schema]
    return schema


def _inflated(compression: int, body: bytes) -> bytes:
    if compression == PLAIN:
        return body
    if compression == ZLIB:
        try:
            return zlib.decompress(body)
        except zlib.error as error:
            raise BadRecordError(f"the compressed body is broken: {error}") from None
    raise BadRecordError(f"unknown compression {compression} in the Glue header; 0 and {ZLIB} are known")

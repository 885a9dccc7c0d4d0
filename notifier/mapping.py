"""Kafka records to entries: decode the value with its registered schema, then wrap it."""

from __future__ import annotations

from typing import Any

from notifier import avro_json
from notifier.envelope import Entry, Naming, Record, entry
from schemas.codec import Decoder
from schemas.errors import BadRecordError


class Mapper:
    """Keeps a writer for each schema it has met."""

    def __init__(self, decoder: Decoder, naming: Naming) -> None:
        """Decode with `decoder`, which leaves logical types as they are on the wire."""
        self._decoder = decoder
        self._naming = naming
        self._writers: dict[int, tuple[Any, avro_json.Write]] = {}

    def entry(self, record: Record) -> Entry:
        """Return the entry of `record`.

        Raises:
            BadRecordError: its value can't be decoded.
            UnavailableError: the registry can't be reached.
            UserError: the registry refuses the credentials.
        """
        if record.value is None:
            return entry(record, None, self._naming)
        value, schema = self._decoder.decode_with_schema(record.value)
        known = self._writers.get(id(schema)) or self._learn(schema)
        try:
            return entry(record, known[1](value), self._naming)
        except RecursionError:
            raise BadRecordError("the value is nested too deeply") from None

    def _learn(self, schema: Any) -> tuple[Any, avro_json.Write]:
        # The schema is kept with its writer, so that its id is not given to another.
        self._writers[id(schema)] = known = (schema, avro_json.writer(schema))
        return known

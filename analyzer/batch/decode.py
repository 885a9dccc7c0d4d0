"""Decodes a whole fetch of framed Avro transactions with numpy, record for record as the scalar reader would.

What it isn't sure of it declares odd, and the scalar reader decides: it defines what a transaction is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

import numpy as np

from analyzer.batch.buffer import Buffer
from analyzer.batch.columns import Columns, IntArray
from analyzer.batch.framing import groups
from analyzer.batch.merge import Part, merged
from analyzer.batch.one_schema import columns, walked
from analyzer.batch.plan import MOST_FIELDS, Plan, plan
from analyzer.batch.walk import LONGEST_STEP
from schemas.codec import GLUE_HEADER

SLACK: Final = MOST_FIELDS * LONGEST_STEP
"""Zeros behind the records: a walk that has left its record doesn't leave the buffer."""


class Schemas(Protocol):
    """What is known of the schemas of a registry: a `SchemaCache` before it."""

    def known(self, version: UUID | int) -> str | None:
        """Return a schema; None if the registry has just said that it has no such; or raise SchemaNeededError."""


class ColumnReader:
    """Makes columns of Kafka records."""

    def __init__(self, glue: Schemas, confluent: Schemas | None = None) -> None:
        """Look ids of Glue framing up in one registry, those of Confluent framing in another, if there is one."""
        self._glue = glue
        self._confluent = confluent
        self._plans: dict[bytes, Plan | None] = {}

    def read(self, keys: Sequence[bytes | None], values: Sequence[bytes | None], offsets: Sequence[int]) -> Columns:
        """Return n records by columns.

        Raises:
            SchemaNeededError: a schema must be fetched first; nothing has changed.
        """
        records = [value or b"" for value in values]
        buffer, heads = _joined(records)
        planned = [(self._plan(head), len(head), mine) for head, mine in groups(records, buffer, heads)]
        at = np.fromiter(offsets, np.int64, len(records))
        match planned:
            case [(Plan() as only, head_size, mine)] if mine.all():
                return columns(walked(only, buffer, heads, head_size), keys, at)
        parts: list[Part] = []
        for one, head_size, mine in planned:
            if one:
                indices = np.flatnonzero(mine)
                some = indices.tolist()
                buffer, heads = _joined([records[index] for index in some])
                part = walked(one, buffer, heads, head_size)
                parts.append((indices, columns(part, [keys[index] for index in some], at[indices])))
        return merged(at, parts)

    def _plan(self, head: bytes) -> Plan | None:
        if head in self._plans:
            return self._plans[head]
        if len(head) == GLUE_HEADER:
            text = self._glue.known(UUID(bytes=head[2:]))
        else:
            text = self._confluent.known(int.from_bytes(head[1:], "big")) if self._confluent else None
        if text is None:
            return None  # not for good: a producer may register it any moment
        self._plans[head] = found = plan(text)
        return found


def _joined(records: list[bytes]) -> tuple[Buffer, IntArray]:
    """Return the records one after another, and where each one begins."""
    sizes = np.fromiter(map(len, records), np.int64, len(records))
    return Buffer.of(records, SLACK), np.cumsum(sizes) - sizes

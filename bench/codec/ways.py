"""The ways to read and write transactions that are compared."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final
from uuid import UUID

import fastavro

from analyzer.wire import TransactionReader
from bench.analyzer.records import generated
from schemas.codec import Decoder, Encoder, definition, without_logical_types

BATCH: Final = 1_000
"""Records of a fetch."""
VERSION: Final = UUID(int=8 << 76 | 2 << 62)
"""Any will do: no registry is asked."""
_HEADER: Final = 18
_BATCHED: Final = "analyzer.batch.decode"


class OneSchema:
    """A registry that knows the schema of transactions alone, in both forms that readers ask for."""

    def definition(self, _: UUID) -> str:
        """Return it."""
        return definition("transaction")

    def known(self, _: UUID | int) -> str:
        """Return it."""
        return definition("transaction")


@dataclass(frozen=True, slots=True)
class Way:
    """A way, by its title."""

    title: str
    work: Callable[[], Sequence[Any]]
    """Does it for all records, and returns what a check can compare: ids, or bytes."""
    expected: Sequence[Any]


def ways(records: int) -> Iterator[Way]:
    """Yield each way to do the same `records` transactions."""
    fields = list(generated(records, 1))
    encoder = Encoder("transaction", VERSION)
    keys, values = [one["cardId"].encode() for one in fields], [encoder.encode(one) for one in fields]
    ids = [one["transactionId"] for one in fields]
    yield Way("write: codec", lambda: [encoder.encode(one) for one in fields], values)
    yield Way("read: fastavro alone", lambda: _plain(values), ids)
    decoder = Decoder(OneSchema(), reader="transaction", logical_types=False)
    yield Way("read: codec", lambda: [decoder.decode(value)["transactionId"] for value in values], ids)
    reader = TransactionReader(decoder)
    pairs = list(zip(keys, values, strict=True))
    yield Way("read: codec, checked", lambda: [reader.read(*pair).transaction_id for pair in pairs], ids)
    if importlib.util.find_spec("analyzer.batch") and importlib.util.find_spec(_BATCHED):
        yield Way(f"read: columns of {BATCH:,}, checked", lambda: _columns(keys, values), [one.encode() for one in ids])


def _plain(values: Sequence[bytes]) -> list[str]:
    schema = fastavro.parse_schema(without_logical_types(json.loads(definition("transaction"))))
    found = []
    for value in values:
        record: Any = fastavro.schemaless_reader(BytesIO(value[_HEADER:]), schema, None)
        found.append(record["transactionId"])
    return found


def _columns(keys: Sequence[bytes], values: Sequence[bytes]) -> list[bytes]:
    reader = importlib.import_module(_BATCHED).ColumnReader(OneSchema())
    found: list[bytes] = []
    for start in range(0, len(values), BATCH):
        part = slice(start, start + BATCH)
        columns = reader.read(keys[part], values[part], range(start, start + len(values[part])))
        found.extend(columns.transaction_ids)
    return found

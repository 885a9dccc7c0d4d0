"""Remembered transactions as bytes on their own, as they stand within a card's state, and back."""

from __future__ import annotations

import json
from functools import lru_cache
from io import BytesIO
from typing import Any, Final

import fastavro

from analyzer.core.model import RecentTransaction
from analyzer.wire import recent_of, recent_record
from schemas.codec import definition, without_logical_types

_KEPT: Final = 8_192
"""That are kept of either way, some 5 MB each: who is looked at once is often looked at again."""


class RecentCodec:
    """Items of `recent` in card_state.avsc, without framing."""

    def __init__(self) -> None:
        """Read their schema."""
        fields = json.loads(definition("card_state"))["fields"]
        item = next(field["type"]["items"] for field in fields if field["name"] == "recent")
        self._schema = fastavro.parse_schema(without_logical_types(item))
        self.decode = lru_cache(maxsize=_KEPT)(self._decode)
        """Return the remembered transaction in an Avro body, which `encode` made or the like."""

        self.encode = lru_cache(maxsize=_KEPT)(self._encode)
        """Return the Avro body of a remembered transaction."""

    def _encode(self, one: RecentTransaction) -> bytes:
        out = BytesIO()
        fastavro.schemaless_writer(out, self._schema, recent_record(one))
        return out.getvalue()

    def _decode(self, body: bytes) -> RecentTransaction:
        record: Any = fastavro.schemaless_reader(BytesIO(body), self._schema, None)
        return recent_of(record)

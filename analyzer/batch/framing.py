"""Which records of a batch were written with which schema, by the bytes in front of their Avro bodies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from analyzer.batch.buffer import Buffer
from analyzer.batch.columns import BoolArray, IntArray
from analyzer.batch.walk import WORD
from schemas.codec import CONFLUENT_HEADER, CONFLUENT_MAGIC, GLUE_HEADER, GLUE_VERSION, PLAIN


def groups(records: Sequence[bytes], buffer: Buffer, heads: IntArray) -> Iterator[tuple[bytes, BoolArray]]:
    """Yield each head of uncompressed records, and which (n,) records have it.

    Args:
        records: n framed records.
        buffer: the same, one after another.
        heads: where each begins (n,).
    """
    sizes = np.append(heads[1:], buffer.size) - heads
    pending = sizes > 0
    while pending.any():
        first = int(pending.argmax())
        head = _head(records[first])
        if head:
            mine = pending & (sizes >= len(head)) & _begins_with(head, buffer, heads)
            pending &= ~mine
            yield head, mine
        else:
            pending[first] = False


def _head(record: bytes) -> bytes:
    """Return the framing of a record; empty if there is none, or the body is compressed."""
    if record[0] == GLUE_VERSION and len(record) >= GLUE_HEADER:
        return record[:GLUE_HEADER] if record[1] == PLAIN else b""
    return record[:CONFLUENT_HEADER] if record[0] == CONFLUENT_MAGIC and len(record) >= CONFLUENT_HEADER else b""


def _begins_with(head: bytes, buffer: Buffer, heads: IntArray) -> BoolArray:
    if len(head) < WORD:
        wanted = int.from_bytes(head, "little")
        mask = (1 << 8 * len(head)) - 1
        return np.asarray(buffer.words[heads] & mask == wanted)
    same = np.ones(len(heads), np.bool_)
    for at in {*range(0, len(head) - WORD, WORD), len(head) - WORD}:
        same &= buffer.words[heads + at] == int.from_bytes(head[at : at + WORD], "little")
    return same

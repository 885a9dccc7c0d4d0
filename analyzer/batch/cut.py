"""Cutting pieces of many records out of a buffer and putting them together, record by record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analyzer.batch.buffer import ByteArray
from analyzer.batch.columns import IntArray

AT_ONCE: Final = 256
"""Records whose pieces are cut at once: their places (eight bytes for each one) stay in the processor's cache."""


def cut(octets: ByteArray, begins: Sequence[IntArray], ends: Sequence[IntArray]) -> tuple[bytes, IntArray]:
    """Put the pieces of each of n records together.

    Args:
        octets: what to cut from.
        begins: for each piece, its first byte (n,).
        ends: for each piece, the byte behind it (n,).

    Returns:
        all records' bytes, one after another, and where each one ends (n,).
    """
    begin = np.stack(begins, axis=1)
    size = np.stack(ends, axis=1) - begin
    parts = [_cut(octets, begin[at : at + AT_ONCE], size[at : at + AT_ONCE]) for at in range(0, len(begin), AT_ONCE)]
    return b"".join(parts), np.cumsum(size.sum(axis=1))


def _cut(octets: ByteArray, begin: IntArray, size: IntArray) -> bytes:
    sizes = size.ravel()
    total = np.cumsum(sizes)
    places = np.repeat(begin.ravel() - total + sizes, sizes)
    places += np.arange(len(places))
    return octets.take(places).tobytes()


def slices(data: bytes, begins: IntArray, ends: IntArray) -> list[bytes]:
    """Return the bytes of `data` from each begin to its end."""
    return [data[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]

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
    shape = len(begins), -1
    begin, end = np.concatenate(begins).reshape(shape).T.ravel(), np.concatenate(ends).reshape(shape).T.ravel()
    size = end - begin
    total = np.cumsum(size)
    shift = begin - (total - size)
    parts, step = [], AT_ONCE * len(begins)
    for at in range(0, len(begin), step):
        until = min(at + step, len(begin))
        places = np.repeat(shift[at:until], size[at:until])
        places += np.arange(total[at] - size[at], total[until - 1])
        parts.append(octets.take(places).tobytes())
    return b"".join(parts), total[len(begins) - 1 :: len(begins)]


def slices(data: bytes, begins: IntArray, ends: IntArray) -> list[bytes]:
    """Return the bytes of `data` from each begin to its end, within it: ids are often all as long, which is fast."""
    size = ends - begins
    if len(size) and size[0] and (size == size[0]).all():
        of_size = np.ndarray((len(data) - int(size[0]) + 1,), f"V{size[0]}", data, strides=(1,))
        return list(of_size[begins].tolist())
    return [data[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]

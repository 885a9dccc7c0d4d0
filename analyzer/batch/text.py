"""Whether all strings of many records are UTF-8, in one go.

Whatever is no text is taken out of a copy of the buffer, bit by bit. A string's length ends with a byte below 128,
which stands alone in UTF-8: so the copy is UTF-8 if and only if each string is.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch.buffer import Buffer, words
from analyzer.batch.columns import BoolArray, IntArray
from analyzer.batch.walk import WORD, Walk


def all_text(buffer: Buffer, walk: Walk, heads: IntArray, good: BoolArray) -> BoolArray:
    """Return which of the good records (n,) hold nothing but UTF-8 in their strings.

    Args:
        buffer: all n records, one after another, each a head and a body.
        walk: through the bodies, to their end.
        heads: where each head begins.
        good: whose walk was without fault and ended where it must.
    """
    starts = walk.bounds[0]
    copy = bytearray(buffer.data)
    ends = np.append(heads[1:], buffer.size)
    for begin, end in zip(starts[~good].tolist(), ends[~good].tolist(), strict=True):
        copy[begin:end] = bytes(end - begin)
    _blank_heads(copy, heads, starts)
    view, everyone = words(copy), bool(good.all())
    for which, at, bits in walk.not_text:
        fine = good[which]
        view[at if everyone else at[fine]] &= ~(bits if everyone else bits[fine])
    try:
        copy.decode()
    except UnicodeDecodeError:
        each = [is_text(copy[begin:end]) for begin, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        return good & np.array(each, np.bool_)
    return good


def is_text(octets: bytes | bytearray) -> bool:
    """Tell whether bytes are UTF-8."""
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def _blank_heads(copy: bytearray, heads: IntArray, starts: IntArray) -> None:
    view, octets = words(copy), np.frombuffer(copy, np.uint8)
    left = int(starts[0] - heads[0])
    while left >= WORD:
        left -= WORD
        view[heads + left] = 0
    for at in range(left):
        octets[heads + at] = 0

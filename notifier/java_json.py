"""JSON text as Jackson writes it, where that differs from Python's.

Doubles are printed as `Double.toString` does (the shortest digits that read back as the same number, as
since Java 19), strings raw but for quotes, backslashes and control characters.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Iterable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Final

_NAMED: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_ESCAPES: Final = str.maketrans({chr(code): f"\\u{code:04X}" for code in range(0x20)} | _NAMED)
_PLAIN_FROM: Final = 1e-3
_PLAIN_BELOW: Final = 1e7
_FLOAT_DIGITS: Final = 9
_ENCODED_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


def string(text: str) -> str:
    """Return `text` in quotes; only quotes, backslashes and control characters below U+0020 are escaped."""
    quoted = encode_basestring(text)
    # Python's encoder writes the control characters that have no short name with small letters, Jackson with capitals.
    return quoted if "\\u" not in quoted else f'"{text.translate(_ESCAPES)}"'


def base64_string(data: bytes) -> str:
    """Return `data` as a string of base64 with padding."""
    return f'"{base64.b64encode(data).decode()}"'


def double(number: float) -> str:
    """Return a 64-bit number: `195.0`, `1.0E7`, `1.0E-4`; NaN and the infinities as strings."""
    if not math.isfinite(number):
        return '"NaN"' if math.isnan(number) else '"Infinity"' if number > 0 else '"-Infinity"'
    if number == 0 or _PLAIN_FROM <= abs(number) < _PLAIN_BELOW:
        return repr(number)
    sign, digits, exponent = Decimal(_shortest(number)).normalize().as_tuple()
    head, *tail = digits
    power = len(tail) + int(exponent)
    return f"{'-' if sign else ''}{head}.{''.join(map(str, tail)) or 0}E{power}"


def single(number: float) -> str:
    """Return a 32-bit number, given as the double of the same value, with the digits a float needs."""
    if not math.isfinite(number) or number == 0:
        return double(number)
    shortened = (float(f"{number:.{digits}e}") for digits in range(1, _FLOAT_DIGITS))
    return double(next((short for short in shortened if to_single(short) == number), number))


def to_single(number: float) -> float:
    """Round to the nearest 32-bit number; beyond the greatest, to infinity."""
    try:
        rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)
    return rounded


def array(items: Iterable[str]) -> str:
    """Return a compact array of texts that are JSON already."""
    return f"[{','.join(items)}]"


def obj(members: Iterable[tuple[str, str]]) -> str:
    """Return a compact object, in order, of names (plain text) and values (JSON already)."""
    return f"{{{','.join(f'{string(name)}:{value}' for name, value in members)}}}"


def utf8(data: bytes) -> str:
    """Decode as `new String(data, UTF_8)` does: U+FFFD stands for what isn't UTF-8, one for a surrogate."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _ENCODED_SURROGATE.sub("\ufffd".encode(), data).decode(errors="replace")


def _shortest(number: float) -> str:
    """Return the shortest digits, but two where one would do and two come closer (4.9E-324, not 5E-324)."""
    two = f"{number:.1e}"
    return two if float(two) == number else repr(number)

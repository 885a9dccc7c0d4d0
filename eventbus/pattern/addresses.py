"""IP addresses as the service reads them: IPv4 in four decimals, IPv6 in colons, an IPv4-mapped IPv6 as its IPv4.

An address is its hexadecimal digits, 8 or 32 of them. The service compares digit by digit and stops at the first that
decides, so an IPv6 network holds an IPv4 address whose digits lie in it, and the other way round.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

LOOKS_LIKE_V4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
LOOKS_LIKE_V6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
MASK = re.compile(r"[+-]?[0-9]+")
V4_DIGITS = 8
OCTET = 255


class Network(NamedTuple):
    """The addresses from `low` to `high`, both in it; digits, equally many."""

    low: str
    high: str

    def has(self, digits: str) -> bool:
        """Whether the address is one of them."""
        above = below = False
        for digit, low, high in zip(digits, self.low, self.high, strict=False):
            above, below = above or digit > low, below or digit < high
            if (not above and digit < low) or (not below and digit > high):
                return False
            if above and below:
                return True
        return len(digits) >= len(self.low)


def looks_like(text: str) -> bool:
    """Whether it is written as an address, be it a valid one or not."""
    return bool(LOOKS_LIKE_V4.fullmatch(text) or LOOKS_LIKE_V6.fullmatch(text))


def address(text: str) -> str | None:
    """The address's digits, or None when `text` is no address."""
    if LOOKS_LIKE_V4.fullmatch(text):
        octets = [int(part) for part in text.split(".")] if len(text) <= len("255.255.255.255") else [OCTET + 1]
        return bytes(octets).hex() if max(octets) <= OCTET else None
    if not LOOKS_LIKE_V6.fullmatch(text):
        return None
    try:
        parsed = IPv6Address(":".join(part.lstrip("0") or part[:1] for part in text.split(":")))
    except AddressValueError:
        return None
    mapped = parsed.ipv4_mapped
    return (parsed if mapped is None else mapped).packed.hex()


def network(text: str) -> Network:
    """The network in CIDR notation. Raises `ValueError` with the service's reason."""
    parts = text.rstrip("/").split("/") if text.strip("/") else []
    if len(parts) != 2:  # noqa: PLR2004 - address and mask
        raise ValueError("Malformed CIDR, one '/' required")
    base, mask = parts
    if not MASK.fullmatch(mask) or len(mask) > 10:  # noqa: PLR2004 - more is no 32-bit integer
        raise ValueError("Malformed CIDR, mask bits must be an integer")
    bits = int(mask)
    if bits < 0:
        raise ValueError("Malformed CIDR, mask bits must not be negative")
    digits = address(base)
    if digits is None:
        raise ValueError(f"{'Invalid' if looks_like(base) else 'Nonstandard'} IP address: {base}")
    width = 4 * len(digits)
    if bits >= width:
        raise ValueError(f"IPv{4 if len(digits) == V4_DIGITS else 6} mask bits must be < {width}")
    free = (1 << (width - bits)) - 1
    low, high = int(digits, 16) & ~free, int(digits, 16) | free
    return Network(f"{low:0{len(digits)}x}", f"{high:0{len(digits)}x}")

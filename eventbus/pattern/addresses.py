"""IP addresses as the service reads them: IPv4 in four decimals, IPv6 in colons, an IPv4-mapped IPv6 as its IPv4."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

LOOKS_LIKE_V4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
LOOKS_LIKE_V6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
MASK = re.compile(r"[+-]?[0-9]+")
BITS = {4: 32, 6: 128}
OCTET = 255


class Address(NamedTuple):
    """`version` is 4 or 6."""

    version: int
    number: int


class Network(NamedTuple):
    """The addresses from `low` to `high`, both in it."""

    low: Address
    high: Address

    def has(self, address: Address) -> bool:
        """Whether it is one of them."""
        return self.low <= address <= self.high and address.version == self.low.version


def looks_like(text: str) -> bool:
    """Whether it is written as an address, be it a valid one or not."""
    return bool(LOOKS_LIKE_V4.fullmatch(text) or LOOKS_LIKE_V6.fullmatch(text))


def address(text: str) -> Address | None:
    """The address, or None when `text` is none."""
    if LOOKS_LIKE_V4.fullmatch(text):
        octets = [int(part) for part in text.split(".")] if len(text) <= len("255.255.255.255") else [OCTET + 1]
        return Address(4, int(IPv4Address(bytes(octets)))) if max(octets) <= OCTET else None
    if not LOOKS_LIKE_V6.fullmatch(text):
        return None
    try:
        parsed = IPv6Address(":".join(part.lstrip("0") or part[:1] for part in text.split(":")))
    except AddressValueError:
        return None
    mapped = parsed.ipv4_mapped
    return Address(6, int(parsed)) if mapped is None else Address(4, int(mapped))


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
    at = address(base)
    if at is None:
        raise ValueError(f"{'Invalid' if looks_like(base) else 'Nonstandard'} IP address: {base}")
    width = BITS[at.version]
    if bits >= width:
        raise ValueError(f"IPv{at.version} mask bits must be < {width}")
    free = (1 << (width - bits)) - 1
    return Network(Address(at.version, at.number & ~free), Address(at.version, at.number | free))

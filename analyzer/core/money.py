"""Amounts in words: minor units of a currency as people write them."""

from __future__ import annotations

from typing import Final

_TWO: Final = 2
DIGITS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Digits after the point of the currencies where they aren't two (ISO 4217)."""


def major(amount_minor: int, currency: str) -> float:
    """Return the amount in major units: 1250 EUR is 12.5."""
    return float(amount_minor / 10 ** DIGITS.get(currency, _TWO))


def words(amount_minor: float, currency: str) -> str:
    """Return the amount as people write it: 1250 EUR is `12.50 EUR`."""
    digits = DIGITS.get(currency, _TWO)
    return f"{amount_minor / 10**digits:.{digits}f} {currency}"

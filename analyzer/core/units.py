"""Units of thresholds: what a figure in the rules file means, which are possible, and how a quantity is read.

A threshold is a plain number in the unit of its field, or a text of number and unit of the same dimension:
`least_seconds = 300` and `least_seconds = "5 min"` are the same.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from schemas.errors import UserError

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
SCALES: Final[dict[str, dict[str, float]]] = {
    "time": {
        **dict.fromkeys(("ms", "milliseconds"), 0.001),
        **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
        **dict.fromkeys(("min", "minute", "minutes"), _MINUTE),
        **dict.fromkeys(("h", "hour", "hours"), _HOUR),
        **dict.fromkeys(("d", "day", "days"), _DAY),
    },
    "distance": {"m": 0.001, "metres": 0.001, "km": 1, "mi": 1.609344, "miles": 1.609344},
    "speed": {"km/h": 1, "km_h": 1, "kmh": 1, "m/s": 3.6, "m_s": 3.6, "mph": 1.609344},
}
"""By dimension, units and their size in the dimension's own."""

_QUANTITY: Final = re.compile(r"\s*([-+]?[0-9]+(?:\.[0-9]+)?)\s*([a-z_/]+)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unit:
    """What a threshold is measured in."""

    words: str
    """For people; empty: a count of what the field's name says."""

    suffix: str = ""
    """How the name of a field in this unit ends, and its key in `SCALES`."""

    dimension: str = ""
    """Key of `SCALES`; empty: it can't be converted."""

    whole: bool = False
    most: float = math.inf
    above_zero: bool = False

    def read(self, given: Any) -> float:
        """Return a figure of the file in this unit.

        Raises:
            UserError: it is none, or not a possible one; the message doesn't say where it stands.
        """
        number = self._quantity(given) if isinstance(given, str) else given
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise UserError(f"must be a number{self._of()}, not {number!r}")
        if not math.isfinite(number):
            raise UserError(f"must be a finite number{self._of()}, not {number}")
        if self.whole and not isinstance(number, int):
            raise UserError(f"must be a whole number{self._of()}, not {number}")
        least = "above 0" if self.above_zero else "at least 0"
        if number < 0 or (self.above_zero and number == 0):
            raise UserError(f"must be {least}{self._in()}, not {number:g}")
        if number > self.most:
            raise UserError(f"must be at most {self.most:g}{self._in()}, not {number:g}")
        return number if self.whole else float(number)

    def converted(self, number: float, unit: str) -> float | None:
        """Return `number` of another unit in this one, or None when that is not of the same dimension."""
        scale = SCALES.get(self.dimension, {})
        if unit.lower() not in scale:
            return None
        return number * scale[unit.lower()] / scale[self.suffix]

    def _quantity(self, text: str) -> float:
        found = _QUANTITY.fullmatch(text)
        number = self.converted(float(found[1]), found[2]) if found else None
        if number is not None:
            return number
        other = dimension(found[2]) if found else ""
        if other and self.dimension:
            raise UserError(f"must be a {self.dimension}, and {text!r} is a {other}")
        choice = f', or a text such as "5 {self.suffix.replace("km_h", "km/h")}"' if self.dimension else ""
        raise UserError(f"must be a number{self._of()}{choice}, not {text!r}")

    def _of(self) -> str:
        return f" of {self.words}" if self.words else ""

    def _in(self) -> str:
        return f" (in {self.words})" if self.words else ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two figures of a unit, of which the second is not the smaller."""

    unit: Unit
    words: str

    def read(self, given: Any) -> tuple[float, float]:
        """Return both; raises as `Unit.read`."""
        if not isinstance(given, list) or len(given) != len(("least", "most")):
            raise UserError(f"must be two numbers in brackets ({self.words}), not {given!r}")
        least, most = (self.unit.read(one) for one in given)
        if least > most:
            raise UserError(f"must not fall ({self.words}): {least:g} is above {most:g}")
        return least, most


@dataclass(frozen=True, slots=True)
class Choice:
    """Yes or no."""

    words: str = "true or false"

    def read(self, given: Any) -> bool:
        """Return it; raises as `Unit.read`."""
        if not isinstance(given, bool):
            raise UserError(f"must be true or false, not {given!r}")
        return given


def dimension(unit: str) -> str:
    """Return what a unit measures; empty for an unknown one."""
    return next((name for name, scale in SCALES.items() if unit.lower() in scale), "")


_SHARE: Final = Unit("shares of 1", most=1.0)
Count = Annotated[int, Unit("", whole=True)]
Minor = Annotated[int, Unit("minor units of the currency (cents)", "minor", whole=True)]
Deviations = Annotated[float, Unit("standard deviations", "z", most=100.0)]
LogAmount = Annotated[float, Unit("ln(amount)", most=100.0)]
Times = Annotated[float, Unit("multiples", "times")]
Seconds = Annotated[float, Unit("seconds", "seconds", "time")]
Hours = Annotated[float, Unit("hours", "hours", "time")]
Span = Annotated[float, Unit("hours", "hours", "time", above_zero=True)]
Days = Annotated[float, Unit("days", "days", "time")]
HourOfDay = Annotated[float, Unit("hours after midnight", most=24.0)]
Km = Annotated[float, Unit("km", "km", "distance")]
KmPerHour = Annotated[float, Unit("km/h", "km_h", "speed")]
Share = Annotated[float, _SHARE]
AlertScore = Annotated[float, Unit("shares of 1", most=1.0, above_zero=True)]
YesNo = Annotated[bool, Choice()]
Scores = Annotated[tuple[float, float], Pair(_SHARE, "the score at the limit, and the highest")]

"""How careful fraudsters are: 0 is loud, 1 stays near the card's habit, and all else lies between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from numpy.random import Generator

MEDIUM: Final = 0.5


def between(loud: float, careful: float, difficulty: float) -> float:
    """Return the value at a difficulty: `loud` at 0, `careful` at 1, on the straight line between."""
    return loud + (careful - loud) * difficulty


@dataclass(frozen=True, slots=True)
class Knob:
    """A figure that depends on the difficulty."""

    loud: float
    careful: float

    def at(self, difficulty: float) -> float:
        """Return the figure."""
        return between(self.loud, self.careful, difficulty)

    def happens(self, rng: Generator, difficulty: float) -> bool:
        """Draw whether something happens of which this is the share."""
        return rng.random() < self.at(difficulty)


@dataclass(frozen=True, slots=True)
class Span:
    """A least and a most that depend on the difficulty; values between them are equally likely."""

    loud: tuple[float, float]
    careful: tuple[float, float]

    def at(self, difficulty: float) -> tuple[float, float]:
        """Return least and most."""
        (loud_least, loud_most), (careful_least, careful_most) = self.loud, self.careful
        return between(loud_least, careful_least, difficulty), between(loud_most, careful_most, difficulty)

    def draw(self, rng: Generator, difficulty: float) -> float:
        """Draw a value."""
        least, most = self.at(difficulty)
        return least + (most - least) * rng.random()

    def count(self, rng: Generator, difficulty: float) -> int:
        """Draw a whole number; least and most are rounded."""
        least, most = self.at(difficulty)
        return int(rng.integers(round(least), round(most) + 1))

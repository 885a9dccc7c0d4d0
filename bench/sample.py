"""What is found in a notification of a bench: what the analyzer says of a card that is drained across a border."""

from __future__ import annotations

from typing import Any, Final

SCORE: Final = 0.9325
FINDINGS: Final[list[dict[str, Any]]] = [
    {
        "rule": "impossible_travel",
        "reason": "the card was at two terminals too far apart for the time between",
        "evidence": "1389 km from PT to FR in 7 min is 11903 km/h, limit 900",
        "observed": 11903.178004181542,
        "threshold": 900.0,
        "score": 0.85,
    },
    {
        "rule": "velocity",
        "reason": "more purchases in a short time than a person makes",
        "evidence": "6 purchases in 478 s, limit 4",
        "observed": 6.0,
        "threshold": 4.0,
        "score": 0.5499999999999999,
    },
]
"""Strongest first; a test holds them to the rules in force."""

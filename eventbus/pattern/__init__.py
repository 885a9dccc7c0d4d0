"""Event patterns: compiled once per rule, matched against events. Pure.

Judged by the behaviour of the service's own matcher (`docs/decisions/0060-patterns-match-as-the-services-own.md`).
"""

from eventbus.pattern.errors import InvalidPatternError
from eventbus.pattern.event import Fields, parse_event
from eventbus.pattern.machine import Machine
from eventbus.pattern.matcher import Mismatch, Pattern, compile_pattern, why_not

__all__ = [
    "Fields",
    "InvalidPatternError",
    "Machine",
    "Mismatch",
    "Pattern",
    "compile_pattern",
    "parse_event",
    "why_not",
]

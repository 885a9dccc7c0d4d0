"""Detection rules in words: what each looks for, by which thresholds, and whether it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from analyzer.core.rules.base import Named
from analyzer.core.selection import shadowed, usable
from analyzer.core.tuning import Tuning, thresholds


def described(tuning: Tuning, without: Iterable[str], shadow: Iterable[str]) -> Iterator[str]:
    """Yield the lines that describe the rules of a file.

    Args:
        tuning: what the file says.
        without: fields that the data lacks.
        shadow: rules that run without alerting.

    Raises:
        UserError: a field or a rule has another name.
    """
    left = usable(tuning.running, without)
    hidden = shadowed(tuning.running, shadow)
    yield f"A transaction is flagged from a score of {tuning.alert.threshold:g} on."
    for rule in tuning.running:
        yield from _rule(rule, "shadow: it runs without alerting" if rule.name in hidden else "on", left.off)
    for rule in tuning.disabled:
        yield from _rule(rule, "off: enabled = false in the rules file", {})
    yield from ("", "sighting (what the terminal stage is told of)", f"    {_words(tuning.sighting)}")
    yield from _thresholds(tuning.sighting)


def _rule(rule: Named, state: str, off: dict[str, str]) -> Iterator[str]:
    reason = off.get(rule.name)
    yield ""
    yield f"{rule.name} ({f'off: {reason}' if reason else state})"
    yield f"    {_words(rule)}"
    if rule.needs:
        yield f"    needs {', '.join(sorted(rule.needs))}"
    yield from _thresholds(rule)


def _words(rule: object) -> str:
    return " ".join((type(rule).__doc__ or "").split())


def _thresholds(rule: object) -> Iterator[str]:
    for name, value, unit in thresholds(rule):
        yield f"    {name} = {_shown(value)}  ({unit or 'count'})"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(f'{one:g}' for one in value)}]" if isinstance(value, tuple) else f"{value:g}"

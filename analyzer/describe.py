"""Detection rules in words: what each looks for, by which thresholds, and whether it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzer.core.rules.base import Rule
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
    left = usable(tuning.rules, without)
    hidden = shadowed(tuning.rules, shadow)
    yield f"A transaction is flagged from a score of {tuning.alert.threshold:g} on."
    for rule in tuning.rules:
        yield from _rule(rule, "shadow: it runs without alerting" if rule.name in hidden else "on", left.off)
    for rule in tuning.disabled:
        yield from _rule(rule, "off: enabled = false in the rules file", {})


def _rule(rule: Rule, state: str, off: dict[str, str]) -> Iterator[str]:
    reason = off.get(rule.name)
    yield ""
    yield f"{rule.name} ({f'off: {reason}' if reason else state})"
    yield f"    {' '.join((type(rule).__doc__ or '').split())}"
    if rule.needs:
        yield f"    needs {', '.join(sorted(rule.needs))}"
    for name, value, unit in thresholds(rule):
        shown = f"[{', '.join(f'{one:g}' for one in value)}]" if isinstance(value, tuple) else f"{value:g}"
        yield f"    {name} = {shown}  ({unit or 'count'})"

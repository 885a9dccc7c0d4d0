"""The rules file: read, and said in one line what is wrong with it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from analyzer.core.chain import Judges
from analyzer.core.detect import Judge
from analyzer.core.model import SECOND_MS
from analyzer.core.selection import shadowed, usable
from analyzer.core.terminal import TerminalJudge
from analyzer.core.tuning import Alert, Tuning, tuned
from analyzer.settings import AnalyzerSettings
from schemas.errors import UserError

PACKAGED: Final = Path(__file__).with_name("rules.toml")
"""The thresholds that the package comes with."""


def read(file: Path = PACKAGED) -> Tuning:
    """Return what a rules file says.

    Raises:
        UserError: it can't be read, is not valid TOML, or a table or threshold in it is wrong.
    """
    try:
        tables = tomllib.loads(file.read_bytes().decode())
    except OSError as error:
        raise UserError(f"{file} can't be read: {error.strerror}. Is ANALYZER_RULES_FILE or --file right?") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file} is not valid TOML: {error}. Correct that line.") from None
    try:
        return tuned(tables)
    except UserError as error:
        raise UserError(f"{file}, {error}") from None


def read_for(settings: AnalyzerSettings) -> Tuning:
    """Return what the rules file of the settings says, with the alert threshold of the settings if they name one.

    Raises:
        UserError: as `read`.
    """
    found = read(Path(settings.rules_file) if settings.rules_file else PACKAGED)
    return found if settings.alert_threshold is None else replace(found, alert=Alert(settings.alert_threshold))


def judges(settings: AnalyzerSettings, missing: Iterable[str] = ()) -> Judges:
    """Return the judges of both stages that the settings ask for, less what needs fields that are `missing`.

    Raises:
        UserError: the rules file is wrong, no rule knows a field, or a rule for the shadow isn't among those that run.
    """
    tuning = read_for(settings)
    off = usable(tuning.running, missing).off
    shadow = shadowed(tuning.running, names(settings.shadow))
    surge = None if tuning.terminal is None or tuning.terminal.name in off else tuning.terminal
    threshold = tuning.alert.threshold
    cards = Judge(
        rules=tuple(rule for rule in tuning.rules if rule.name not in off),
        alert_threshold=threshold,
        allowed_lateness_ms=settings.allowed_lateness_s * SECOND_MS,
        shadow=shadow,
    )
    if surge is None:
        return Judges(cards, sight=None, terminals=None)
    return Judges(cards, tuning.sighting, TerminalJudge(surge, threshold, shadow=surge.name in shadow))


def off(settings: AnalyzerSettings, missing: Iterable[str]) -> dict[str, str]:
    """Return which rules are off on data without the fields `missing`, and why; raises as `judges`."""
    return usable(read_for(settings).running, missing).off


def names(listed: str) -> tuple[str, ...]:
    """Return the names in a text such as `a,b`."""
    return tuple(name.strip() for name in listed.split(",") if name.strip())

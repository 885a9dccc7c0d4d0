"""By which detection rules an offline run judges: those of the analyzer's own settings, less what the data lacks."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer import thresholds
from analyzer.core.chain import Judges
from analyzer.settings import AnalyzerSettings
from schemas.settings import load


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen; a value, so that each process can make its judge of it."""

    analyzer: AnalyzerSettings
    missing: frozenset[str] = frozenset()
    """Fields that the data lacks, by the names of `analyzer.core.rules.base.FIELDS`."""

    @property
    def shadow(self) -> tuple[str, ...]:
        """Names of the rules on trial."""
        return thresholds.names(self.analyzer.shadow)

    def judges(self) -> Judges:
        """Return the judges of both stages.

        Raises:
            UserError: the rules file is wrong, or there is no such rule.
        """
        return thresholds.judges(self.analyzer, self.missing)

    def off(self) -> dict[str, str]:
        """Return why rules are off, by their names; raises as `judges`."""
        return thresholds.off(self.analyzer, self.missing)


def choice(rules_file: str | None, shadow: tuple[str, ...], alert_threshold: str | None) -> Choice:
    """Return what options choose, and where they say nothing the variables ANALYZER_*.

    Raises:
        UserError: an option or variable is malformed.
    """
    given = {"rules_file": rules_file, "shadow": ",".join(shadow) or None, "alert_threshold": alert_threshold}
    return Choice(load(AnalyzerSettings, **{name: value for name, value in given.items() if value is not None}))

"""By which detection rules an offline run judges."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.core.detect import Judge


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen on the command line; a value, so that each process can make its judge of it."""

    alert_threshold: float = 0.5
    shadow: tuple[str, ...] = ()

    def judge(self) -> Judge:
        """Return the judge."""
        return Judge(alert_threshold=self.alert_threshold)

    def off(self) -> dict[str, str]:
        """Return why rules are off, by their names."""
        return {}

"""The thresholds of a run and the schemas, written down for each engine: TOML for ours, JSON for the others."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from analyzer.core.detect import Judge
from analyzer.core.model import SECOND_MS
from analyzer.core.tuning import tuned
from analyzer.settings import AnalyzerSettings
from analyzer.thresholds import PACKAGED
from analyzer.wire import NOTIFICATION_IDS
from schemas.codec import definition
from schemas.topics import NOTIFICATIONS, TRANSACTIONS

RULES: Final = ("velocity", "amount_outlier", "impossible_travel")
SCHEMAS: Final = {TRANSACTIONS: "transaction", NOTIFICATIONS: "notification"}
ALERT: Final = 0.5
_SCORES: Final = [0.5, 0.95]
"""A finding alone is enough."""
_VELOCITY: Final = {"limit_10_minutes": 4, "limit_hour": 6, "limit_hour_above_habit": 4, "above_habit_z": 0.75}


@dataclass(frozen=True, slots=True)
class Work:
    """The rules of a run: how much is flagged is decided by one limit."""

    name: str
    limit_z: float
    """Of amount_outlier, in standard deviations of ln(amount + 1)."""

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return the tables of a rules file in which three rules run, and the terminal stage doesn't."""
        tables = tomllib.loads(PACKAGED.read_text())
        for name, table in tables.items():
            if name not in ("alert", "sighting"):
                table["enabled"] = name in RULES
        tables["alert"]["threshold"] = ALERT
        tables["velocity"] |= {**_VELOCITY, "scores": _SCORES, "scores_above_habit": _SCORES}
        tables["amount_outlier"] |= {"limit_z": self.limit_z, "least_amount_minor": 0, "scores": _SCORES}
        tables["impossible_travel"] |= {"scores": _SCORES}
        return tables

    def judge(self) -> Judge:
        """Return the scalar judge: the definition of every verdict."""
        lateness_ms = AnalyzerSettings.model_fields["allowed_lateness_s"].default * SECOND_MS
        return Judge(tuned(self.tables()).rules, ALERT, lateness_ms)


ONE_PERCENT: Final = Work("1 %", 3.2)
FIVE_PERCENT: Final = Work("5 %", 1.8)
WORKS: Final = (ONE_PERCENT, FIVE_PERCENT)


def as_toml(work: Work) -> str:
    """Return the rules file for ours."""
    tables = work.tables()
    return "\n".join(
        "\n".join((f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""))
        for name, table in tables.items()
    )


def as_json(work: Work, versions: Mapping[str, UUID]) -> str:
    """Return the file for the others.

    `schemas` holds by topic (`transactions`, `notifications`) the version id of the Glue framing and the definition;
    the rules hold their thresholds by the names of `analyzer/rules.toml`.

    Args:
        work: the thresholds.
        versions: by topic, the id under which its schema is registered.
    """
    judge, tables = work.judge(), work.tables()
    told = {
        "schemas": {
            topic: {"id": str(versions[topic]), "definition": json.loads(definition(schema))}
            for topic, schema in SCHEMAS.items()
        },
        "notification_ids": str(NOTIFICATION_IDS),
        "alert_threshold": judge.alert_threshold,
        "allowed_lateness_ms": judge.allowed_lateness_ms,
        "max_recent": judge.max_recent,
        **{name: {key: value for key, value in tables[name].items() if key != "enabled"} for name in RULES},
    }
    return json.dumps(told, indent=1)

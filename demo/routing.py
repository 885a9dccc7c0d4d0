"""Routing rules as files: infra/eventbridge/*.json, one a subscriber, read here and by the cloud stack alike.

description   what the rule is for
bus           the event bus it listens on
rule          its name
pattern       the EventBridge event pattern
targets       where events go: [{"id": ..., "logGroup": "/aws/events/..."}]
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schemas.errors import UserError

FOLDER: Final = Path(__file__).parents[1] / "infra" / "eventbridge"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(_Strict):
    """Where matching events go."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    logGroup: str = Field(pattern=r"^/aws/events/[A-Za-z0-9_./#-]+$")  # noqa: N815 - the file's name for it


class RoutingRule(_Strict):
    """One file."""

    description: str = Field(min_length=1, max_length=512)
    bus: str = Field(pattern=r"^[A-Za-z0-9_./-]{1,256}$")
    rule: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    pattern: dict[str, Any] = Field(min_length=1)
    targets: list[Target] = Field(min_length=1, max_length=5)

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, pattern: dict[str, Any]) -> dict[str, Any]:
        _check(pattern, "pattern")
        return pattern


def parse(text: str, name: str) -> RoutingRule:
    """Return the rule in the file `name`.

    Raises:
        UserError: not JSON, or not a rule; the message names file and field.
    """
    try:
        rule = RoutingRule.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise UserError(f"{name} is not valid JSON: {error}") from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'the file'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise UserError(f"{name}: {problems}") from None
    return rule


def load(folder: Path = FOLDER) -> list[RoutingRule]:
    """Return the rules of a folder, by file name.

    Raises:
        UserError: there is none, one is wrong, or two have the same name on the same bus.
    """
    rules = [parse(file.read_text(), f"infra/eventbridge/{file.name}") for file in sorted(folder.glob("*.json"))]
    if not rules:
        raise UserError(f"no routing rule in {folder}: add one, or restore suspicious-activity.json")
    for (bus, name), count in Counter((rule.bus, rule.rule) for rule in rules).items():
        if count > 1:
            raise UserError(f"infra/eventbridge: {count} files call their rule {name!r} on bus {bus!r}: rename one")
    return rules


def _check(pattern: dict[str, Any], path: str) -> None:
    """Refuse what EventBridge refuses (InvalidEventPatternException) and a local stand-in may take."""
    for key, value in pattern.items():
        if isinstance(value, dict) and value:
            _check(value, f"{path}.{key}")
        elif not isinstance(value, list) or not value:
            raise ValueError(f"{path}.{key} must be an object or a non-empty array")

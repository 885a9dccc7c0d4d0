"""Writes docs/settings.md from the settings classes: `make docs`. A test holds the page equal to them."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo

from analyzer.settings import AnalyzerSettings
from demo.webhook import WebhookSettings
from eventbus.settings import EventBusSettings
from notifier.settings import NotifierSettings
from producer.files.settings import FileSettings
from producer.settings import ProducerSettings
from schemas.settings import KafkaSettings, LogSettings, RegistrySettings, Settings
from score.live.settings import ScoreSettings
from score.offline.settings import OfflineSettings

PAGE: Final = Path(__file__).parents[2] / "docs" / "settings.md"
SECTIONS: Final[tuple[tuple[str, type[Settings]], ...]] = (
    ("Kafka, for every service", KafkaSettings),
    ("Schema registry, for every service", RegistrySettings),
    ("Logs, for every service", LogSettings),
    ("Producer", ProducerSettings),
    ("Transactions from files", FileSettings),
    ("Analyzer", AnalyzerSettings),
    ("Notifier", NotifierSettings),
    ("Event bus", EventBusSettings),
    ("Score, live", ScoreSettings),
    ("Score, offline", OfflineSettings),
    ("Webhook of the demo", WebhookSettings),
)
HEAD: Final = """# Settings

Every setting is an environment variable. A missing or malformed one ends the program at start with a line that names
it. AWS clients read the standard variables by themselves: `AWS_DEFAULT_REGION`, `AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY` (or the task's role), and `AWS_ENDPOINT_URL` or `AWS_ENDPOINT_URL_EVENTBRIDGE` for stand-ins.

This page is made from the code by `make docs`.
"""


def page() -> str:
    """Return the page as Markdown."""
    return HEAD + "".join(section(title, settings) for title, settings in SECTIONS)


def section(title: str, settings: type[Settings]) -> str:
    rows = [row(settings, name, field) for name, field in settings.model_fields.items()]
    return "\n".join([f"\n## {title}\n", "| variable | default | meaning |", "|---|---|---|", *rows, ""])


def row(settings: type[Settings], name: str, field: FieldInfo) -> str:
    meaning = re.sub(r"\s+", " ", field.description or "").replace("|", "\\|").replace("`", "")
    return f"| `{variable(settings, name, field)}` | {default(field)} | {meaning} |"


def variable(settings: type[Settings], name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    return str(alias or settings.model_config.get("env_prefix", "") + name).upper()


def default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if field.is_required():
        return "(required)"
    if value is None or value == "":
        return "(empty)"
    if isinstance(value, datetime):
        value = f"{value:%Y-%m-%d}"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(page())

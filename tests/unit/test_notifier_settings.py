"""No value of a setting gets as far as librdkafka or a wait that it would bring down."""

from __future__ import annotations

from typing import Any

import pytest

from notifier.kafka import consumer
from notifier.settings import NotifierSettings
from schemas.errors import UserError
from schemas.settings import KafkaSettings, load

DURATIONS = [name for name in NotifierSettings.model_fields if name.endswith("_s")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GROUP", ""),
        ("TOPIC", ""),
        ("TOPIC", "^notif.*"),
        ("TOPIC", "x" * 246),
        ("SESSION_TIMEOUT_S", "5.9"),
        ("SESSION_TIMEOUT_S", "301"),
        *((name.upper(), value) for name in DURATIONS for value in ("nan", "inf", "1e300", "-1")),
    ],
)
def test_a_value_that_would_bring_it_down_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"NOTIFIER_{name}", value)
    with pytest.raises(UserError, match=f"^NOTIFIER_{name} is "):
        load(NotifierSettings)


@pytest.mark.parametrize("given", [{"session_timeout_s": 6}, {"session_timeout_s": 300}, {"group": "g", "topic": "t"}])
def test_librdkafka_takes_what_the_settings_let_through(given: dict[str, Any]) -> None:
    consumer(KafkaSettings(bootstrap_servers="127.0.0.1:1"), NotifierSettings(**given)).close()


@pytest.mark.parametrize("value", ["nan", "inf", "0"])
def test_the_wait_for_the_broker_is_finite(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("KAFKA_CONNECT_TIMEOUT_S", value)
    with pytest.raises(UserError, match=r"^KAFKA_CONNECT_TIMEOUT_S is "):
        load(KafkaSettings)

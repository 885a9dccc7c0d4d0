"""topics.toml, settings, dead letters and operations pages: the small parts of the contract."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from schemas import topics
from schemas.dead_letter import Origin, dead_letter_topic, error_headers, origin, original_headers, reason
from schemas.errors import BadRecordError, UnavailableError, UserError, one_line_errors
from schemas.ops import serve_ops
from schemas.registry import FakeRegistry, fingerprint
from schemas.settings import KafkaSettings, RegistrySettings, load


def test_the_topics_file_lists_the_contract() -> None:
    found = topics.load()
    assert {name: (topic.partitions, topic.schema) for name, topic in found.items()} == {
        "transactions": (12, "transaction"),
        "labels": (12, "label"),
        "oracle": (12, "label"),
        "notifications": (12, "notification"),
        "shadow": (12, "notification"),
        "sightings": (12, "sighting"),
        "transactions.dlq": (1, None),
        "sightings.dlq": (1, None),
        "notifications.dlq": (1, None),
        "analyzer-cards-changelog": (12, "card_state"),
        "analyzer-terminals-changelog": (12, "terminal_state"),
    }
    assert found["labels"].readers == ("score",), "the analyzer must never see the truth"


def test_a_tables_changelog_has_as_many_partitions_as_its_source() -> None:
    found = topics.load()
    assert found[topics.CARDS_CHANGELOG].partitions == found[topics.TRANSACTIONS].partitions
    assert found[topics.TERMINALS_CHANGELOG].partitions == found[topics.SIGHTINGS].partitions


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[a", "not valid TOML"),
        ("[a]\npartitions = 1", "topic 'a'"),
        ('[a]\npartitions = 0\nkey = "k"\nwriters = []\nreaders = []', "at least 1"),
        ('[a]\npartitions = 1\nkey = "k"\nwriters = []\nreaders = []\ncolour = 1', "colour"),
    ],
)
def test_a_broken_topics_file_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "topics.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=complaint):
        topics.load(file)


def test_a_malformed_setting_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "no port here")
    with pytest.raises(UserError, match="KAFKA_BOOTSTRAP_SERVERS is 'no port here'"):
        load(KafkaSettings)


def test_settings_reach_librdkafka_under_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "BOOTSTRAP_SERVERS": "a:1,b:2",
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SASL_MECHANISM": "SCRAM-SHA-512",
        "SASL_USERNAME": "u",
        "SASL_PASSWORD": "p",
        "SSL_CA_LOCATION": "/ca.pem",
    }.items():
        monkeypatch.setenv(f"KAFKA_{name}", value)
    settings = load(KafkaSettings)
    assert settings.librdkafka() == {
        "bootstrap.servers": "a:1,b:2",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "u",
        "sasl.password": "p",
        "ssl.ca.location": "/ca.pem",
    }
    assert "p'" not in repr(settings), "a password must not be shown"


def test_every_setting_is_documented() -> None:
    for settings in (KafkaSettings, RegistrySettings):
        for name, field in settings.model_fields.items():
            assert field.description, f"{settings.__name__}.{name} has no docstring"


def test_a_dead_letter_says_where_it_came_from_and_why() -> None:
    headers = error_headers([("trace", b"1")], Origin("transactions", 3, 42), "analyzer", BadRecordError("too short"))
    assert headers[0] == ("trace", b"1")
    assert origin(headers) == Origin("transactions", 3, 42)
    assert reason(headers) == "too short"
    assert original_headers(headers) == [("trace", b"1")]
    assert ("__connect.errors.connector.name", b"analyzer") in headers


def test_a_second_failure_replaces_the_context_of_the_first() -> None:
    first = error_headers([], Origin("a", 0, 1), "analyzer", BadRecordError("one"))
    second = error_headers(first, Origin("a", 0, 2), "notifier", BadRecordError("two"))
    assert len(second) == len(first)
    assert (origin(second), reason(second)) == (Origin("a", 0, 2), "two")


def test_headers_without_context_have_no_origin() -> None:
    assert origin([("x", b"y")]) is None
    assert origin([("__connect.errors.topic", b"t"), ("__connect.errors.partition", b"x")]) is None
    assert not reason([])


def test_the_dead_letter_topics_are_in_the_contract() -> None:
    found = topics.load()
    assert dead_letter_topic(topics.TRANSACTIONS) in found
    assert dead_letter_topic(topics.NOTIFICATIONS) in found
    assert dead_letter_topic(topics.SIGHTINGS) in found


@pytest.mark.parametrize(("error", "code"), [(UserError("do this"), 2), (UnavailableError("away"), 1)])
def test_an_error_with_a_remedy_ends_in_one_line(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, one_line_errors():
        raise error
    assert ended.value.code == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_health_and_metrics_are_answered_until_the_end() -> None:
    problem: str | None = None
    with serve_ops("127.0.0.1", 0, lambda: problem) as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            assert json.load(answer) == {"status": "ok"}
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"# TYPE" in answer.read()
        problem = "no partitions yet"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health")
        assert refused.value.code == 503
        assert json.load(refused.value)["reason"] == problem


def test_a_taken_port_is_named_with_the_setting_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"127.0.0.1:{port}.*OPS_PORT"), serve_ops("127.0.0.1", port, lambda: None):
            pass


def test_a_schemas_fingerprint_is_a_function_of_its_text() -> None:
    assert fingerprint("a") == fingerprint("a") != fingerprint("b")
    assert 0 <= fingerprint("a") < 2**32
    registry = FakeRegistry()
    assert registry.register("t", "a") == registry.register("t", "a") != registry.register("t", "b")

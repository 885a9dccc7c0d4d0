"""Wrong Kafka settings end in one line that names them, and don't wait for a broker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError

from notifier.dead_letter import Outbox
from producer.publish import kafka_client
from schemas import topics
from schemas.errors import UserError
from schemas.kafka import Refusals
from schemas.settings import KafkaSettings, load

NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "KAFKA_SASL_USERNAME is ''"),
        ({"USERNAME": "u"}, "KAFKA_SASL_PASSWORD is "),
        ({"PASSWORD": "hidden"}, "KAFKA_SASL_USERNAME is ''"),
    ],
)
def test_a_log_in_without_user_or_password_is_named(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str
) -> None:
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    for name, value in given.items():
        monkeypatch.setenv(f"KAFKA_SASL_{name}", value)
    with pytest.raises(UserError) as raised:
        load(KafkaSettings)
    assert str(raised.value).startswith(named)
    assert "SASL_SSL needs it" in str(raised.value)
    assert "hidden" not in str(raised.value)


def test_a_certificate_file_that_is_not_there_is_named_by_every_client() -> None:
    kafka = KafkaSettings(bootstrap_servers=NOWHERE, security_protocol="SSL", ssl_ca_location="/not/there")
    open_producer = kafka_client(kafka, queue_messages=1, message_timeout_s=1)
    for make in (
        lambda: topics.admin(kafka),
        lambda: Outbox(kafka),
        lambda: open_producer(lambda _: None, lambda _error, _message: None),
    ):
        with pytest.raises(UserError, match=r"can't be set up: .*ssl\.ca\.location.*KAFKA_\*"):
            make()


@pytest.fixture
def plain_listener() -> Iterator[int]:
    """A server that doesn't speak TLS: it answers whatever comes with a line of text."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)  # all of it: closing over unread bytes would reset the connection
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_broker_that_does_not_speak_tls_is_a_wrong_setting_not_one_that_is_away(plain_listener: int) -> None:
    kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:{plain_listener}", security_protocol="SSL")
    with pytest.raises(UserError, match=r"can't be used with these settings: .*SSL.*KAFKA_SECURITY_PROTOCOL"):
        topics.wait_for_broker(kafka)


def test_a_refused_password_is_remembered_and_a_broker_that_is_away_is_not() -> None:
    refusals = Refusals()
    refusals(KafkaError(KafkaError._TRANSPORT, "connection refused"))
    refusals.check()
    refusals(KafkaError(KafkaError._AUTHENTICATION, "SASL authentication error: wrong password"))
    refusals(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    with pytest.raises(UserError, match="wrong password; check KAFKA_SECURITY_PROTOCOL"):
        refusals.check()

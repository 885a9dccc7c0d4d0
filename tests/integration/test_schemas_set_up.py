"""Topics and schemas on a real broker and a local AWS."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import ConfigResource, ResourceType

from schemas import topics
from schemas.codec import Decoder, definition
from schemas.errors import UnavailableError, UserError
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, RegistrySettings
from tests.harness import wait_until

if TYPE_CHECKING:
    from tests.harness import Stack

pytestmark = pytest.mark.integration


def test_creating_the_topics_again_changes_nothing(stack: Stack) -> None:
    assert {change.action for change in topics.create(stack.kafka, topics.load())} == {"kept"}


def test_topics_never_shrink_and_say_so(stack: Stack) -> None:
    changes = topics.create(stack.kafka, topics.load(), partitions=6)
    mismatched = {change.topic: change.detail for change in changes if change.action == "mismatch"}
    assert set(mismatched) == {name for name, topic in topics.load().items() if topic.partitions > 1}
    assert "has 12 partitions, topics.toml says 6" in mismatched["transactions"]
    assert topics.require(stack.kafka, "transactions") == {"transactions": 12}


def test_a_keyed_topic_is_not_grown_because_its_keys_would_move(stack: Stack) -> None:
    change = topics.create(stack.kafka, {"labels": replace(topics.load()["labels"], partitions=24)})[0]
    assert (change.action, topics.require(stack.kafka, "labels")) == ("mismatch", {"labels": 12})
    assert "send a key elsewhere" in change.detail


def test_the_command_reports_each_topic_and_warns_of_a_mismatch(stack: Stack) -> None:
    again = stack.start("schemas", "topics", "--partitions", "6")
    assert again.wait(30) == 0
    assert "warning: transactions: mismatch" in again.log


@pytest.mark.apache
def test_each_topic_has_the_settings_that_the_contract_gives_it(stack: Stack) -> None:
    client = topics.admin(stack.kafka)
    told = client.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in topics.load()])
    found = {resource.name: answer.result(30) for resource, answer in told.items()}
    for topic in topics.load().values():
        assert {name: found[topic.name][name].value for name in topic.config} == topic.config


@pytest.mark.apache
def test_older_states_go_while_newer_ones_are_written(stack: Stack) -> None:
    # Segments are Kafka's smallest here, so that a few megabytes fill some.
    config = {**topics.load()[topics.CARDS_CHANGELOG].config, "segment.bytes": str(1 << 20)}
    changelog = replace(topics.load()[topics.CARDS_CHANGELOG], name="small", partitions=1, config=config)
    topics.create(stack.kafka, {"small": changelog}, replication=1)
    producer = Producer(stack.kafka.librdkafka())
    for generation in range(20):
        for card in range(500):
            producer.produce("small", generation.to_bytes(400, "big"), f"card_{card}")
        assert producer.flush(30) == 0

    def newest() -> list[int]:
        states = {bytes(m.key() or b""): m.value() or b"" for m in found}
        return [int.from_bytes(state, "big") for state in states.values()]

    found = stack.records("small")
    assert newest() == [19] * 500

    def compacted() -> bool:
        found[:] = stack.records("small")
        return len(found) < 5_000

    wait_until(compacted, what="fewer records than half of those written")
    assert newest() == [19] * 500


def test_a_missing_topic_is_named_with_the_command_that_makes_it(stack: Stack) -> None:
    with pytest.raises(UserError, match=r"topic nonsense does not exist: run `python -m schemas topics`"):
        topics.require(stack.kafka, "transactions", "nonsense")


def test_a_broker_that_is_away_is_named_with_its_setting() -> None:
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:1", connect_timeout_s=0.2)
    with pytest.raises(UnavailableError, match=r"127.0.0.1:1 .*KAFKA_BOOTSTRAP_SERVERS"):
        topics.wait_for_broker(kafka)


def test_registering_the_schemas_again_keeps_their_ids(stack: Stack) -> None:
    before = stack.registry.version_id("transactions", definition("transaction"))
    assert stack.registry.register("transactions", definition("transaction")) == before


def test_a_schema_has_the_same_id_after_the_local_aws_lost_everything(stack: Stack) -> None:
    wanted = {
        topic.name: stack.registry.version_id(topic.name, definition(topic.schema))
        for topic in topics.load().values()
        if topic.schema
    }
    assert len(set(wanted.values())) == len({topic.schema for topic in topics.load().values() if topic.schema})
    stack.aws.reset()
    with pytest.raises(UserError, match="run `python -m schemas register`"):
        stack.registry.version_id("transactions", definition("transaction"))
    again = stack.start("schemas", "register", "--moto-url", stack.aws.url)
    assert again.wait(30) == 0
    for name, version_id in wanted.items():
        schema = topics.load()[name].schema
        assert schema
        assert stack.registry.version_id(name, definition(schema)) == version_id
        assert stack.registry.definition(version_id) == definition(schema)


def test_a_record_of_another_registered_version_is_read(stack: Stack) -> None:
    newer = definition("label").replace(
        '"fields":[', '"fields":[{"name":"note","type":["null","string"],"default":null},'
    )
    version_id = stack.registry.register("labels", newer)
    assert version_id != stack.registry.version_id("labels", definition("label"))
    assert Decoder(stack.registry)._fetch(version_id)["fields"][0]["name"] == "note"


def test_a_registry_that_is_away_is_not_mistaken_for_an_unknown_schema(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**stack.env, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnavailableError, match="can't be reached"):
        GlueRegistry.connect(RegistrySettings()).version_id("transactions", definition("transaction"))

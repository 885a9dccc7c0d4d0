"""What must be there before a worker joins its group; what isn't is said in one line."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.stage import Stage
from schemas import topics
from schemas.codec import Encoder
from schemas.errors import UserError
from schemas.registry import Registry
from schemas.settings import KafkaSettings


def check(kafka: KafkaSettings, registry: Registry, stage: Stage) -> Mapping[str, Encoder]:
    """Return what a stage stands on: an encoder for each topic that it writes records of its own to, by topic.

    Raises:
        UserError: a topic or a schema is missing, or partitions don't match.
        UnavailableError: the broker or the registry is away.
    """
    written = (*stage.tells, stage.changelog)
    found = topics.require(kafka, stage.source, *written, stage.dead_letters)
    if found[stage.source] != found[stage.changelog]:
        raise UserError(
            f"topic {stage.source} has {found[stage.source]} partitions and {stage.changelog} has"
            f" {found[stage.changelog]}, but a {stage.subject}'s state must stand beside its {stage.source}: delete"
            f" {stage.changelog} and make it again with as many"
        )
    schemas = {name: topic.schema for name, topic in topics.load().items() if topic.schema}
    return {topic: Encoder.registered(schemas[topic], topic, registry) for topic in written}

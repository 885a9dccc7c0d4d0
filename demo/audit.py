"""The ledger of a suite that runs elsewhere (in containers, on AWS): where is in KAFKA_*, REGISTRY_* and AWS_*."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Final, Protocol

from confluent_kafka import KafkaException

from demo import at_rest, ledger
from demo.arrivals import Look
from demo.collect import WORK, Collector
from demo.ledger import Line
from demo.targets import Watch
from demo.webhook import Received, WebhookSettings
from eventbus import subscribers
from schemas import topics
from schemas.codec import Decoder
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, RegistrySettings, load

STILL_S: Final = 2.0
"""Between two looks at a suite; when the second finds nothing new, it is at rest."""


class Suite(Protocol):
    """What is looked at to know whether a suite is at rest; `Collector` is one."""

    records: Counter[tuple[str, int]]

    @property
    def all_delivered(self) -> bool:
        """Whether each notification has its event, or is dead-lettered."""

    def catch_up(self) -> object:
        """Read everything that is there by now."""

    def lag(self, group: str, topic: str) -> int:
        """Return how many records of `topic` the group has not yet committed."""


def audit(wait_s: float, say: Callable[[str], None]) -> tuple[Line, ...]:
    """Wait until the suite is at rest, `wait_s` seconds at most, and return its ledger.

    The webhook counts when CARDWATCH_WEBHOOK_URL says where it is. Queues hold afterwards what they held before.

    Raises:
        UserError: its topics are missing, or the credentials are wrong.
        UnavailableError: the broker, the registry or a target can't be reached.
    """
    kafka = load(KafkaSettings)
    topics.require(kafka, *topics.load())
    decoder = Decoder(GlueRegistry.connect(load(RegistrySettings)), logical_types=False)
    found = subscribers.load(subscribers.FOLDER, os.environ)
    watch = Watch(_webhook(), keep=True)
    with closing(watch), closing(Collector(kafka, decoder, watch.targets(found))) as suite:
        if not comes_to_rest(suite, wait_s):
            say(f"The suite is still at work after {wait_s:g} s: does its producer run? Counting what is there.")
        return ledger.lines(at_rest.observed(suite, kafka, decoder))


def _webhook() -> Look | None:
    settings = load(WebhookSettings)
    return Received(settings.url, settings.key.get_secret_value()).new if settings.url else None


def _committed(suite: Suite) -> bool:
    try:
        return all(suite.lag(group, topic) == 0 for group, topic in WORK)
    except KafkaException:
        return False  # the group's coordinator may just be moving: asked again, until the time is over


def comes_to_rest(suite: Suite, wait_s: float, still_s: float = STILL_S) -> bool:
    """Return whether, within `wait_s` seconds, all was read and delivered and nothing new came for `still_s`."""
    deadline = time.monotonic() + wait_s
    while True:
        suite.catch_up()
        before, committed = suite.records.total(), _committed(suite)
        time.sleep(still_s)
        suite.catch_up()  # whoever was done before has nothing more to write: it would be seen now
        if committed and suite.all_delivered and suite.records.total() == before:
            return True
        if time.monotonic() > deadline:
            return False

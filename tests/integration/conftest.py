"""What services run on. CARDWATCH_TEST_BROKER=embedded|apache.

`stack`: broker and local AWS, ready for services. `bus`: the event bus of it, with its subscribers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.event_bus import EventBus
from demo.local_aws import LocalAws
from tests.harness import Stack, running_stack


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    server = LocalAws(tmp_path_factory.mktemp("local-aws"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def stack(local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    with running_stack(local_aws, tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture
def bus(stack: Stack) -> EventBus:
    stack.bus.start()
    return stack.bus

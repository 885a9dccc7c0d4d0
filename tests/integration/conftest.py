"""The fixture `stack`: broker, event bus and local AWS, ready for services. CARDWATCH_TEST_BROKER=embedded|apache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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

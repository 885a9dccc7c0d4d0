"""Apache Kafka on this machine from its own jars: one node, KRaft, no container."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Final

from demo.broker import APACHE, LocalBroker
from demo.process import HOST, Child, free_port
from schemas.errors import UnavailableError, UserError

_ROOT: Final = Path(__file__).parents[1]
_POM: Final = _ROOT / "infra" / "kafka" / "pom.xml"
_JVM: Final = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_FETCH_TIMEOUT_S: Final = 600
_FORMAT_TIMEOUT_S: Final = 240

_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=4
"""


class ApacheKafka(LocalBroker):
    """One broker that is its own controller; its data survives a kill, and goes with `stop`."""

    def __init__(self, folder: Path, jars: Path) -> None:
        """Keep the log under `folder`, the data beside it, and run the classes in `jars`."""
        super().__init__(APACHE, folder)
        self._classpath = f"{jars}/*"
        self._data = folder / "data"

    def stop(self) -> None:
        """End it and delete its data."""
        super().stop()
        shutil.rmtree(self._data, ignore_errors=True)

    def _launch(self, log: Path) -> Child:
        if not self._data.exists():
            self._format()
        return Child("broker", [*self._java(), "kafka.Kafka", str(self._properties)], env=dict(os.environ), log=log)

    def _format(self) -> None:
        text = _PROPERTIES.format(host=HOST, port=self.port, controller_port=free_port(), data=self._data)
        self._properties.write_text(text)
        argv = [*self._java(), "kafka.tools.StorageTool", "format", "-t", uuid.uuid4().hex[:22], "-c"]
        done = subprocess.run(  # noqa: S603 - java with this project's arguments
            [*argv, str(self._properties)], capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False
        )
        if done.returncode:
            raise UnavailableError(f"Kafka can't format {self._data}: {(done.stderr or done.stdout).strip()}")

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self) -> list[str]:
        return [_tool("java"), *_JVM, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", self._classpath]


def version() -> str:
    """Return the version of Apache Kafka that infra/kafka/pom.xml names."""
    found = ET.parse(_POM).findtext(".//{*}kafka.version")  # noqa: S314 - a file of this project
    if found is None:
        raise UserError(f"{_POM} has no <kafka.version>")
    return found


def jars(*, say: Callable[[str], None] = lambda _: None) -> Path:
    """Return the folder with Kafka's jars; the first time Maven fetches them.

    Raises:
        UserError: java or mvn is missing, or Maven fails.
    """
    _tool("java")
    folder = _ROOT / ".cardwatch" / f"kafka-{version()}"
    if folder.exists():
        return folder
    say(f"Fetching Apache Kafka {version()} with Maven (once, about 100 MB) ...")
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        _copy_dependencies(Path(made) / "jars")
        try:
            (Path(made) / "jars").rename(folder)  # whole or not at all, also with two at once
        except OSError:
            if not folder.exists():
                raise
    return folder


def _copy_dependencies(folder: Path) -> None:
    argv = [_tool("mvn"), "-B", "-q", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(  # noqa: S603 - mvn with this project's arguments
            argv, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"Maven has not fetched Kafka within {_FETCH_TIMEOUT_S} s: is the network there?") from None
    if done.returncode or not any(folder.glob("kafka_*.jar")):
        reason = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr.strip())
        raise UserError(f"Maven can't fetch Kafka: {reason or 'no jar arrived'}. Try: {' '.join(argv)}")


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        package = {"java": "Java 17 (Debian: openjdk-17-jre-headless)", "mvn": "Maven (Debian: maven)"}[name]
        raise UserError(f"Apache Kafka needs `{name}`, which is not on PATH: install {package}")
    return found

"""Builds the engine with Maven, once for each state of its sources, and says how it is started."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from schemas.errors import UserError

_HERE: Final = Path(__file__).parent
_BUILT: Final = _HERE.parents[1] / ".cardwatch"
_MAIN: Final = "cardwatch.streams.Main"
_JVM: Final = ("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
"""One core is shared by all threads: the serial collector costs the least of it."""
_BUILD_TIMEOUT_S: Final = 600
_PACKAGES: Final = {"java": "Java 17 (Debian: openjdk-17-jdk-headless)", "mvn": "Maven (Debian: maven)"}


def argv(*, say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Return the command that starts the engine; the first time Maven builds it.

    Args:
        say: called with a line of progress when it must be built first.

    Raises:
        UserError: java or mvn is missing, or Maven fails.
    """
    return [_tool("java"), *_JVM, "-cp", f"{jars(say=say)}/*", _MAIN]


def jars(*, say: Callable[[str], None] = lambda _: None) -> Path:
    """Return the folder with the engine's jar and those that it needs; raises as `argv`."""
    folder = _BUILT / f"streams-{_digest()}"
    if folder.exists():
        return folder
    say("Building the Kafka Streams engine with Maven (once, about 100 MB) ...")
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        _package(Path(made))
        try:
            (Path(made) / "lib").rename(folder)  # whole or not at all, also with two at once
        except OSError:
            if not folder.exists():
                raise
    return folder


def _package(output: Path) -> None:
    command = [_tool("mvn"), "-B", "-q", "-f", str(_HERE / "pom.xml"), "package", f"-Doutput={output}"]
    try:
        done = subprocess.run(  # noqa: S603 - mvn with this project's arguments
            command, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"Maven has not built the Kafka Streams engine within {_BUILD_TIMEOUT_S} s: is the network there?"
        ) from None
    if done.returncode:
        reason = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr.strip())
        raise UserError(f"Maven can't build the Kafka Streams engine: {reason}. Try: mvn -f bench/streams package")


def _digest() -> str:
    files = [_HERE / "pom.xml", *sorted((_HERE / "src").rglob("*.java"))]
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UserError(f"the Kafka Streams engine needs `{name}`, which is not on PATH: install {_PACKAGES[name]}")
    return found

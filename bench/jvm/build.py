"""Builds the engines with Maven, once for each state of their sources, and says how each is started."""

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
STREAMS: Final = "cardwatch.bench.StreamsMain"
FLINK: Final = "cardwatch.bench.FlinkMain"
_LEVELS: Final = {"defaultLogLevel": "warn", "log.org.apache.flink.metrics": "error"}
"""Flink warns at each checkpoint that it has two metrics of one name."""
_LOG: Final = tuple(f"-Dorg.slf4j.simpleLogger.{name}={level}" for name, level in _LEVELS.items())
_JVM: Final = ("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", *_LOG)
"""One core is shared by all threads: the serial collector costs the least of it."""
_BUILD_TIMEOUT_S: Final = 600
_JDK: Final = "Java 17 (Debian: openjdk-17-jdk-headless)"
_PACKAGES: Final = {"java": _JDK, "javac": _JDK, "mvn": "Maven (Debian: maven)"}
TOOLS: Final = tuple(_PACKAGES)
"""Programs that it needs."""


def argv(main: str, *, say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Return the command that starts an engine; the first time Maven builds them.

    Args:
        main: `STREAMS` or `FLINK`.
        say: called with a line of progress when they must be built first.

    Raises:
        UserError: java is missing, or what builds them (mvn, javac), or Maven fails.
    """
    return [_tool("java"), *_JVM, "-cp", f"{jars(say=say)}/*", main]


def jars(*, say: Callable[[str], None] = lambda _: None) -> Path:
    """Return the folder with the engines' jar and those that they need; raises as `argv`."""
    folder = _BUILT / f"jvm-{_digest()}"
    if folder.exists():
        return folder
    say("Building the JVM engines with Maven (once, about 150 MB) ...")
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
    _tool("javac")  # Maven looks for it itself, and says less
    command = [_tool("mvn"), "-B", "-q", "-f", str(_HERE / "pom.xml"), "package", f"-Doutput={output}"]
    try:
        done = subprocess.run(  # noqa: S603 - mvn with this project's arguments
            command, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"Maven has not built the JVM engines within {_BUILD_TIMEOUT_S} s: is the network there?"
        ) from None
    if done.returncode:
        reason = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr.strip())
        raise UserError(f"Maven can't build the JVM engines: {reason}. Try: mvn -f bench/jvm package")


def _digest() -> str:
    files = [_HERE / "pom.xml", *sorted((_HERE / "src").rglob("*.java"))]
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UserError(f"the JVM engines need `{name}`, which is not on PATH: install {_PACKAGES[name]}")
    return found

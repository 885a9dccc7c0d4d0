"""`python -m eventbus check` and the start say the same of subscriber files, and settings are called by their names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.eventbus_server import running_bus
from tests.harness import PATIENCE

FILE = {"description": "d", "bus": "b", "rule": "r", "pattern": {"source": ["s"]}}
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    env = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "EVENTBUS_", "LOG_"))}

    def run(*args: str, **variables: str) -> subprocess.CompletedProcess[str]:
        asked = [sys.executable, "-m", "eventbus", *args]
        data = {"EVENTBUS_DATA": str(tmp_path / "data"), "EVENTBUS_PORT": "0"}
        return subprocess.run(
            asked, env={**env, **data, **variables}, capture_output=True, text=True, timeout=PATIENCE * 60, check=False
        )

    return run


def write(folder: Path, target: dict[str, Any], **changes: Any) -> None:
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps({**FILE, "targets": [{"id": "t", **target}], **changes}))


@pytest.mark.parametrize(
    ("target", "changes", "reason"),
    [
        (
            {"queue": "q", "inputTransformer": {"inputTemplate": '"<x>"'}},
            {},
            "InputTemplate for target t contains invalid placeholder x.",
        ),
        ({"arn": "arn:aws:ecs:eu-central-1:123456789012:cluster/c"}, {}, "ecs is not a supported service"),
        ({"queue": "q"}, {"bus": "a/b"}, "bus: String should match pattern"),
        ({"queue": "q.fifo"}, {}, "targets.0: messageGroup is missing: the FIFO queue q.fifo needs one"),
    ],
)
def test_the_start_refuses_what_the_check_refuses_in_the_same_words(
    command: Command, tmp_path: Path, target: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    write(tmp_path / "files", target, **changes)
    checked, started = command("check", str(tmp_path / "files")), command("--subscribers", str(tmp_path / "files"))
    assert (checked.returncode, started.returncode) == (2, 2)
    assert checked.stderr == started.stderr
    assert checked.stderr.startswith("error: one.json: ")
    assert reason in checked.stderr
    assert checked.stdout == ""


def test_a_good_file_is_told_and_so_is_an_empty_folder(command: Command, tmp_path: Path) -> None:
    write(tmp_path / "files", {"queue": "q.fifo", "messageGroup": "g"})
    assert command("check", str(tmp_path / "files")).stdout == "one.json: rule r on bus b → t\n"
    (tmp_path / "empty").mkdir()
    told = command("check", str(tmp_path / "empty"))
    assert (told.returncode, told.stdout) == (0, f"{tmp_path}/empty holds no subscriber file (*.json)\n")
    with running_bus(tmp_path, "--subscribers", str(tmp_path / "empty")) as bus:
        assert "no subscriber files" in bus.service.log


@pytest.mark.parametrize("name", ["EVENTBUS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"])
def test_a_wrong_region_is_called_by_the_variable_that_is_set(command: Command, name: str) -> None:
    ended = command("--subscribers", "none", **{name: "mars"})
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {name} is 'mars': ")


def test_an_empty_variable_is_as_good_as_none(command: Command) -> None:
    ended = command("--subscribers", "none", EVENTBUS_REGION="", AWS_DEFAULT_REGION="mars")
    assert ended.stderr.startswith("error: AWS_DEFAULT_REGION is 'mars': ")

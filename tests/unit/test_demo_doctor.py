from __future__ import annotations

import re
import subprocess
import sys

import pytest

from demo import doctor
from demo.doctor import Check


@pytest.mark.parametrize(
    ("check", "fine", "says"),
    [
        (doctor.python((3, 10)), False, "make PYTHON=python3.12 setup"),
        (doctor.python((3, 11)), True, "3.11"),
        (doctor.python((3, 13)), True, "3.13"),
        (doctor.python((3, 14)), False, "3.14"),
        (doctor.packages([]), True, "all"),
        (doctor.packages(["moto", "rich"]), False, "without moto, rich -> run `make setup`"),
        (doctor.loopback(bindable=False), False, "127.0.0.1"),
        (doctor.memory(300), False, "300 MB available"),
        (doctor.memory(4_000), True, "4,000 MB available"),
        (doctor.memory(None), True, "not known"),
        (doctor.disk(3), False, "make room"),
        (doctor.java(None), False, "openjdk-17"),
        (doctor.java('openjdk version "11.0.2"'), False, "version 11"),
        (doctor.java('openjdk version "21" 2023'), True, "version 21"),
        (doctor.java('java version "1.8.0_392"'), False, "version 1"),
    ],
)
def test_each_thing_is_judged_and_its_remedy_named(check: Check, fine: bool, says: str) -> None:  # noqa: FBT001 - a column of the table above
    assert check.fine is fine
    assert says in check.line()


def test_what_only_some_need_is_not_called_missing() -> None:
    assert doctor.java(None).line().startswith("absent")
    assert doctor.disk(1).line().startswith("missing")


def test_every_check_is_printed_and_what_tests_run_on_is_there() -> None:
    lines: list[str] = []
    doctor.main(lines.append)
    assert len(lines) == 8
    assert [line for line in lines if line.startswith(("missing Python", "missing packages"))] == []


def test_it_runs_where_nothing_is_installed_and_says_so() -> None:
    bare = [sys.executable, "-S", "-m", "demo"]
    done = subprocess.run([*bare, "doctor"], cwd=doctor.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert re.search(r"missing packages: without aiohttp, .*uvicorn -> run `make setup`", done.stdout)
    run = subprocess.run(bare, cwd=doctor.ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert re.fullmatch(r"error: package \w+ is not installed: run `make setup`\n", run.stderr)

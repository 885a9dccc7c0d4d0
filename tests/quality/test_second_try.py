"""The net under tests with real processes catches what it should, and hides nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import PATIENCE, ROOT

EXAMPLES = '''
from pathlib import Path

import pytest

TRIES = Path(__file__).parent


def tried(name):
    """Return how often this was asked before, in whichever process."""
    path = TRIES / name
    count = len(path.read_text()) if path.exists() else 0
    path.write_text("x" * (count + 1))
    return count


@pytest.fixture
def made():
    return []


def test_that_passes_at_the_second_try(made):
    print("what the first try had to say")
    assert made == [], "a fixture is made anew"
    made.append(1)
    assert tried("second") > 0, "the cause of the first failure"


@pytest.fixture
def comes_late():
    assert tried("fixture") > 0, "the cause in a fixture"


def test_whose_fixture_fails_at_first(comes_late):
    pass


def test_that_always_fails():
    assert tried("always") < 0, "the cause of every failure"
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with this one's conftest and the same examples in three folders."""
    for folder in ("integration", "e2e", "unit"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
        (tmp_path / "tests" / folder / f"test_{folder}.py").write_text(EXAMPLES)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / "tests" / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    return tmp_path


def run(project: Path, *args: str, **env: str) -> str:
    """Run its tests, which fail, and return what is printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CARDWATCH_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *args],
        cwd=project,
        env={**kept, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE * 60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("args", [(), ("-n", "2", "--dist", "worksteal")])
def test_on_ci_a_test_with_processes_runs_once_more_and_its_first_failure_is_told(
    project: Path, args: tuple[str, ...]
) -> None:
    printed = run(project, *args, CARDWATCH_SECOND_TRY="1")
    _, _, told = printed.partition("FIRST TRIES THAT FAILED")
    failures, _, flaky = told.partition("FLAKY: MEND THESE")
    for text in ("the cause of the first failure", "what the first try had to say", "the cause in a fixture"):
        assert failures.count(text) >= 2, "once of each folder"
    names = [line for line in flaky.splitlines() if line.startswith("tests/")]
    assert names[:4] == [
        f"tests/{folder}/test_{folder}.py::test_{which}"
        for folder in ("e2e", "integration")
        for which in ("that_passes_at_the_second_try", "whose_fixture_fails_at_first")
    ]
    assert "4 failed, 4 passed, 1 error, 6 rerun" in printed
    for folder, tries in (("integration", 2), ("e2e", 2), ("unit", 1)):
        assert len((project / "tests" / folder / "always").read_text()) == tries


def test_elsewhere_a_failure_is_final(project: Path) -> None:
    printed = run(project, CARDWATCH_SECOND_TRY="")
    assert "FIRST TRIES" not in printed
    assert "6 failed, 3 errors" in printed

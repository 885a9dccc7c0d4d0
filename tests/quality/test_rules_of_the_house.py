"""Rules that no linter knows: where calls may stand, what a file may not contain, how long it may grow."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "producer", "analyzer", "notifier", "eventbus", "score", "demo", "bench")
LOCKS = (
    "requirements.lock",
    "requirements-local.lock",
    "requirements-dev.lock",
    "requirements-uv.lock",
    "bench/requirements.lock",
)


@cache
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text_of(file: Path) -> str:
    try:
        return file.read_text()
    except UnicodeDecodeError:
        return ""


def modules() -> list[Path]:
    return [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_put_events_is_called_in_one_file_alone() -> None:
    callers = [
        name(file)
        for file in modules()
        if any(isinstance(n, ast.Attribute) and n.attr == "put_events" for n in ast.walk(ast.parse(file.read_text())))
    ]
    assert callers == ["notifier/sinks/eventbridge.py"]


def test_only_the_analyzers_shell_knows_faust() -> None:
    users = {name(file) for file in modules() if imported(file) & {"faust", "mode", "aiokafka"}}
    users -= {user for user in users if user.startswith("bench/analyzer/peers/")}  # what people would write instead
    assert users, "the analyzer runs on Faust"
    assert all(user.startswith("analyzer/") and not user.startswith("analyzer/core/") for user in users), users


def test_only_publish_knows_kafka_in_the_producer() -> None:
    users = {
        name(file) for file in modules() if name(file).startswith("producer/") and "confluent_kafka" in imported(file)
    }
    assert users == {"producer/publish.py"}


@pytest.mark.parametrize("file", modules(), ids=name)
def test_a_module_stays_short_enough_to_read(file: Path) -> None:
    lines = len(file.read_text().splitlines())
    assert lines <= 300, f"{lines} lines: split it; about 200 is the aim"


@pytest.mark.parametrize("file", modules(), ids=name)
def test_a_function_stays_short_enough_to_read(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = node.end_lineno - body[0].lineno + 1 if body and node.end_lineno else 0
            assert lines <= 40, f"{node.name} has {lines} lines: split it; about 25 is the aim"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_has_hashes_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pinned = re.findall(r"^[a-zA-Z0-9_.\[\]-]+==", text, re.MULTILINE)
    assert pinned
    assert text.count("--hash=sha256:") >= len(pinned)
    assert "://" not in text


def test_no_two_test_files_have_one_name() -> None:
    """By its name alone pytest imports one: of two, it can't collect the second."""
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_the_lock_files_cover_what_pyproject_asks_for() -> None:
    def asked(entries: list[object]) -> set[str]:
        names = (re.match(r"[A-Za-z0-9_.-]+", entry) for entry in entries if isinstance(entry, str))
        return {found.group().lower() for found in names if found}

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    wanted = {
        "requirements.lock": asked(project["project"]["dependencies"]),
        "requirements-local.lock": asked(project["project"]["dependencies"] + groups["local"]),
        "requirements-dev.lock": asked(project["project"]["dependencies"] + groups["local"] + groups["dev"]),
    }
    for lock, names in wanted.items():
        pinned = set(re.findall(r"^([a-z0-9_.-]+)(?:\[[^]]*\])?==", (ROOT / lock).read_text(), re.MULTILINE))
        assert names <= pinned, f"{lock} lacks {names - pinned}: run `make lock`"


def test_every_exception_from_the_linter_has_its_reason() -> None:
    section = (
        (ROOT / "pyproject.toml").read_text().partition("[tool.ruff.lint]")[2].partition("[tool.ruff.lint.isort]")[0]
    )
    codes = [line for line in section.splitlines() if re.match(r'\s+"[A-Z]+[0-9]*",|"[^"]+" = \["', line)]
    assert codes
    assert [line for line in codes if "# " not in line] == []


def test_every_noqa_has_its_reason() -> None:
    bare = [
        f"{name(file)}:{number}"
        for file in tracked()
        if file.suffix == ".py"
        for number, line in enumerate(text_of(file).splitlines(), start=1)
        if re.search(r"#\s*(noqa|type:\s*ignore)", line)
        and not re.search(r"(noqa: [A-Z0-9, ]+|ignore\[[^]]+\])\s+(#\s*|- )\S", line)
        and "re.search" not in line
    ]
    assert bare == []


def test_no_file_holds_a_full_card_number_a_key_or_a_path_of_a_machine() -> None:
    card = re.compile(r"(?<![\d.\-])\d{13,19}(?![\d.])")
    forbidden = re.compile(r"AKIA[0-9A-Z]{16}|BEGIN (RSA |EC )?PRIVATE KEY|/(home/\w+|root)/")
    found = []
    for file in tracked():
        text = text_of(file)
        if file.suffix in {".lock", ".svg"} or "vectors" in file.name or file == Path(__file__):
            continue
        found += [f"{name(file)}: {number}" for number in card.findall(text) if luhn(number) and not is_time(number)]
        found += [f"{name(file)}: {match.group()}" for match in forbidden.finditer(text)]
    assert found == []


def is_time(number: str) -> bool:
    """Thirteen digits may be milliseconds between 2001 and 2100."""
    return len(number) == 13 and 1_000_000_000_000 <= int(number) <= 4_102_444_800_000


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def test_the_check_for_card_numbers_knows_one_when_it_sees_it() -> None:
    assert luhn("4" + "1" * 15)
    assert not luhn("4" + "1" * 14 + "2")


def test_the_check_command_is_what_ci_runs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipe = makefile.partition("\ncheck:")[2].partition("\n\n")[0]
    assert ".ci/run" in recipe
    script = (ROOT / ".ci" / "run").read_text()
    for step in ("lint", "test", "test-kafka"):
        assert f"make --no-print-directory {step}\n" in script
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert "make --no-print-directory lint" in hooks

"""The README against the code: its commands exist, its tables are complete, its links lead somewhere."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

import analyzer.__main__
import demo.cli
import eventbus.__main__
import notifier.__main__
import producer.__main__
import schemas.__main__
import score.cli
from analyzer.core.rules import RULES
from analyzer.core.terminal_surge import TerminalSurge
from notifier.sinks import SINKS
from producer.scenarios import SCENARIOS
from schemas import topics
from tests.docs import settings_page

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
COMMANDS = {
    "analyzer": analyzer.__main__.cli,
    "demo": demo.cli.cli,
    "eventbus": eventbus.__main__.cli,
    "notifier": notifier.__main__.cli,
    "producer": producer.__main__.cli,
    "schemas": schemas.__main__.cli,
    "score": score.cli.cli,
}


def table(heading: str) -> list[list[str]]:
    """Return the rows of the README's table whose first column has that heading, cells without ticks."""
    rows = README.partition(f"| {heading} |")[2].splitlines()[2:]
    cells = []
    for line in rows:
        if not line.startswith("|"):
            break
        cells.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
    return cells


def first_column(heading: str) -> list[str]:
    return [row[0] for row in table(heading)]


def test_every_detection_rule_has_its_row() -> None:
    assert first_column("detection rule") == [*(rule.name for rule in RULES), TerminalSurge.name]


def test_every_scenario_has_its_row() -> None:
    assert sorted(first_column("scenario")) == sorted(SCENARIOS)


def test_every_sink_has_its_row() -> None:
    assert sorted(first_column("sink")) == sorted(SINKS)


def test_the_table_of_topics_is_topics_toml() -> None:
    rows = {row[0]: (int(row[1]), row[2], row[4], row[5]) for row in table("topic")}
    assert rows == {
        topic.name: (topic.partitions, topic.key, ", ".join(topic.writers), ", ".join(topic.readers))
        for topic in topics.load().values()
    }


def test_the_page_of_settings_is_made_from_the_classes() -> None:
    assert settings_page.PAGE.read_text() == settings_page.page(), "run `make docs`"


def test_every_setting_says_what_it_means() -> None:
    for title, settings in settings_page.SECTIONS:
        for name, field in settings.model_fields.items():
            assert field.description, f"{title}: {name}"


def test_every_rule_is_a_frozen_dataclass_whose_thresholds_are_explained() -> None:
    for rule in RULES:
        assert dataclasses.is_dataclass(rule)
        assert rule.__class__.__doc__


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_make_target_in_the_pages_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE))
    assert used <= targets, used - targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_in_the_pages_exists(page: Path) -> None:
    for package, subcommand in re.findall(r"python -m (\w+)(?: ([a-z]+)\b)?", page.read_text()):
        if package not in COMMANDS or not subcommand:
            continue
        command = get_command(COMMANDS[package])
        known = set(getattr(command, "commands", {})) | ({"doctor"} if package == "demo" else set())
        assert subcommand in known, f"{page.name}: python -m {package} {subcommand}"


def test_every_option_of_the_demo_in_the_readme_exists() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "demo", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": ""},
    ).stdout
    for arguments in re.findall(r'make demo ARGS="([^"]+)"', README):
        for option in re.findall(r"--[a-z-]+", arguments):
            assert option in shown, option


def test_the_readmes_routing_rule_is_the_one_that_is_deployed() -> None:
    shown = json.loads(README.partition("```json\n")[2].partition("```")[0])
    assert shown == json.loads((ROOT / "infra/eventbridge/suspicious-activity.json").read_text())["pattern"]


def test_every_folder_in_the_readme_exists_with_its_first_file() -> None:
    for row in table("folder"):
        for file in row[2].split(", "):
            assert (ROOT / row[0] / file).is_file(), f"{row[0]}{file}"


def test_the_services_of_the_compose_file_are_those_of_the_readme() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    for line in re.findall(r"docker compose .*", README):
        for service in re.findall(r"--scale (\w+)=|--rm (\w+)", line):
            assert re.search(rf"^  {''.join(service)}:", compose, re.MULTILINE), line

"""The event bus's page against the code: every operation has its row, and the row says the truth."""

from __future__ import annotations

import re
from pathlib import Path

from botocore.loaders import Loader
from typer.main import get_command

from eventbus.__main__ import cli
from eventbus.api.operations import ABSENT, OPERATIONS
from eventbus.api.pages import INDEX
from eventbus.arn import parse
from eventbus.targets import KINDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "event-bus.md").read_text()
ROWS = dict(re.findall(r"^\| `([A-Z][A-Za-z]+)` \| (\w+) \|", PAGE, re.MULTILINE))
TARGETS = re.findall(r"^\| ([^|`]+) \| `(arn:[^`]+)` \| (\d+) \|", PAGE, re.MULTILINE)
HOW = dict(re.findall(r"^\| `([A-Z][A-Za-z]+)` \| \w+ \| ?(.*?) ?\|$", PAGE, re.MULTILINE))


def test_every_operation_of_the_service_has_one_row() -> None:
    model = Loader().load_service_model("events", "service-2")
    rows = re.findall(r"^\| `([A-Z][A-Za-z]+)` \| (?:works|differs|absent) \|", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(model["operations"])


def test_what_the_page_calls_absent_is_absent_and_the_rest_is_there() -> None:
    assert {name for name, verdict in ROWS.items() if verdict == "absent"} == set(ABSENT)
    assert {name for name, verdict in ROWS.items() if verdict in {"works", "differs"}} == set(OPERATIONS)


def test_how_an_operation_differs_is_said_and_nothing_is_said_of_one_that_works() -> None:
    for name, verdict in ROWS.items():
        assert bool(HOW[name]) == (verdict != "works"), name


def test_every_kind_of_target_has_its_row_with_its_arn_and_its_batch() -> None:
    arns = [(name, parse(text)) for name, text, _ in TARGETS]
    assert [(name, [kind.name for kind in KINDS if arn and kind.serves(arn)]) for name, arn in arns] == [
        (kind.name, [kind.name]) for kind in KINDS
    ]
    batches = {kind.name: getattr(kind.sender, "batch", None) for kind in KINDS}
    assert {name: int(batch) for name, _, batch in TARGETS} == batches


def test_every_page_of_the_bus_has_its_row() -> None:
    assert set(re.findall(r"^\| `(/_bus/[^`]+)` \|", PAGE, re.MULTILINE)) == set(INDEX)


def test_the_commands_and_options_on_the_page_exist() -> None:
    command = get_command(cli)
    options = {option for parameter in command.params for option in parameter.opts}
    used = re.findall(r"-m eventbus(.*)", PAGE)
    assert used
    for line in used:
        words = line.partition("#")[0].split()
        assert {word for word in words if word.startswith("--")} <= options
        commands = getattr(command, "commands", {})
        assert not words or words[0].startswith("--") or words[0] in commands

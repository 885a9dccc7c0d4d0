"""docs/replay.md against the code: every key, every option, every mapping, and an example that can be loaded."""

from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

from producer.__main__ import cli
from producer.files import load_mapping
from producer.files.convert import missing
from producer.files.load import SHIPPED
from tests.docs import replay_page

TEXT = replay_page.PAGE.read_text()


def rows(heading: str) -> list[list[str]]:
    lines = TEXT.partition(f"| {heading} |")[2].splitlines()[2:]
    end = next(number for number, line in enumerate(lines) if not line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[:end]]


def test_the_reference_is_made_from_the_classes() -> None:
    assert replay_page.page() == TEXT, "run `make docs`"


def test_every_key_says_what_it_means() -> None:
    for title, part in replay_page.TABLES:
        for name, field in part.model_fields.items():
            assert field.description, f"{title}: {name}"


def test_every_option_has_its_row() -> None:
    command = getattr(get_command(cli), "commands")["replay"]  # noqa: B009 - a group's, which its type doesn't say
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert set(re.findall(r"--[a-z-]+", " ".join(row[0] for row in rows("option")))) == options - {"--help"}


def test_every_shipped_mapping_has_its_row_with_what_it_lacks() -> None:
    lacks = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in rows("mapping")}
    assert lacks == {file.stem: missing(load_mapping(file.stem).columns) for file in SHIPPED.glob("*.toml")}


def test_the_example_is_a_mapping(tmp_path: Path) -> None:
    example = tmp_path / "example.toml"
    example.write_text(TEXT.partition("```toml\n")[2].partition("```")[0])
    assert load_mapping(example).amount.minor_per_unit == 1

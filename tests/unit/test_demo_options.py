from __future__ import annotations

import pytest
from typer.testing import CliRunner

from demo.cli import cli
from demo.run import Options


def test_what_is_chosen_reaches_the_producer() -> None:
    args = Options(5_000, seed=3, preset="handbook", difficulty=0.25, rate=50).producer().args
    assert args[:2] == ("producer", "run")
    options = dict(zip(args[2::2], args[3::2], strict=True))
    assert options == {
        "--seed": "3",
        "--preset": "handbook",
        "--difficulty": "0.25",
        "--rate": "50",
        "--transactions": "5000",
    }


def test_without_an_end_the_producer_goes_on() -> None:
    assert "--transactions" not in Options(None).producer().args


@pytest.mark.parametrize(
    ("option", "value"), [("--difficulty", "2"), ("--difficulty", "-0.1"), ("--seed", "-1"), ("--transactions", "0")]
)
def test_an_option_out_of_range_is_refused_before_anything_starts(option: str, value: str) -> None:
    done = CliRunner().invoke(cli, ["run", option, value])
    assert done.exit_code == 2
    assert "Starting" not in done.output
    assert f"Invalid value for '{option}'" in done.output

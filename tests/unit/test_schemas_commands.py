"""Options of `python -m schemas`."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from schemas.__main__ import cli


@pytest.mark.parametrize("option", ["--replication=0", "--replication=-2", "--replication=10001", "--partitions=0"])
def test_a_count_that_no_broker_takes_is_refused_before_one_is_asked(option: str) -> None:
    result = CliRunner().invoke(cli, ["topics", option])
    assert result.exit_code == 2
    assert f"Invalid value for '{option.partition('=')[0]}'" in result.output

"""`python -m bench`: measure Cardwatch's parts beside their peers."""

from __future__ import annotations

from bench.cli import cli
from schemas.errors import one_line_errors

if __name__ == "__main__":
    with one_line_errors():
        cli()

"""`python -m score`: say who was caught, live on Kafka or offline in one process."""

from __future__ import annotations

from schemas.errors import one_line_errors
from score.cli import cli

if __name__ == "__main__":
    with one_line_errors():
        cli()

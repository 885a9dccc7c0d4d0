"""`python -m score`: say who was caught, live on Kafka or offline in one process."""

from __future__ import annotations

from schemas.errors import one_line_errors

if __name__ == "__main__":  # the processes of an offline run load this file too, and need none of the commands
    from score.cli import cli

    with one_line_errors():
        cli()

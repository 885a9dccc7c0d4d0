"""What can be wrong with a row, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import UserError


class BadCellError(Exception):
    """A cell that can't be read. The reason never shows what may be a card number."""

    def __init__(self, column: str, reason: str) -> None:
        """Name the column, and say what is wrong with its value and what helps."""
        super().__init__(reason)
        self.column = column
        self.reason = reason


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be a transaction or a label."""

    file: str
    place: str
    """`line 5` of a CSV as an editor counts, `row 5` of Parquet from 1."""
    column: str | None
    reason: str

    def __str__(self) -> str:
        """Return it as one line."""
        column = f", column {self.column}" if self.column else ""
        return f"{self.file}, {self.place}{column}: {self.reason}"

    def error(self) -> UserError:
        """Return the error that ends a command that skips nothing."""
        end = "" if self.reason.endswith("?") else "."
        return UserError(
            f"{self}{end} Correct it, or leave such rows out: `producer replay` does with --skip-bad BADFILE"
        )

"""Small files of transactions and mappings for tests."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from producer.files import Pair, transactions
from schemas.errors import UserError

MAPPING: Final = """
invented = true
[columns]
id = "id"
card = "card"
merchant = "shop"
[time]
column = "at"
timezone = "UTC"
[amount]
column = "amount"
currency = "EUR"
[label]
column = "fraud"
"""
COLUMNS: Final = ("id", "card", "shop", "at", "amount", "fraud")
ROW: Final = {"id": "t1", "card": "c1", "shop": "m1", "at": "2026-01-01 08:00:00", "amount": "12.50", "fraud": "0"}


def rows(*changes: Mapping[str, str]) -> list[dict[str, str]]:
    """Return a row for each of `changes`, a minute after the other, with ids t1, t2 ..."""
    return [
        {**ROW, "id": f"t{number}", "at": f"2026-01-01 08:{number:02}:00", **change}
        for number, change in enumerate(changes, start=1)
    ]


class Files:
    """A folder to write small files into and to read them from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def csv(self, table: Sequence[Mapping[str, str]], name: str = "own.csv") -> Path:
        path = self.folder / name
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]) if table else COLUMNS)
            writer.writeheader()
            writer.writerows(table)
        return path

    def text(self, text: str | bytes, name: str = "own.csv") -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def mapping(self, text: str = MAPPING, **replaced: str) -> Path:
        """Write a mapping; `replaced` puts other lines in place of those that begin with a key."""
        lines = [replaced.get(line.partition(" =")[0], line) for line in text.strip().splitlines()]
        return self.text("\n".join(lines), "own.toml")

    def read(self, path: Path, mapping: Path | str | None = None, **options: Any) -> list[Pair]:
        return list(transactions(path, mapping or self.mapping(), **options))

    def refused(self, path: Path, mapping: Path | str | None = None, **options: Any) -> str:
        """Return the one line that refuses the file."""
        with pytest.raises(UserError) as error:
            self.read(path, mapping, **options)
        assert "\n" not in str(error.value)
        return str(error.value)

"""Writes the reference in docs/replay.md from the mapping's classes: `make docs`. A test holds them equal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from producer.files.mapping import Amount, Columns, FileShape, Mapping, Part, Source, Time, Truth

PAGE: Final = Path(__file__).parents[2] / "docs" / "replay.md"
BEGIN: Final = "<!-- reference: made from the code by `make docs` -->\n"
END: Final = "<!-- end of reference -->"
TABLES: Final[tuple[tuple[str, type[Part]], ...]] = (
    ("A table in place of a column's name", Source),
    ("At the top", Mapping),
    ("`[columns]`", Columns),
    ("`[time]`, and `[label.released]`", Time),
    ("`[amount]`", Amount),
    ("`[label]`", Truth),
    ("`[file]`", FileShape),
)


def page() -> str:
    """Return the page with the reference that the code asks for."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return before + BEGIN + "".join(table(title, part) for title, part in TABLES) + "\n" + END + rest.partition(END)[2]


def table(title: str, part: type[Part]) -> str:
    rows = []
    for name, field in part.model_fields.items():
        needed = "yes" if field.is_required() else ""
        meaning = re.sub(r"\s+", " ", field.description or "").replace("|", "\\|")
        rows.append(f"| `{name}` | {needed} | {meaning} |")
    return "\n".join([f"\n**{title}**\n", "| key | must be | meaning |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page())

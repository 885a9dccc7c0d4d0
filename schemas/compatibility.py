"""Backward compatibility: today's schemas must read every record that was ever written.

`schemas/history/<schema>/<n>.avsc` keeps each version that was released, never edited again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from schemas.codec import definition

FOLDER: Final = Path(__file__).parent
HISTORY: Final = FOLDER / "history"


def names() -> list[str]:
    """Return the names of the schemas, sorted."""
    return sorted(file.stem for file in FOLDER.glob("*.avsc"))


def released(schema: str, history: Path = HISTORY) -> list[str]:
    """Return the released versions of `schema` as text, oldest first."""
    files = sorted((history / schema).glob("*.avsc"), key=lambda file: int(file.stem))
    return [file.read_text() for file in files]


def problems(reader: str, writer: str) -> list[str]:
    """Return why schema `reader` can't read what `writer` wrote (both Avro JSON); empty: it can."""
    result = ReaderWriterCompatibilityChecker().get_compatibility(parse(reader), parse(writer))
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    return [
        f"{message} (at {place})"
        for message, place in zip(sorted(result.messages), sorted(result.locations), strict=False)
    ]


def check(schema: str, history: Path = HISTORY) -> list[str]:
    """Return what is wrong with today's `schema` against its history; empty: nothing."""
    today = definition(schema)
    versions = released(schema, history)
    found = [
        f"{schema}.avsc can't read version {number}: {problem}"
        for number, version in enumerate(versions, start=1)
        for problem in problems(today, version)
    ]
    if not versions or json.loads(versions[-1]) != json.loads(today):
        found.append(f"{schema}.avsc differs from its newest release: run `python -m schemas release`")
    return found


def release(schema: str, history: Path = HISTORY) -> Path | None:
    """Add today's `schema` to its history and return the file, or None when it is there already."""
    versions = released(schema, history)
    today = json.loads(definition(schema))
    if versions and json.loads(versions[-1]) == today:
        return None
    file = history / schema / f"{len(versions) + 1}.avsc"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(today, indent=2, ensure_ascii=False) + "\n")
    return file

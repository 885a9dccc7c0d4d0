"""Resources and their tags in the database. A resource is kept as the JSON of its fields."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Final

from eventbus.model import ApiDestination, Archive, Bus, Connection, Replay, Resource, Rule, Target

KINDS: Final[Mapping[str, type[Resource]]] = {
    kind.__name__: kind for kind in (Bus, Rule, Connection, ApiDestination, Archive, Replay)
}


def load(db: sqlite3.Connection) -> tuple[list[Resource], dict[str, dict[str, str]]]:
    """Return all resources, and the tags of each ARN that has any."""
    resources = [_decoded(*row) for row in db.execute("SELECT kind, body FROM resource")]
    tags: dict[str, dict[str, str]] = {}
    for arn, key, value in db.execute("SELECT arn, key, value FROM tag"):
        tags.setdefault(arn, {})[key] = value
    return resources, tags


def save(db: sqlite3.Connection, resource: Resource) -> None:
    """Keep a resource, in place of what its ARN had."""
    row = (type(resource).__name__, resource.arn, json.dumps(asdict(resource), separators=(",", ":")))
    db.execute("INSERT OR REPLACE INTO resource (kind, arn, body) VALUES (?, ?, ?)", row)


def remove(db: sqlite3.Connection, resource: Resource) -> None:
    """Forget a resource and its tags."""
    db.execute("DELETE FROM resource WHERE kind = ? AND arn = ?", (type(resource).__name__, resource.arn))
    db.execute("DELETE FROM tag WHERE arn = ?", (resource.arn,))


def tag(db: sqlite3.Connection, arn: str, tags: Mapping[str, str]) -> None:
    """Set tags of an ARN."""
    rows = [(arn, key, value) for key, value in tags.items()]
    db.executemany("INSERT OR REPLACE INTO tag (arn, key, value) VALUES (?, ?, ?)", rows)


def untag(db: sqlite3.Connection, arn: str, keys: Iterable[str]) -> None:
    """Remove tags of an ARN; a key that it doesn't have is no error."""
    db.executemany("DELETE FROM tag WHERE arn = ? AND key = ?", [(arn, key) for key in keys])


def _decoded(kind: str, body: str) -> Resource:
    fields = json.loads(body)
    if kind == "Rule":
        fields["targets"] = tuple(Target(**target) for target in fields["targets"])
    return KINDS[kind](**fields)

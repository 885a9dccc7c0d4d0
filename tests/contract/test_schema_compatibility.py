"""Today's schemas read everything that was ever written with an older one."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import fastavro
import pytest
from fastavro.utils import generate_many

from schemas import compatibility
from schemas.codec import definition

NAMES = compatibility.names()


@pytest.mark.parametrize("schema", NAMES)
def test_a_schema_reads_its_whole_history(schema: str) -> None:
    assert compatibility.check(schema) == []


@pytest.mark.parametrize("schema", NAMES)
def test_records_of_every_released_version_are_decoded_today(schema: str) -> None:
    reader = fastavro.parse_schema(json.loads(definition(schema)))
    versions = compatibility.released(schema)
    assert versions
    for version in versions:
        writer = fastavro.parse_schema(json.loads(version))
        for record in generate_many(writer, 20):
            out = BytesIO()
            fastavro.schemaless_writer(out, writer, record)
            out.seek(0)
            assert fastavro.schemaless_reader(out, writer, reader)


@pytest.mark.parametrize("schema", NAMES)
def test_every_field_of_a_schema_says_what_it_is(schema: str) -> None:
    def undocumented(part: object) -> list[str]:
        if isinstance(part, list):
            return [name for item in part for name in undocumented(item)]
        if not isinstance(part, dict):
            return []
        own = [field["name"] for field in part.get("fields", []) if not field.get("doc")]
        return own + [name for value in part.values() for name in undocumented(value)]

    assert undocumented(json.loads(definition(schema))) == []


def test_a_new_field_without_a_default_breaks_compatibility() -> None:
    older = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}
    newer = {**older, "fields": [*older["fields"], {"name": "b", "type": "string"}]}
    assert "b" in " ".join(compatibility.problems(json.dumps(newer), json.dumps(older)))
    assert compatibility.problems(json.dumps(older), json.dumps(newer)) == []


def test_a_schema_changed_after_its_release_asks_for_a_release(tmp_path: Path) -> None:
    folder = tmp_path / "label"
    folder.mkdir()
    older = json.loads(definition("label"))
    older["fields"] = [{**one, "name": one["name"].replace("releaseTime", "other")} for one in older["fields"]]
    (folder / "1.avsc").write_text(json.dumps(older))
    found = compatibility.check("label", tmp_path)
    assert any("can't read version 1" in problem and "releaseTime" in problem for problem in found)
    assert any("python -m schemas release" in problem for problem in found)


def test_a_release_is_added_once_and_never_rewritten(tmp_path: Path) -> None:
    first = compatibility.release("label", tmp_path)
    assert first == tmp_path / "label" / "1.avsc"
    assert compatibility.release("label", tmp_path) is None
    assert compatibility.check("label", tmp_path) == []

"""An Avro value as the connector writes it in JSON: the value on the wire, field by field in schema order.

Bytes, fixed and decimals are base64; dates and times the integers they are; a nullable union its value or null.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from notifier import java_json
from schemas.errors import BadRecordError

Write = Callable[[Any], str]

_PRIMITIVES: Final[dict[str, Write]] = {
    "null": lambda _: "null",
    "boolean": lambda value: "true" if value else "false",
    "int": str,
    "long": str,
    "float": java_json.single,
    "double": java_json.double,
    "bytes": java_json.base64_string,
    "string": java_json.string,
    "enum": java_json.string,
    "fixed": java_json.base64_string,
}


def writer(schema: Any, named: dict[str, Write] | None = None) -> Write:
    """Return the function that writes values of `schema` (parsed by fastavro, without logical types).

    Args:
        schema: a schema or a part of one.
        named: writers of the named types met so far, by full name; filled in.

    Raises:
        BadRecordError: it has a union of several types.
    """
    named = {} if named is None else named
    if isinstance(schema, list):
        return _union(schema, named)
    if isinstance(schema, str):
        return _PRIMITIVES.get(schema) or named[schema]
    match schema["type"]:
        case "record" | "error":
            return _record(schema, named)
        case "array":
            items = writer(schema["items"], named)
            return lambda value: "[" + ",".join([items(item) for item in value]) + "]"
        case "map":
            values = writer(schema["values"], named)
            return lambda value: java_json.obj((name, values(item)) for name, item in value.items())
        case other:
            write = writer(other, named)
            return named.setdefault(schema["name"], write) if "name" in schema else write


def _record(schema: dict[str, Any], named: dict[str, Write]) -> Write:
    fields: list[tuple[str, str, Write]] = []

    def write(value: dict[str, Any]) -> str:
        return "{" + ",".join([label + inner(value[name]) for name, label, inner in fields]) + "}"

    named[schema["name"]] = write  # before its fields, which may name it
    for field in schema["fields"]:
        name = field["name"]
        fields.append((name, f"{java_json.string(name)}:", writer(field["type"], named)))
    return write


def _union(branches: list[Any], named: dict[str, Write]) -> Write:
    others = [branch for branch in branches if branch != "null"]
    if len(others) != 1:
        raise BadRecordError(f"its schema has a union of {len(others)} types; one type and null is what can be put")
    only = writer(others[0], named)
    return lambda value: "null" if value is None else only(value)

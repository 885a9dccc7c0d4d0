"""How records of one writer schema are walked, and what is cut out of them.

A schema that can't be walked by the few kinds of steps here has no plan: its records are left to the scalar reader.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import fastavro

from schemas.codec import without_logical_types

RECORD: Final = "Transaction"
CHANNEL: Final = "Channel"
CHANNELS: Final = {"CARD_NOT_PRESENT": 0, "CARD_PRESENT": 1}
"""Symbols of the reader's enum, and whether they mean that the card was present."""

MOST_FIELDS: Final = 64

FAULT: Final = 2
"""In `Field.symbols`: a byte that is no symbol, or one that the reader doesn't know."""

NULL: Final = -1
"""Among the pieces that are cut: a field that the writer doesn't have, so null."""

RECENT: Final = ("transactionId", "eventTime", "amountMinor", "merchantId", "merchantCategory", "country", "latitude")
"""Fields that begin a RecentTransaction of card_state.avsc; longitude follows, cardPresent and approved end it."""

SIGHTING: Final = (
    "transactionId",
    "cardId",
    "cardLastFour",
    "userId",
    "eventTime",
    "amountMinor",
    "currency",
    "merchantId",
    "merchantName",
    "merchantCategory",
    "country",
    "terminalId",
)
"""Fields that begin a record of sighting.avsc."""


class Kind(Enum):
    """How a field is stepped over."""

    STRING = "string"
    LONG = "long"
    BOOLEAN = "boolean"
    DOUBLE = "double"
    FLOAT = "float"
    ENUM = "enum"


_KINDS: Final = {"int": Kind.LONG, **{kind.value: kind for kind in Kind}}
_NEEDED: Final = {
    **dict.fromkeys(SIGHTING[:-1], Kind.STRING),
    "eventTime": Kind.LONG,
    "amountMinor": Kind.LONG,
    "channel": Kind.ENUM,
    "approved": Kind.BOOLEAN,
}
_OPTIONAL: Final = {
    "terminalId": Kind.STRING,
    "deviceId": Kind.STRING,
    "latitude": Kind.DOUBLE,
    "longitude": Kind.DOUBLE,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field as the writer has it."""

    name: str
    kind: Kind

    null_branch: int | None
    """0 or 1: the branch of its union that is null; None: no union."""

    symbols: bytes = b""
    """Of an enum: by its first byte on the wire (256), whether the card was present, or FAULT."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The way through a record."""

    fields: tuple[Field, ...]

    recent: tuple[tuple[int, int], ...]
    """First and last field of each piece of a RecentTransaction up to its longitude; NULL for null."""

    sighting: tuple[tuple[int, int], ...]
    """The same of a sighting up to its terminal."""

    places: Mapping[str, int]
    """Which field has a name."""


def plan(definition: str) -> Plan | None:
    """Return the plan for records of a writer schema; None if there is none."""
    try:
        schema: Any = fastavro.parse_schema(without_logical_types(json.loads(definition)))
    except Exception:  # noqa: BLE001 - whatever fastavro makes of it, the scalar reader will tell
        return None
    if not isinstance(schema, dict) or schema["type"] != "record" or _name(schema) != RECORD:
        return None
    fields = [_field(one["name"], one["type"]) for one in schema["fields"]]
    known = [one for one in fields if one is not None]
    places = {one.name: index for index, one in enumerate(known)}
    if (
        len(known) < len(fields)
        or len(known) > MOST_FIELDS
        or not all(_serves(name, known, places) for name in (*_NEEDED, *_OPTIONAL))
    ):
        return None
    return Plan(tuple(known), _pieces((*RECENT, "longitude"), places), _pieces(SIGHTING, places), places)


def _field(name: str, schema: Any) -> Field | None:
    if isinstance(schema, list):
        inner = [one for one in schema if one != "null"]
        if len(schema) != 2 or len(inner) != 1:  # noqa: PLR2004 - null and one other
            return None
        found = _plain(name, inner[0], schema.index("null"))
    else:
        found = _plain(name, schema, None)
    return found


def _plain(name: str, schema: Any, null_branch: int | None) -> Field | None:
    word = schema["type"] if isinstance(schema, dict) else schema
    kind = _KINDS.get(word) if isinstance(word, str) else None
    if kind is not Kind.ENUM:
        return Field(name, kind, null_branch) if kind else None
    if not isinstance(schema, dict):
        return None
    wanted = CHANNELS if name == "channel" else dict.fromkeys(schema["symbols"], 0)
    symbols = bytearray([FAULT] * 256)
    for index, symbol in enumerate(schema["symbols"][:64]):
        symbols[2 * index] = wanted.get(symbol, FAULT)
    return Field(name, kind, null_branch, bytes(symbols)) if name != "channel" or _name(schema) == CHANNEL else None


def _name(schema: dict[str, Any]) -> str:
    return str(schema["name"]).rpartition(".")[2]


def _serves(name: str, fields: list[Field], places: dict[str, int]) -> bool:
    """Tell whether what the reader needs is there, of its type, or is null for all records."""
    if name not in places:
        return name in _OPTIONAL
    field = fields[places[name]]
    if name in _NEEDED:
        return field.kind is _NEEDED[name] and field.null_branch is None
    # What is copied must be a union like its copy; a device is not copied.
    return field.kind is _OPTIONAL[name] and field.null_branch in ({0, 1} if name == "deviceId" else {0})


def _pieces(names: tuple[str, ...], places: dict[str, int]) -> tuple[tuple[int, int], ...]:
    """Return the fields' places, those that follow each other in one piece."""
    pieces: list[tuple[int, int]] = []
    for place in [places.get(name, NULL) for name in names]:
        if pieces and place != NULL and pieces[-1][1] == place - 1 and pieces[-1][1] != NULL:
            pieces[-1] = (pieces[-1][0], place)
        else:
            pieces.append((place, place))
    return tuple(pieces)

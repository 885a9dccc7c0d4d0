"""Columns for the batch judge's tests, made plainly of the scalar reader's transactions."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

import fastavro
import numpy as np

from analyzer.batch.columns import Columns, country_code
from analyzer.core.model import Transaction, Verdict
from analyzer.core.sighting import sighting
from analyzer.terminal_wire import sighting_record
from analyzer.wire import checked, recent_record
from schemas.codec import definition, without_logical_types
from tests.analyzer_input import record

NAN: Final = float("nan")


def _parsed(schema: Any) -> Any:
    return fastavro.parse_schema(without_logical_types(schema))


def _recent_schema() -> Any:
    state = json.loads(definition("card_state"))
    return next(field["type"]["items"] for field in state["fields"] if field["name"] == "recent")


RECENT: Final = _parsed(_recent_schema())
"""An item of `recent` in card_state.avsc, with times in milliseconds."""

STAND_IN: Final = checked(record())
"""Fills the columns where a record is odd: nobody may look there."""

SIGHTING: Final = _parsed(json.loads(definition("sighting")))


def body(schema: Any, fields: dict[str, Any]) -> bytes:
    """Return the Avro body of a record."""
    out = BytesIO()
    fastavro.schemaless_writer(out, schema, fields)
    return out.getvalue()


def recent_body(one: Transaction) -> bytes:
    """Return what `Columns.recent` holds of a transaction."""
    return body(RECENT, recent_record(one.recent()))


def sighting_body(one: Transaction, amount_z: float, score: float, *, flagged: bool) -> bytes:
    """Return what `Columns.sighting` must return of a transaction."""
    return body(SIGHTING, sighting_record(sighting(one, amount_z, Verdict(score, flagged, ()))))


def columns_of(transactions: Sequence[Transaction | None], first_offset: int = 0) -> Columns:
    """Return transactions by columns; None makes an odd record."""
    filled = [one or STAND_IN for one in transactions]
    odd = [one is None for one in transactions]
    places = [one.place for one in filled]
    return Columns(
        offsets=np.arange(first_offset, first_offset + len(transactions), dtype=np.int64),
        odd=np.array(odd, dtype=np.bool_),
        card_ids=[one.card_id.encode() if one else b"" for one in transactions],
        transaction_ids=[one.transaction_id.encode() if one else b"" for one in transactions],
        device_ids=[one.device_id.encode() if one and one.device_id else None for one in transactions],
        event_time_ms=np.array([one.event_time_ms for one in filled], dtype=np.int64),
        amount_minor=np.array([one.amount_minor for one in filled], dtype=np.int64),
        ln_amount=np.array([math.log(one.amount_minor + 1) for one in filled], dtype=np.float64),
        country=np.array([country_code(one.country) for one in filled], dtype=np.uint16),
        at_terminal=np.array([one.terminal_id is not None for one in filled], dtype=np.bool_),
        card_present=np.array([one.card_present for one in filled], dtype=np.bool_),
        approved=np.array([one.approved for one in filled], dtype=np.bool_),
        has_place=np.array([place is not None for place in places], dtype=np.bool_),
        latitude=np.array([place.latitude if place else NAN for place in places], dtype=np.float64),
        longitude=np.array([place.longitude if place else NAN for place in places], dtype=np.float64),
        recent=[recent_body(one) if one else b"" for one in transactions],
        sighting_head=lambda at: sighting_body(filled[at], 0.0, 0.0, flagged=False)[:-17],
        terminal=lambda at: (filled[at].terminal_id or filled[at].merchant_id).encode(),
        transaction=filled.__getitem__,
    )

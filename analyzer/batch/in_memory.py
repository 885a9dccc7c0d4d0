"""Columns of transactions that are in memory already, where no record on Kafka holds their bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Final, NoReturn

import numpy as np

from analyzer.batch.columns import Columns, country_code
from analyzer.batch.pack import text, wholes
from analyzer.core.model import Place, Transaction

_NOWHERE: Final = Place(math.nan, math.nan)
_PLACE: Final = Struct("<bdbd")
_FLAGS: Final = ((b"\x00\x00", b"\x00\x01"), (b"\x01\x00", b"\x01\x01"))


def columns_of(transactions: Sequence[Transaction], first_offset: int) -> Columns:
    """Return checked transactions, one after the other from an offset on, by columns; none is odd.

    They write no sightings: `BatchChain` makes each of its transaction.
    """
    places = [one.place or _NOWHERE for one in transactions]
    event_time_ms = np.array([one.event_time_ms for one in transactions], np.int64)
    amount_minor = np.array([one.amount_minor for one in transactions], np.int64)
    moments, amounts = wholes(event_time_ms), wholes(amount_minor)
    return Columns(
        offsets=np.arange(first_offset, first_offset + len(transactions), dtype=np.int64),
        odd=np.zeros(len(transactions), np.bool_),
        card_ids=[one.card_id.encode() for one in transactions],
        transaction_ids=[one.transaction_id.encode() for one in transactions],
        device_ids=[None if one.device_id is None else one.device_id.encode() for one in transactions],
        event_time_ms=event_time_ms,
        amount_minor=amount_minor,
        ln_amount=np.array([math.log(one.amount_minor + 1) for one in transactions], np.float64),
        country=np.array([country_code(one.country) for one in transactions], np.uint16),
        at_terminal=np.array([one.terminal_id is not None for one in transactions], np.bool_),
        card_present=np.array([one.card_present for one in transactions], np.bool_),
        approved=np.array([one.approved for one in transactions], np.bool_),
        has_place=np.array([one.place is not None for one in transactions], np.bool_),
        latitude=np.array([place.latitude for place in places], np.float64),
        longitude=np.array([place.longitude for place in places], np.float64),
        recent=list(map(_recent, transactions, moments, amounts)),
        sighting_head=_unwritten,
        terminal=_unwritten,
        transaction=transactions.__getitem__,
    )


def _recent(one: Transaction, moment: bytes, amount: bytes) -> bytes:
    """Return an item of `recent` in card_state.avsc, its fields in their order; a test decodes it with fastavro."""
    place = b"\x00\x00" if one.place is None else _PLACE.pack(2, one.place.latitude, 2, one.place.longitude)
    where = _merchant(one.merchant_id, one.merchant_category, one.country)
    return b"".join(
        (text(one.transaction_id.encode()), moment, amount, where, place, _FLAGS[one.card_present][one.approved])
    )


@lru_cache(maxsize=16_384)
def _merchant(*fields: str) -> bytes:
    return b"".join(text(one.encode()) for one in fields)


def _unwritten(_at: int) -> NoReturn:
    raise LookupError("a transaction that is no record has no bytes to write a sighting of")

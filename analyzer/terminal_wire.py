"""Between bytes and the core's values in the terminal stage: sightings both ways, terminal states both ways."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analyzer.core.sighting import Sighting
from analyzer.core.terminal import Kept, TerminalWindow
from analyzer.window_codec import WindowCodec
from schemas.codec import Decoder, Record
from schemas.errors import BadRecordError


def sighting_record(sighting: Sighting) -> Record:
    """Return a sighting as a record of sighting.avsc."""
    return {
        "transactionId": sighting.transaction_id,
        "cardId": sighting.card_id,
        "cardLastFour": sighting.card_last_four,
        "userId": sighting.user_id,
        "eventTime": sighting.event_time_ms,
        "amountMinor": sighting.amount_minor,
        "currency": sighting.currency,
        "merchantId": sighting.merchant_id,
        "merchantName": sighting.merchant_name,
        "merchantCategory": sighting.merchant_category,
        "country": sighting.country,
        "terminalId": sighting.terminal_id,
        "amountZ": sighting.amount_z,
        "score": sighting.score,
        "flagged": sighting.flagged,
    }


def sighting_of(record: Record) -> Sighting:
    """Return the sighting that a record (times in milliseconds) describes."""
    return Sighting(
        transaction_id=record["transactionId"],
        card_id=record["cardId"],
        card_last_four=record["cardLastFour"],
        user_id=record["userId"],
        event_time_ms=record["eventTime"],
        amount_minor=record["amountMinor"],
        currency=record["currency"],
        merchant_id=record["merchantId"],
        merchant_name=record["merchantName"],
        merchant_category=record["merchantCategory"],
        country=record["country"],
        terminal_id=record["terminalId"],
        amount_z=record["amountZ"],
        score=record["score"],
        flagged=record["flagged"],
    )


@dataclass(frozen=True, slots=True)
class SightingReader:
    """Makes sightings of Kafka records. Only the card stage writes them, of transactions that it has checked."""

    decoder: Decoder
    """Resolves to the reader schema `sighting`, logical types off."""

    def read(self, key: bytes | None, value: bytes | None) -> Sighting:
        """Return the sighting in a record.

        Raises:
            BadRecordError: the record can't be one; the message says why.
            SchemaNeededError: its schema must be fetched first.
        """
        if value is None:
            raise BadRecordError("the value is null (a tombstone); sightings are never deleted")
        sighting = sighting_of(self.decoder.decode(value))
        if key != sighting.terminal.encode():
            raise BadRecordError("the key is not the record's terminal, nor its merchant", stage="KEY_CONVERTER")
        if not math.isfinite(sighting.amount_z):
            raise BadRecordError(f"amountZ {sighting.amount_z} is not a number")
        if not 0 <= sighting.score <= 1:
            raise BadRecordError(f"score {sighting.score} is not from 0 to 1")
        return sighting


class TerminalCodec(WindowCodec[TerminalWindow]):
    """Terminal windows as records of terminal_state.avsc and back."""

    new = TerminalWindow()

    def record(self, window: TerminalWindow) -> Record:
        """Return a window as a record."""
        return {
            "appliedOffset": window.applied_offset,
            "seen": window.seen,
            "flagged": window.flagged,
            "late": window.late,
            "duplicate": window.duplicate,
            "forgotten": window.forgotten,
            "sightings": [{**sighting_record(one.sighting), "told": one.told} for one in window.kept],
        }

    def window(self, record: Record) -> TerminalWindow:
        """Return the window that a record describes."""
        return TerminalWindow(
            applied_offset=record["appliedOffset"],
            seen=record["seen"],
            flagged=record["flagged"],
            late=record["late"],
            duplicate=record["duplicate"],
            forgotten=record["forgotten"],
            kept=tuple(Kept(sighting_of(one), one["told"]) for one in record["sightings"]),
        )

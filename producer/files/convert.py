"""Makes records of rows, by a mapping. Pure: cells in, records of transaction.avsc and label.avsc out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from producer.files.cells import Cells, Text, degrees_of, last_four_of, minor_units, number, plain, text_of
from producer.files.currencies import MINOR_PER_UNIT
from producer.files.mapping import Amount, Columns, Source, Truth
from producer.files.mapping import Mapping as Mapped
from producer.files.moments import Moment, moment_of
from producer.files.problems import BadCellError

Record = dict[str, Any]
Index = Mapping[str, int]

DAY_MS: Final = 86_400_000
PRESENT: Final = "CARD_PRESENT"
CHANNELS: Final = re.compile("CARD_PRESENT|CARD_NOT_PRESENT")
NO_LAST_FOUR: Final = "0000"
NO_CATEGORY: Final = "0000"
NO_COUNTRY: Final = "ZZ"
"""Unknown country: ISO 3166 leaves this code to its users."""
FRAUD: Final = "fraud"
"""The scenario of a fraud of which no more is known."""
WORDS: Final = ("place", "device", "merchant_category", "channel", "country", "approved", "terminal")
"""What a file can lack, in the words by which detection rules say what they need."""


def wanted(mapping: Mapped) -> dict[str, str]:
    """Return the columns that are read, each with the key of the mapping that names it first."""
    found: dict[str, str] = {}
    for key, value in mapping.columns:
        for column in value.columns if isinstance(value, Source) else (value,) if value else ():
            found.setdefault(column, f"columns.{key}")
    found.setdefault(mapping.time.column, "time.column")
    found.setdefault(mapping.amount.column, "amount.column")
    for column in mapping.amount.currency.columns:
        found.setdefault(column, "amount.currency")
    if mapping.label and not mapping.label.transaction:
        found |= {column: key for column, key in wanted_labels(mapping.label).items() if column not in found}
    return found


def wanted_labels(label: Truth) -> dict[str, str]:
    """Return the same for labels."""
    found = {label.column: "label.column"}
    found |= dict.fromkeys(label.scenario.columns if label.scenario else (), "label.scenario")
    found |= dict.fromkeys(label.transaction.columns if label.transaction else (), "label.transaction")
    return found | ({label.released.column: "label.released.column"} if label.released else {})


def missing(columns: Columns) -> frozenset[str]:
    """Return what the mapped data lacks, in the words by which detection rules say what they need."""
    given = {word: getattr(columns, word) for word in WORDS if word != "place"}
    return frozenset(word for word, source in {**given, "place": columns.latitude}.items() if source is None)


@dataclass(frozen=True, slots=True)
class Converter:
    """Makes a transaction's record of a row's cells."""

    texts: tuple[tuple[str, Text, str], ...]
    """Fields that need a text: name, what reads it, its column for errors."""
    user: Text | None
    name: Text | None
    last_four: Callable[[Cells], str] | None
    terminal: Text | None
    device: Text | None
    category: Text | None
    country: Text | None
    channel: Text | None
    approved: Text | None
    place: tuple[Callable[[Cells], float | None], Callable[[Cells], float | None], str] | None
    moment: Moment
    amount: Callable[[Cells], tuple[int, str]]
    default_channel: str

    def record(self, cells: Cells) -> Record:
        """Return the fields of transaction.avsc, times in ms.

        Raises:
            BadCellError: a cell can't be read.
        """
        record: Record = {name: _needed(read(cells), column) for name, read, column in self.texts}
        amount_minor, currency = self.amount(cells)
        channel = self.default_channel
        if self.channel:
            channel = _coded(self.channel, cells, channel, CHANNELS, "columns.channel")
        latitude, longitude = self._place(cells) if self.place and channel == PRESENT else (None, None)
        return record | {
            "cardLastFour": self.last_four(cells) if self.last_four else NO_LAST_FOUR,
            "userId": (self.user(cells) if self.user else None) or record["cardId"],
            "eventTime": self.moment(cells),
            "amountMinor": amount_minor,
            "currency": currency,
            "merchantName": (self.name(cells) if self.name else None) or record["merchantId"],
            "merchantCategory": self._category(cells) if self.category else NO_CATEGORY,
            "terminalId": self.terminal(cells) if self.terminal and channel == PRESENT else None,
            "channel": channel,
            "deviceId": self.device(cells) if self.device else None,
            "country": _coded(self.country, cells, NO_COUNTRY, _COUNTRY, "columns.country")
            if self.country
            else NO_COUNTRY,
            "latitude": latitude,
            "longitude": longitude,
            "approved": not self.approved or _coded(self.approved, cells, "true", _TRUTH, "columns.approved") == "true",
        }

    def _category(self, cells: Cells) -> str:
        text = (self.category and self.category(cells)) or NO_CATEGORY
        return _shaped(text.zfill(4), _CATEGORY, "columns.merchant_category")

    def _place(self, cells: Cells) -> tuple[float | None, float | None]:
        if self.place is None:
            return None, None
        latitude, longitude = self.place[0](cells), self.place[1](cells)
        if (latitude is None) != (longitude is None):
            raise BadCellError(self.place[2], "one of latitude and longitude is empty and the other is not")
        return latitude, longitude


_COUNTRY: Final = re.compile("[A-Z]{2}")
_CATEGORY: Final = re.compile("[0-9]{4}")
_TRUTH: Final = re.compile("true|false")


def _needed(text: str | None, column: str) -> str:
    if not text:
        raise BadCellError(column, "is empty: it must have a value")
    return text


def _coded(read: Text, cells: Cells, default: str, shape: re.Pattern[str], key: str) -> str:
    text = read(cells)
    return _shaped(text, shape, key) if text else default


def _shaped(text: str, shape: re.Pattern[str], key: str) -> str:
    if not shape.fullmatch(text):
        raise BadCellError(key, f"{text[:40]!r} is not of the form {shape.pattern}: add a table of values to {key}")
    return text


def converter(mapping: Mapped, index: Index, key: bytes) -> Converter:
    """Return what makes records of cells that stand in the places `index`; `key` is that of tokens."""
    columns = mapping.columns

    def text(source: Source | None, *, card: bool = False) -> Text | None:
        return text_of(source, index, key, card=card) if source else None

    needed = (("transactionId", columns.id), ("cardId", columns.card), ("merchantId", columns.merchant))
    place = None
    if columns.latitude and columns.longitude:
        latitude, longitude = degrees_of(columns.latitude, 90, index), degrees_of(columns.longitude, 180, index)
        place = (latitude, longitude, columns.latitude)
    return Converter(
        texts=tuple(
            (name, text_of(source, index, key, card=name == "cardId"), " and ".join(source.columns))
            for name, source in needed
        ),
        user=text(columns.user, card=True),
        name=text(columns.merchant_name),
        last_four=last_four_of(columns.last_four, index) if columns.last_four else None,
        terminal=text(columns.terminal),
        device=text(columns.device),
        category=text(columns.merchant_category),
        country=text(columns.country),
        channel=text(columns.channel),
        approved=text(columns.approved),
        place=place,
        moment=moment_of(mapping.time, index),
        amount=_amount(mapping.amount, mapping.file.decimal, index, key),
        default_channel=PRESENT if columns.terminal else "CARD_NOT_PRESENT",
    )


def _amount(amount: Amount, decimal: str, index: Index, key: bytes) -> Callable[[Cells], tuple[int, str]]:
    place, name, rounded = index[amount.column], amount.column, amount.rounded
    currency = text_of(amount.currency, index, key)

    def read(cells: Cells) -> tuple[int, str]:
        code = currency(cells) or ""
        if code not in MINOR_PER_UNIT:
            column = amount.currency.column or "amount.currency"
            raise BadCellError(column, f"{code[:40]!r} is no currency of ISO 4217: add a table of values")
        per_unit = amount.minor_per_unit or MINOR_PER_UNIT[code]
        return minor_units(number(cells[place], name, decimal), per_unit, name, rounded=rounded), code

    return read


Found = tuple[bool, str | None, int | None]
"""Whether a transaction is fraud, its scenario, and when that was known in ms, if the file says so."""


def truth(label: Truth, index: Index, key: bytes) -> Callable[[Cells], Found | None]:
    """Return what reads the truth from cells; None: nobody knows it."""
    place, name = index[label.column], label.column
    fraud, genuine, unknown = (frozenset(map(str.lower, part)) for part in (label.fraud, label.genuine, label.unknown))
    scenario = text_of(label.scenario, index, key) if label.scenario else lambda _: None
    released = moment_of(label.released, index) if label.released else lambda _: None

    def read(cells: Cells) -> Found | None:
        value = plain(cells[place]).lower()
        if value in fraud:
            return True, scenario(cells) or FRAUD, released(cells)
        if value in genuine:
            return False, None, released(cells)
        if value in unknown:
            return None
        known = ", ".join(map(repr, (*label.fraud, *label.genuine)))
        raise BadCellError(name, f"{value[:40]!r} is none of {known}: see label.fraud, label.genuine and label.unknown")

    return read


def label_record(record: Record, found: Found, label: Truth) -> Record:
    """Return the fields of label.avsc for a transaction's record.

    Raises:
        BadCellError: the label was known before there was a transaction.
    """
    fraud, scenario, released_ms = found
    at_ms = record["eventTime"]
    if released_ms is not None and released_ms < at_ms:
        raise BadCellError(label.released.column if label.released else "", "the label is older than its transaction")
    return {
        "transactionId": record["transactionId"],
        "cardId": record["cardId"],
        "eventTime": at_ms,
        "amountMinor": record["amountMinor"],
        "currency": record["currency"],
        "fraud": fraud,
        "scenario": scenario,
        "releaseTime": at_ms + round(label.delay_days * DAY_MS) if released_ms is None else released_ms,
        "approved": record["approved"],
    }


def places(columns: Sequence[str]) -> dict[str, int]:
    """Return each column's place among the cells."""
    return {name: place for place, name in enumerate(columns)}

"""A mapping: which column of a file becomes which field of a transaction, as a TOML file says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from producer.files.currencies import MINOR_PER_UNIT


class Part(BaseModel):
    """A table of the mapping: frozen, and nothing in it that isn't known."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, coerce_numbers_to_str=True, allow_inf_nan=False
    )


class Source(Part):
    """Where a text comes from: exactly one of `column`, `constant` and `hash_of`."""

    column: str | None = None
    """Name of the column; a bare text in place of a table means this."""
    constant: str | None = None
    """The same text for every row."""
    hash_of: tuple[str, ...] = ()
    """A token of these columns' values: a hash keyed with PRODUCER_TOKEN_KEY. For card numbers, always."""
    values: dict[str, str] = Field(default_factory=dict)
    """Table from the column's values to the field's; a value that isn't in it is a bad row."""
    otherwise: str | None = None
    """What values that aren't in the table become."""
    prefix: str = ""
    """Put before the text."""

    @model_validator(mode="after")
    def _one_of(self) -> Source:
        if (self.column is not None) + (self.constant is not None) + bool(self.hash_of) != 1:
            raise ValueError("needs exactly one of column, constant and hash_of")
        if self.otherwise is not None and not self.values:
            raise ValueError("otherwise needs a table of values")
        if self.values and self.column is None:
            raise ValueError("a table of values needs a column")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return self.hash_of or ((self.column,) if self.column is not None else ())


def _source(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _currency(source: Source) -> Source:
    for code in (source.constant, source.otherwise, *source.values.values()):
        if code is not None and code not in MINOR_PER_UNIT:
            raise ValueError(f"{code!r} is no currency of ISO 4217, such as EUR or USD")
    return source


def _constant_currency(value: object) -> object:
    return {"constant": value} if isinstance(value, str) else value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{name!r} is no time zone, such as UTC or Europe/Berlin") from None
    return name


From = Annotated[Source, BeforeValidator(_source)]
Code = Annotated[Source, BeforeValidator(_constant_currency), AfterValidator(_currency)]


class FileShape(Part):
    """How a CSV is written; always UTF-8, with a header."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    """What stands between cells."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals of a number."""


class Columns(Part):
    """The fields of a transaction that are texts, codes and coordinates."""

    id: From
    """The transaction's id, unique in the file."""
    card: From
    """The card's token. A value that looks like a card number is refused: hash it."""
    user: From | None = None
    """The cardholder; absent: the card."""
    last_four: str | None = None
    """Column of which the last four digits are kept; absent: 0000."""
    merchant: From
    """The merchant's id."""
    merchant_name: From | None = None
    """The merchant's name; absent: its id."""
    merchant_category: From | None = None
    """ISO 18245 code (MCC), four digits; absent: 0000, and missing."""
    terminal: From | None = None
    """The terminal; absent or empty: none, and missing."""
    channel: From | None = None
    """CARD_PRESENT or CARD_NOT_PRESENT; absent: present where there is a terminal column, and missing."""
    device: From | None = None
    """The cardholder's device; absent or empty: none, and missing."""
    country: From | None = None
    """ISO 3166-1 alpha-2 code of the place of use; absent: ZZ, and missing."""
    latitude: str | None = None
    """Column with the terminal's degrees north; not used where the card wasn't present. Absent: missing."""
    longitude: str | None = None
    """Column with the terminal's degrees east."""
    approved: From | None = None
    """true or false, by a table of values if need be; absent: all approved, and missing."""

    @model_validator(mode="after")
    def _place(self) -> Columns:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude go together: name both columns or none")
        return self


class Time(Part):
    """When: a column and how its values are written."""

    column: str
    """Name of the column."""
    format: str = "iso"
    """iso (2026-01-31T08:15:00+01:00 and its like), epoch (a number), or a format of Python's strptime."""
    unit: Literal["s", "ms", "us", "ns"] = "s"
    """For epoch: what is counted."""
    origin: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """For epoch: when counting began; in `timezone`, or UTC, unless it has an offset."""
    timezone: Annotated[str, AfterValidator(_zone)] | None = None
    """Zone of times that are written without an offset; absent: every time has its own offset."""


class Amount(Part):
    """How much."""

    column: str
    """Name of the column; never negative."""
    currency: Code
    """ISO 4217 code; a table with `column` where it differs from row to row."""
    minor_per_unit: int | None = Field(default=None, ge=1, le=1_000_000)
    """Minor units in one of the column's units: 1 when it is in cents already; absent: as the currency has."""
    rounded: bool = False
    """Round amounts with parts of a minor unit, half to even; false: such a row is bad."""


class Truth(Part):
    """Which transactions are fraud, and when the bank learns it."""

    column: str
    """Name of the column."""
    fraud: tuple[str, ...] = ("1", "true")
    """Its values that mean fraud, in any case."""
    genuine: tuple[str, ...] = ("0", "false")
    """Its values that mean genuine."""
    unknown: tuple[str, ...] = ()
    """Its values that mean that nobody knows: such a transaction gets no label. An empty text is an empty cell."""
    scenario: From | None = None
    """The scenario of a fraud; absent or empty: fraud."""
    delay_days: float = Field(default=7.0, ge=0, le=36_500)
    """Days from a transaction to its label."""
    released: Time | None = None
    """Instead of a delay: when the label was known."""
    transaction: From | None = None
    """For labels in a file of their own (--labels): the transaction's id there."""


class Mapping(Part):
    """The whole mapping."""

    about: str = ""
    """What data it is for, and where that is described."""
    invented: bool = False
    """The file holds no real cards: tokens may be made with a published key."""
    file: FileShape = FileShape()
    """How a CSV is written."""
    columns: Columns
    """Texts, codes and coordinates."""
    time: Time
    """When the card was used."""
    amount: Amount
    """How much was paid."""
    label: Truth | None = None
    """The truth; absent: no labels."""

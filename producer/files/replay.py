"""Transactions of a file and their labels, checked: what the replay and the offline score read alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from producer.files.convert import Found, Record, converter, label_record, missing, places, truth, wanted, wanted_labels
from producer.files.labels import LabelFile
from producer.files.load import load_mapping, near
from producer.files.mapping import Mapping, Source
from producer.files.order import Item, in_order
from producer.files.problems import BadCellError, BadRow
from producer.files.reader import Row, Table, open_table
from producer.files.settings import FileSettings
from schemas.errors import UserError
from schemas.settings import load

Pair = tuple[Record, Record | None]
"""The fields of transaction.avsc, and those of label.avsc or None when nobody knows the truth; times in ms."""
OnBad = Callable[[BadRow], None]

PUBLISHED_KEY: Final = "cardwatch: these cards are invented"
SHORTEST_KEY: Final = 16


def transactions(
    path: Path | str,
    mapping: Mapping | Path | str,
    *,
    labels: Path | str | None = None,
    sort: bool = False,
    limit: int = 0,
    on_bad: OnBad | None = None,
) -> Replay:
    """Return the transactions of a file, to iterate over in order of event time, as often as is wanted.

    Args:
        path: a CSV or Parquet file.
        mapping: the mapping, its file, or the name of one that is shipped.
        labels: file of the labels, when they are not in `path`.
        sort: put the rows into order; without it a file that isn't in order is refused.
        limit: so many transactions and no more; 0: all.
        on_bad: takes each row that can't be used; None: the first one ends it.

    Raises:
        UserError: the mapping or the file can't be used.
    """
    mapped = mapping if isinstance(mapping, Mapping) else load_mapping(mapping)
    return Replay(Path(path), mapped, labels=labels, sort=sort, limit=limit, on_bad=on_bad)


class Replay:
    """Iterates over pairs of records; raises `UserError` at a bad row unless somebody takes it."""

    def __init__(
        self, path: Path, mapping: Mapping, *, labels: Path | str | None, sort: bool, limit: int, on_bad: OnBad | None
    ) -> None:
        """Open the files and check that they have the columns that the mapping names."""
        self.missing = missing(mapping.columns)
        """What the data lacks: of place, device, merchant_category, channel, country, approved, terminal."""
        self.read = self.bad = self.unlabelled = 0
        """Rows read, rows that couldn't be used, and transactions without a label, in the last iteration."""
        self._mapping, self._sort, self._limit, self._on_bad = mapping, sort, limit, on_bad
        self._table = open_table(path, mapping.file)
        columns = wanted(mapping)
        check_columns(self._table, columns)
        self._columns, index, key = list(columns), places(list(columns)), token_key(mapping)
        self._convert = converter(mapping, index, key)
        inline = mapping.label is not None and mapping.label.transaction is None
        self._truth = truth(mapping.label, index, key) if mapping.label and inline else None
        self._labels = _label_file(labels, mapping, key)

    def __iter__(self) -> Iterator[Pair]:
        """Yield each transaction with its label, event times never going back."""
        self.read = self.bad = self.unlabelled = 0
        if self._labels:
            self._labels.read(self._refuse)
        items = self._items()
        yielded = 0
        for record, label in islice(self._checked(in_order(items) if self._sort else items), self._limit or None):
            yielded += 1
            self.unlabelled += label is None
            yield record, label
        if not self.read:
            raise UserError(f"{self._table.name} has a header and no transactions")
        if self._labels and not (self._limit and yielded == self._limit):
            self._labels.check_all_used(self._refuse)

    def _items(self) -> Iterator[Item]:
        for row in self._table.rows(self._columns):
            self.read += 1
            try:
                record, label = self._converted(row)
            except BadCellError as error:
                self._refuse(self._bad(row.number, error.column, error.reason))
            else:
                yield record["eventTime"], row.number, record, label

    def _converted(self, row: Row) -> Pair:
        if row.problem:
            raise BadCellError("", row.problem)
        record = self._convert.record(row.cells)
        found: Found | None = None
        if self._truth:
            found = self._truth(row.cells)
        elif self._labels:
            found = self._labels.take(record["transactionId"])
        label = self._mapping.label
        return record, label_record(record, found, label) if found and label else None

    def _checked(self, items: Iterator[Item]) -> Iterator[Pair]:
        """Let through what is new and no older than what came before."""
        first_rows: dict[str, int] = {}
        latest_ms, latest_row = 0, 0
        unit = self._table.unit
        for at_ms, number, record, label in items:
            first = first_rows.setdefault(record["transactionId"], number)
            if first != number:
                column = " and ".join(self._mapping.columns.id.columns)
                reason = f"transaction id {record['transactionId']!r} was in {unit} {first} already: ids must be unique"
                self._refuse(self._bad(number, column, reason))
            elif at_ms < latest_ms:
                reason = f"is earlier than {unit} {latest_row} before it: put the rows in order with --sort"
                self._refuse(self._bad(number, self._mapping.time.column, reason))
            else:
                latest_ms, latest_row = at_ms, number
                yield record, label

    def _bad(self, number: int, column: str, reason: str) -> BadRow:
        return BadRow(self._table.name, f"{self._table.unit} {number}", column or None, reason)

    def _refuse(self, row: BadRow) -> None:
        if self._on_bad is None:
            raise row.error()
        self.bad += 1
        self._on_bad(row)


def check_columns(table: Table, columns: dict[str, str]) -> None:
    """Check that a file has the columns that the mapping names.

    Raises:
        UserError: it lacks one; the message names those that it has.
    """
    for column, key in columns.items():
        if column not in table.columns:
            has = ", ".join(name for name in table.columns if not name[:1].isdigit())
            if len(table.columns) == 1 and (other := next((mark for mark in ";\t|" if mark in has), None)):
                raise UserError(
                    f"{table.name} has one column alone, {has!r}: set file.delimiter = {other!r} in the mapping"
                )
            raise UserError(
                f"{table.name} has no column {column!r}, which the mapping names as {key}{near(column, table.columns)};"
                f" it has: {has or 'no header, as it seems; its first line must name the columns'}"
            )


def token_key(mapping: Mapping) -> bytes:
    """Return the key of tokens.

    Raises:
        UserError: real data is to be hashed, and there is no secret or a short one.
    """
    sources: list[Any] = [value for _, value in mapping.columns if isinstance(value, Source)]
    secret = load(FileSettings).token_key.get_secret_value()
    if secret and len(secret) < SHORTEST_KEY:
        raise UserError(f"PRODUCER_TOKEN_KEY has {len(secret)} characters: take {SHORTEST_KEY} or more, at random")
    if not secret and not mapping.invented and any(source.hash_of for source in sources):
        raise UserError(
            "the mapping hashes columns, and PRODUCER_TOKEN_KEY is not set: set it to a secret of"
            f" {SHORTEST_KEY} characters or more, or say invented = true in the mapping if no card in the file is real"
        )
    return hashlib.sha256((secret or PUBLISHED_KEY).encode()).digest()


def _label_file(path: Path | str | None, mapping: Mapping, key: bytes) -> LabelFile | None:
    label = mapping.label
    apart = label is not None and label.transaction is not None
    if path is None:
        if apart:
            raise UserError(
                "the mapping says label.transaction, so labels are in a file of their own: give --labels FILE"
            )
        return None
    if label is None or not apart:
        raise UserError(
            f"--labels {path} needs label.transaction in the mapping: the column of the transaction's id there"
        )
    table = open_table(Path(path), mapping.file)
    columns = wanted_labels(label)
    check_columns(table, columns)
    return LabelFile(table, label, list(columns), key)

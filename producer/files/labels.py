"""Labels in a file of their own: kept in memory by transaction id until their transaction comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from producer.files.cells import text_of
from producer.files.convert import Found, places, truth
from producer.files.mapping import Truth
from producer.files.problems import BadCellError, BadRow
from producer.files.reader import Row, Table

Refuse = Callable[[BadRow], None]


class LabelFile:
    """The truth by transaction id."""

    def __init__(self, table: Table, label: Truth, columns: Sequence[str], key: bytes) -> None:
        """Read `columns` of `table` as `label` says, whose `transaction` is set."""
        if label.transaction is None:
            raise ValueError("label.transaction names the column of the transaction's id")
        index = places(columns)
        self._table, self._columns = table, columns
        self._column = " and ".join(label.transaction.columns)
        self._id = text_of(label.transaction, index, key)
        self._truth = truth(label, index, key)
        self._found: dict[str, tuple[int, Found | None]] = {}
        self._used: set[str] = set()

    def read(self, refuse: Refuse) -> None:
        """Read all labels; what can't be used is refused."""
        self._found, self._used = {}, set()
        for row in self._table.rows(self._columns):
            try:
                self._keep(row)
            except BadCellError as error:
                refuse(self._bad(row.number, error.column, error.reason))

    def take(self, transaction_id: str) -> Found | None:
        """Return the truth about a transaction; None: there is none."""
        _, found = self._found.get(transaction_id, (0, None))
        self._used.add(transaction_id)
        return found

    def check_all_used(self, refuse: Refuse) -> None:
        """Refuse labels of transactions that never came."""
        for transaction_id, (number, _) in self._found.items():
            if transaction_id not in self._used:
                reason = f"transaction {transaction_id[:40]!r} is unknown: no row of the transactions has this id"
                refuse(self._bad(number, self._column, reason))

    def _keep(self, row: Row) -> None:
        if row.problem:
            raise BadCellError("", row.problem)
        transaction_id = self._id(row.cells)
        if not transaction_id:
            raise BadCellError(self._column, "is empty: there must be a transaction's id")
        if transaction_id in self._found:
            first = self._found[transaction_id][0]
            raise BadCellError(
                self._column, f"transaction {transaction_id[:40]!r} has a label in {self._table.unit} {first} already"
            )
        self._found[transaction_id] = (row.number, self._truth(row.cells))

    def _bad(self, number: int, column: str, reason: str) -> BadRow:
        return BadRow(self._table.name, f"{self._table.unit} {number}", column or None, reason)

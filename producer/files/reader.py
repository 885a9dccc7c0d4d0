"""Rows of a CSV or Parquet file, one after the other: no file is ever in memory as a whole.

CSV is read by Python's own `csv`, which counts lines as an editor does; Parquet by pyarrow, a row group at a time.
"""

from __future__ import annotations

import csv
import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TextIO

from producer.files.mapping import FileShape
from schemas.errors import UserError

Cells = Sequence[Any]
"""The wanted columns' values of a row: text in CSV, Python values in Parquet; None or an empty text: no value."""

CSV_ENDINGS: Final = (".csv", ".tsv", ".txt")
PARQUET_ENDINGS: Final = (".parquet", ".pq")
LONGEST_CELL: Final = 131_072
"""Characters of a CSV cell; a longer one is a quote that never ends."""
BATCH_ROWS: Final = 20_000
LOOK_BYTES: Final = 64
"""So many bytes tell what a file is."""
_MAGIC: Final = {
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\x80\x04": "pickle",
    b"\x80\x05": "pickle",
}
_PICKLE: Final = (
    "read it with pandas and save it with to_parquet or to_csv; pickles run code, so they are not opened here"
)


class Row(NamedTuple):
    """A row's place in the file, and its cells or what is wrong with its shape."""

    number: int
    cells: Cells
    problem: str | None = None


class Table(Protocol):
    """A file with named columns."""

    name: str
    unit: str
    """What `Row.number` counts: `line` or `row`."""
    columns: tuple[str, ...]

    def rows(self, wanted: Sequence[str]) -> Iterator[Row]:
        """Yield the rows in the file's order, with the wanted columns in the order wanted."""


def open_table(path: Path, shape: FileShape) -> Table:
    """Return the file by its ending.

    Raises:
        UserError: it isn't there, is empty, isn't what its ending says, or can't be read.
    """
    with _readable(path), path.open("rb") as file:
        magic = file.read(LOOK_BYTES)
    if not magic.strip(b"\xef\xbb\xbf \r\n"):
        raise UserError(f"{path.name} is empty: there is no header and there are no transactions")
    kind = next((kind for start, kind in _MAGIC.items() if magic.startswith(start)), None)
    ending = path.suffix.lower()
    if kind == "pickle" or ending in {".pkl", ".pickle"}:
        raise UserError(f"{path.name} is a pickle: {_PICKLE}")
    if kind in {"gzip", "zip"}:
        raise UserError(f"{path.name} is compressed ({kind}): unpack it first")
    if ending not in CSV_ENDINGS + PARQUET_ENDINGS:
        raise UserError(f"{path.name} ends in {ending or 'nothing'}: rename it to .csv or .parquet, whichever it is")
    if (kind == "Parquet") != (ending in PARQUET_ENDINGS):
        is_really = "Parquet" if kind else "no Parquet (a copy that was cut off?)"
        raise UserError(f"{path.name} ends in {ending} and is {is_really}: rename it, or fetch it again")
    return ParquetTable(path) if kind else CsvTable(path, shape)


class CsvTable:
    """A CSV in UTF-8, with or without byte order mark, with a header."""

    unit = "line"

    def __init__(self, path: Path, shape: FileShape) -> None:
        """Read the header."""
        self.name = path.name
        self._path = path
        self._delimiter = "\t" if path.suffix.lower() == ".tsv" and shape.delimiter == "," else shape.delimiter
        with self._open() as file:
            self.columns = tuple(next(self._reader(file), ()))
        if not self.columns:
            raise UserError(f"{self.name} begins with a blank line: its first line must be the header")
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise UserError(
                f"{self.name} has two columns named {', '.join(map(repr, twice))}: rename one in its header"
            )

    def rows(self, wanted: Sequence[str]) -> Iterator[Row]:
        """Yield the rows; blank lines are none."""
        places, width = [self.columns.index(name) for name in wanted], len(self.columns)
        with self._open() as file:
            reader = self._reader(file)
            next(reader)
            line = reader.line_num + 1
            for cells in reader:
                if len(cells) == width:
                    yield Row(line, [cells[place] for place in places])
                elif cells:
                    yield Row(line, (), f"has {len(cells)} cells, the header has {width}: is a cell not quoted?")
                line = reader.line_num + 1

    def _reader(self, file: _Lines) -> Any:
        return csv.reader(file, delimiter=self._delimiter, strict=True)

    @contextmanager
    def _open(self) -> Iterator[_Lines]:
        csv.field_size_limit(LONGEST_CELL)
        with _readable(self._path), self._path.open(encoding="utf-8-sig", newline="") as file:
            counted = _Lines(file)
            try:
                yield counted
            except csv.Error as error:
                raise UserError(f"{self.name}, line {counted.number}: {_explained(error)}") from None
            except UnicodeDecodeError as error:
                where = f"after line {counted.number}"
                raise UserError(f"{self.name} is not UTF-8 ({where}: {error.reason}): save it as UTF-8") from None


class _Lines:
    """Counts the lines that are read, for errors."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self.number += 1
        return line


def _explained(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text:
        return f"a cell has more than {LONGEST_CELL:,} characters: does a quote that begins before it never end?"
    if "unexpected end" in text:
        return "the file ends inside quotes: it is cut off, or a quote never ends"
    return f"{text}: write quotes inside quoted cells twice, and separate cells by the mapping's file.delimiter"


class ParquetTable:
    """A Parquet file."""

    unit = "row"

    def __init__(self, path: Path) -> None:
        """Read its footer."""
        self.name = path.name
        self._arrow = _pyarrow()
        with self._explained(), _readable(path):
            self._file = importlib.import_module("pyarrow.parquet").ParquetFile(path)
        self.columns = tuple(self._file.schema_arrow.names)

    def rows(self, wanted: Sequence[str]) -> Iterator[Row]:
        """Yield the rows, a batch in memory at a time."""
        self._check_types(wanted)
        number = 0
        with self._explained():
            for batch in self._file.iter_batches(batch_size=BATCH_ROWS, columns=list(wanted)):
                columns = [self._plain(batch.column(name)).to_pylist() for name in wanted]
                for cells in zip(*columns, strict=True):
                    number += 1
                    yield Row(number, cells)

    def _check_types(self, wanted: Sequence[str]) -> None:
        kinds = self._arrow.types
        for name in wanted:
            kind = self._file.schema_arrow.field(name).type
            if any(test(kind) for test in (kinds.is_nested, kinds.is_binary, kinds.is_large_binary)):
                raise UserError(f"{self.name}, column {name} is of type {kind}: make it a text, a number or a time")

    def _plain(self, column: Any) -> Any:
        """Return the column with times in microseconds, which Python's datetime has."""
        kind = column.type
        if self._arrow.types.is_timestamp(kind):
            return column.cast(self._arrow.timestamp("us", kind.tz), safe=False)
        return column

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OverflowError as error:
            raise UserError(f"{self.name} holds a time that no calendar has ({error}): correct it") from None
        except (self._arrow.ArrowException, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise UserError(
                f"{self.name} is broken Parquet, perhaps cut off ({reason}): fetch or make it again"
            ) from None


def _pyarrow() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        raise UserError(
            "Parquet needs pyarrow, which is not installed: run `make setup`, or `pip install 'pyarrow>=21'`,"
            " or save the file as CSV"
        ) from None


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.strerror is None:
            raise
        raise UserError(f"{path} can't be read: {error.strerror}") from None

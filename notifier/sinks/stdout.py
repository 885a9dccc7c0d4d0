"""Entries as lines of JSON on standard output."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import TextIO

from notifier import java_json
from notifier.envelope import Entry
from notifier.settings import NotifierSettings
from notifier.sinks.base import Accepted, Result
from schemas.errors import UserError


class StdoutSink:
    """Writes one line an entry: source, detail-type, detail."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`."""
        self._out = out
        self._lock = threading.Lock()
        self._written = 0

    @classmethod
    def from_settings(cls, _: NotifierSettings) -> StdoutSink:
        """Write to the standard output of the process, in UTF-8."""
        return cls(open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False))

    def check(self) -> None:
        """Find nothing wrong."""

    def put(self, entries: Sequence[Entry]) -> list[Result]:
        """Write a line for each entry, and all of them before returning.

        Raises:
            UserError: nobody reads the output any more, or it can't be written.
        """
        with self._lock:
            try:
                self._out.writelines(_line(entry) for entry in entries)
                self._out.flush()
            except OSError as error:
                raise UserError(f"standard output can't be written: {error.strerror}; see where it goes") from None
            first = self._written
            self._written += len(entries)
        return [Accepted(str(first + n)) for n in range(1, len(entries) + 1)]


def _line(entry: Entry) -> str:
    return (
        java_json.obj(
            [
                ("source", java_json.string(entry.source)),
                ("detail-type", java_json.string(entry.detail_type)),
                ("detail", entry.detail),
            ]
        )
        + "\n"
    )

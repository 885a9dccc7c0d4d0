"""How a pattern is refused: the reason in the service's words, and where in the text it lies."""

from __future__ import annotations

SHOWN_CHARACTERS = 500
"""So much of the pattern's text an error quotes."""


class InvalidPatternError(ValueError):
    """A text that is no event pattern. Its message reads as the service's `InvalidEventPatternException`."""

    def __init__(self, reason: str, *, text: str = "", at: int | None = None, path: str = "") -> None:
        """`at` is the offset in `text` that the reason is about, `path` the dotted field in which it lies."""
        self.reason = reason
        self.path = path
        self.line = self.column = None if at is None else 1
        if at is not None:
            self.line = text.count("\n", 0, at) + 1
            self.column = at - text.rfind("\n", 0, at)
        super().__init__(f"Event pattern is not valid. Reason: {reason}{self._place(text)}")

    def _place(self, text: str) -> str:
        inside = f" in {self.path}" if self.path else ""
        if self.line is None:
            return inside
        rest = len(text) - SHOWN_CHARACTERS
        shown = text[:SHOWN_CHARACTERS] + (f"[truncated {rest} chars]" if rest > 0 else "")
        return f'{inside} at [Source: (String)"{shown}"; line: {self.line}, column: {self.column}]'

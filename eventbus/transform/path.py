"""The part of JSONPath that EventBridge takes: `$`, `.name`, `[0]`, `[*]` and `.*`, on a JSON text.

A path selects a slice of the text, not a parsed value, so a number or a string leaves as it came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

Step = str | int | None
"""A member's name, an element's index, or None: all of them."""

_STEP: Final = re.compile(r"\.(?P<name>[^.\[\]*]+)|\[(?P<index>\d{1,9})\]|(?P<all>\.\*|\[\*\])")
_SPACE: Final = r"[ \t\n\r]*"
_KEY: Final = re.compile(rf'{_SPACE},?{_SPACE}"([^"\\]*(?:\\.[^"\\]*)*)"{_SPACE}:{_SPACE}')
_BEFORE_ELEMENT: Final = re.compile(rf"{_SPACE},?{_SPACE}(?=[^\] \t\n\r])")
_DECODER: Final = json.JSONDecoder()


@lru_cache(maxsize=1024)
def parse(path: str) -> tuple[Step, ...] | None:
    """Return the steps of a path, or None for a syntax that EventBridge would not follow either."""
    if not path.startswith("$"):
        return None
    steps: list[Step] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            return None
        name, index = found["name"], found["index"]
        steps.append(name if name is not None else int(index) if index is not None else None)
        at = found.end()
    return tuple(steps)


def select(text: str, path: str) -> str | None:
    """Return the one part of a JSON text at `path`; for several paths of a text, keep its `Document`."""
    return Document(text).select(path)


class Document:
    """A JSON text, valid, each object and array of which is taken apart once at most."""

    def __init__(self, text: str) -> None:
        """Begin with nothing taken apart."""
        self.text = text.strip()
        self._objects: dict[int, dict[str, tuple[int, int]]] = {}
        self._arrays: dict[int, list[tuple[int, int]]] = {}

    def select(self, path: str) -> str | None:
        """Return the text at `path`, with a wildcard an array of all that it finds; None when nothing is there."""
        steps = parse(path)
        if steps is None:
            return None
        spans = [(0, len(self.text))]
        for step in steps:
            spans = [child for start, _ in spans for child in self._children(start, step)]
        found = [self.text[start:end] for start, end in spans]
        if None in steps:
            return f"[{','.join(found)}]"
        return found[0] if found else None

    def members(self, at: int = 0) -> dict[str, tuple[int, int]]:
        """Return where the values of the object at `at` start and end; of two with one name the last counts."""
        found = self._objects.get(at)
        if found is None:
            found = self._objects[at] = dict(_members(self.text, at))
        return found

    def _elements(self, at: int) -> list[tuple[int, int]]:
        found = self._arrays.get(at)
        if found is None:
            found = self._arrays[at] = list(_elements(self.text, at))
        return found

    def _children(self, at: int, step: Step) -> list[tuple[int, int]]:
        """Return where one step leads from the value at `at`."""
        if self.text[at] == "{" and not isinstance(step, int):
            members = self.members(at)
            return list(members.values()) if step is None else [members[step]] if step in members else []
        if self.text[at] == "[" and not isinstance(step, str):
            elements = self._elements(at)
            return elements if step is None else elements[step : step + 1]
        return []


def _members(text: str, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
    at += 1
    while (key := _KEY.match(text, at)) is not None:
        at = _DECODER.raw_decode(text, key.end())[1]
        name = key[1]
        yield json.loads(f'"{name}"') if "\\" in name else name, (key.end(), at)


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    at += 1
    while (before := _BEFORE_ELEMENT.match(text, at)) is not None:
        at = _DECODER.raw_decode(text, before.end())[1]
        yield before.end(), at

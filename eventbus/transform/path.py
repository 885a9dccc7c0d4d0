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
_SPACE: Final = re.compile(r"[ \t\n\r]*")
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
    """Return the JSON text at `path`, with a wildcard an array of all that it finds; None when nothing is there."""
    steps = parse(path)
    if steps is None:
        return None
    found = [text[start:end] for start, end in _follow(text, _skip(text, 0), steps)]
    if None in steps:
        return f"[{','.join(found)}]"
    return found[0] if found else None


def members(text: str, at: int = 0) -> Iterator[tuple[str, int, int]]:
    """Yield the name of each member of the object that starts at `at`, and where its value starts and ends."""
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        end = _end(text, start)
        yield name, start, end
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    at = _skip(text, at + 1)
    while text[at] != "]":
        end = _end(text, at)
        yield at, end
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _follow(text: str, at: int, steps: tuple[Step, ...]) -> Iterator[tuple[int, int]]:
    if not steps:
        yield at, _end(text, at)
        return
    for start in _children(text, at, steps[0]):
        yield from _follow(text, start, steps[1:])


def _children(text: str, at: int, step: Step) -> list[int]:
    """Return where the values start to which one step leads from the value at `at`."""
    if text[at] == "{" and not isinstance(step, int):
        found = {name: start for name, start, _ in members(text, at)}  # of two members with one name, the last
        return list(found.values()) if step is None else [found[step]] if step in found else []
    if text[at] == "[" and not isinstance(step, str):
        starts = [start for start, _ in _elements(text, at)]
        return starts if step is None else starts[step : step + 1]
    return []


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _end(text: str, at: int) -> int:
    return _DECODER.raw_decode(text, at)[1]

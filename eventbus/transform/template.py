r"""An InputTemplate: JSON, or lines of quoted text, with `<name>` where a variable goes.

What a variable becomes depends on where it stands. Source: EventBridge user guide, input transformation.

| stands | string | number, boolean, null | object, array | nothing there |
|---|---|---|---|---|
| as a value | in quotes | as it is | as it is | `""` |
| within quotes | without its quotes | as it is | without any quotes | empty |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_PLACEHOLDER: Final = re.compile(r"<([A-Za-z0-9_.\-]+)>")
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_STRING_OR_SPACE: Final = re.compile(rf"({_STRING.pattern})|[ \t\n\r]+", re.DOTALL)
_QUOTE_OR_ESCAPE: Final = re.compile(r'\\.|"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A variable's place in a template."""

    name: str
    quoted: bool
    """Whether it stands within a string."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template, taken apart."""

    parts: tuple[str | Placeholder, ...]
    is_object: bool
    """Whether it makes a JSON object: only there may the event itself be put."""

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """The variables, in order."""
        return tuple(part for part in self.parts if isinstance(part, Placeholder))

    def fill(self, value_of: Callable[[str], str | None]) -> str:
        """Return the text with each variable's JSON text in its place; a JSON object comes out without spaces."""
        text = "".join(part if isinstance(part, str) else _placed(part, value_of(part.name)) for part in self.parts)
        return minified(text) if self.is_object else text


@lru_cache(maxsize=1024)
def parse(text: str) -> Template:
    """Take a template apart."""
    text = text.strip()
    return Template(tuple(_parts(text)), text.startswith("{"))


def minified(text: str) -> str:
    """Return a JSON text without the white space between its tokens."""
    return _STRING_OR_SPACE.sub(lambda found: found[1] or "", text)


def _parts(text: str) -> Iterator[str | Placeholder]:
    strings = [found.span() for found in _STRING.finditer(text)]
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        yield text[end : found.start()]
        yield Placeholder(found[1], any(start < found.start() < stop for start, stop in strings))
        end = found.end()
    yield text[end:]


def _placed(place: Placeholder, value: str | None) -> str:
    if value is None:
        return "" if place.quoted else '""'
    if not place.quoted:
        return value
    return value[1:-1] if value.startswith('"') else _without_quotes(minified(value))


def _without_quotes(value: str) -> str:
    return _QUOTE_OR_ESCAPE.sub(lambda found: "" if found[0] in {'"', '\\"'} else found[0], value)

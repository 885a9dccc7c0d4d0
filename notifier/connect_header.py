"""A header's bytes, typed as Kafka Connect's SimpleHeaderConverter types them, as JSON.

The converter reads text and guesses: number, true, false, null, ISO date or time, [array], {map}, else a
string. Its guesses are odd in places (`1.0` is 1, `1,2` is 1, `{1:2}` is `[[1,2]]`) and kept, because
routing rules see them. `tests/unit/test_notifier_vectors.json` holds what the converter itself said. Where
it fails, the connector has no answer; then a null stays null, a container stays itself, and the rest is a string.
"""

from __future__ import annotations

import re
from typing import Final

from notifier import java_json
from notifier.connect_types import BLANKS, Kind, Node, NotTypedError, Typed, aligned, json_text, number_of, temporal_of

_TOKEN: Final = re.compile(r'[:,{}\[\]"]|(?:\\.?|[^:,{}\[\]"\\])+', re.DOTALL)
_TIME_TOKENS: Final = 5


def header(data: bytes | None) -> str:
    """Return the JSON of one header's value."""
    if data is None:
        return "null"
    text = java_json.utf8(data)
    try:
        return json_text(_parse(text))
    except (NotTypedError, RecursionError):
        return java_json.string(text)


def _parse(text: str) -> Node:
    if not text:
        return Typed(Kind.STRING, text)
    reader = _Reader(text)
    for literal, node in _LITERALS.items():
        if reader.consume(literal) and not reader.more():
            return node
        reader.at = 0
    try:
        node = reader.container()
    except NotTypedError:
        if not reader.tokens[0].strip(BLANKS):
            return Typed(Kind.STRING, reader.tokens[0])  # odd, but so it says
        raise
    return node or reader.scalar() or Typed(Kind.STRING, text)


class _Reader:
    """Walks over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        self.at = 0

    def more(self) -> bool:
        return self.at < len(self.tokens)

    def consume(self, wanted: str) -> bool:
        """Step over blank tokens, and over `wanted` if it stands there."""
        while self.at < len(self.tokens) - 1 and not self.tokens[self.at].strip(BLANKS):
            self.at += 1
        found = self.more() and self.tokens[self.at].strip(BLANKS) == wanted
        self.at += found
        return found

    def container(self) -> Node:
        """Return the array or map that begins here, or None."""
        if self.consume("["):
            return self.array()
        return self.map() if self.consume("{") else None

    def embedded(self) -> Node:
        """Return an element of an array, or a key or a value of a map."""
        if not self.more():
            return None
        if self.consume('"'):
            return self.quoted()
        for literal, node in _LITERALS.items():
            if self.consume(literal):
                return node
        node = self.container() or self.scalar()
        if node is None:
            raise NotTypedError
        return node

    def quoted(self) -> Typed:
        parts = []
        while self.more() and not self.consume('"'):
            parts.append(self.tokens[self.at])
            self.at += 1
        content = "".join(parts)
        as_temporal = _Reader(content).scalar() if content[:1].isdigit() else None
        return as_temporal if as_temporal and as_temporal.temporal else Typed(Kind.STRING, content)

    def scalar(self) -> Typed | None:
        """Return the number, date or time that begins here, or None; one token is used up at least."""
        token = self.tokens[self.at]
        self.at += 1
        stripped = token.strip(BLANKS)
        if not stripped:
            return Typed(Kind.STRING, token)
        if stripped[0].isdigit():
            # A colon ends a token, so a time of day is five of them.
            rest = self.tokens[self.at : self.at + _TIME_TOKENS - 1]
            found = temporal_of(stripped + "".join(rest)) if len(rest) == _TIME_TOKENS - 1 else None
            if found:
                self.at += len(rest)
                return found
        return temporal_of(stripped) or number_of(stripped)

    def array(self) -> Typed:
        items: list[Node] = []
        while self.more():
            if self.consume("]"):
                return Typed(Kind.ARRAY, aligned(items))
            if self.consume(","):
                break
            items.append(self.embedded())
            ends = self.consume("]")
            self.at -= ends
            if not ends and not self.consume(","):
                break
        raise NotTypedError

    def map(self) -> Typed:
        keys: list[Node] = []
        values: list[Node] = []
        while self.more():
            if self.consume("}"):
                return Typed(Kind.MAP, list(zip(aligned(keys), aligned(values), strict=True)))
            if self.consume(","):
                break
            keys.append(self.embedded())
            if keys[-1] is None or not self.consume(":"):
                break
            values.append(self.embedded())
            self.consume(",")
        raise NotTypedError


_LITERALS: Final[dict[str, Node]] = {
    "null": None,
    "true": Typed(Kind.BOOLEAN, value=True),
    "false": Typed(Kind.BOOLEAN, value=False),
}

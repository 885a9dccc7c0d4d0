"""A pattern's JSON text as a tree that remembers where everything stands, and numbers as they are written.

Without recursion: a pattern may be nested as deeply as its length allows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from json import dumps, loads
from typing import Literal

from eventbus.pattern.errors import InvalidPatternError

TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
      (?P<mark>[{}\[\]:,])
    | (?P<string>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")
    | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![0-9A-Za-z_.+-])
    | (?P<bare>(?:true|false|null)(?![0-9A-Za-z_]))
    )""",
    re.VERBOSE,
)
STRING_BEGUN = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*')
"""As much of a string as is valid."""
Kind = Literal["object", "array", "string", "number", "bare"]


@dataclass(frozen=True, slots=True)
class Node:
    """One JSON value: `text` is a string's content, a number's or a literal's own text."""

    kind: Kind
    start: int
    text: str = ""
    members: list[tuple[str, int, Node]] = field(default_factory=list)
    """An object's (key, where the key stands, value), in order, repeated keys too."""
    items: list[Node] = field(default_factory=list)


class Reader:
    """Reads tokens of `text` one after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def document(self) -> Node:
        """The outermost value. Raises `InvalidPatternError` where the text is no JSON."""
        root = self._value()
        around = [root]
        while around:
            if (node := self._next_in(around[-1])) is None:
                around.pop()
            elif node.kind in {"object", "array"}:
                around.append(node)
        if self.text[self.at :].strip(" \t\n\r"):
            raise self._unexpected("expected the end of the pattern")
        return root

    def _next_in(self, parent: Node) -> Node | None:
        """Read the next member or item into `parent`; None at its end."""
        close, filled = ("}", parent.members) if parent.kind == "object" else ("]", parent.items)
        if parent.kind not in {"object", "array"} or self._skip(close):
            return None
        if filled and not self._skip(","):
            raise self._unexpected(f"was expecting comma to separate {parent.kind} entries")
        if parent.kind == "array":
            parent.items.append(node := self._value())
            return node
        key = "was expecting double-quote to start field name"
        kind, token, start = self._token(key)
        if kind != "string":
            raise self._unexpected(key, start)
        if not self._skip(":"):
            raise self._unexpected("was expecting a colon to separate field name and value")
        parent.members.append((loads(token), start, node := self._value()))
        return node

    def _value(self) -> Node:
        kind, token, start = self._token()
        match kind:
            case "string":
                return Node("string", start, loads(token))
            case "number":
                return Node("number", start, token)
            case "bare":
                return Node("bare", start, token)
        if token == "{":  # noqa: S105 - a bracket is no secret
            return Node("object", start)
        if token == "[":  # noqa: S105 - as above
            return Node("array", start)
        raise self._unexpected("expected a valid value", start)

    def _token(self, expected: str = "expected a valid value") -> tuple[str, str, int]:
        found = TOKEN.match(self.text, self.at)
        if found is None or found.lastgroup is None:
            raise self._unexpected(expected)
        self.at = found.end()
        return found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)

    def _skip(self, mark: str) -> bool:
        """Whether the next token is `mark`; if so it is read."""
        found = TOKEN.match(self.text, self.at)
        if found is None or found["mark"] != mark:
            return False
        self.at = found.end()
        return True

    def _unexpected(self, expected: str, at: int | None = None) -> InvalidPatternError:
        start = self.at if at is None else at
        while start < len(self.text) and self.text[start] in " \t\n\r":
            start += 1
        if start >= len(self.text):
            return InvalidPatternError(f"Unexpected end-of-input: {expected}", text=self.text, at=start)
        if (char := self.text[start]) == '"' and "value" in expected:
            return self._bad_string(start)
        reason = f"Unexpected character ('{char}' (code {ord(char)})): {expected}"
        return InvalidPatternError(reason, text=self.text, at=start)

    def _bad_string(self, start: int) -> InvalidPatternError:
        begun = STRING_BEGUN.match(self.text, start)
        at = begun.end() if begun else start
        if at == len(self.text):
            reason = "Unexpected end-of-input: was expecting closing quote for a string value"
        elif self.text[at] == "\\":
            reason = f"Unrecognized character escape '{self.text[at + 1 : at + 2]}'"
        else:
            reason = f"Illegal unquoted character ((CTRL-CHAR, code {ord(self.text[at])})): has to be escaped"
        return InvalidPatternError(reason, text=self.text, at=at)


def compact(node: Node) -> str:
    """The value as JSON without spaces, its numbers as they were written."""
    match node.kind:
        case "object":
            return (
                "{"
                + ",".join(f"{dumps(key, ensure_ascii=False)}:{compact(value)}" for key, _, value in node.members)
                + "}"
            )
        case "array":
            return "[" + ",".join(map(compact, node.items)) + "]"
        case "string":
            return dumps(node.text, ensure_ascii=False)
    return node.text

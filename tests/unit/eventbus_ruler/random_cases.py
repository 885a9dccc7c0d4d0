"""Random patterns and events from one small vocabulary, so that they meet often. Seeded: the same cases each time."""

# ruff: noqa: E501 - the vocabulary stands together

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

KEYS = ["a"] * 6 + ["b"] * 5 + ["c"] * 4 + ["a.b", "d", "é"]
TEXTS = [
    "", "a", "b", "ab", "abc", "abcabc", "A", "AB", "aB", "a*", "a*b", "\\", "a\\b", 'a"b', 'b"', "ba", "1", "1.0", "true",
    "null", "ß", "SS", "ss", "é", "É", "K", "k", "\u212a", "İ", "i", "Σ", "ς", "ǆ", "ǅ", "日本", "😀", "\n", "ﬁ", "FI",
    "10.0.0.1", "10.0.0.5", "10.0.1.1", "::1", "2001:db8::1", "::ffff:a00:1", "256.1.1.1",
]  # fmt: skip
NUMBERS = [
    "0", "-0", "1", "1.0", "1e0", "10e-1", "100", "1e2", "0.1", "0.10", "-1", "5", "5.5", "7", "10", "301.8", "3.018e2",
    "123456789012", "9007199254740993", "0.1234567", "1e400", "3.0000001", "-12.5", "1000000",
]  # fmt: skip
MASKS = ["/8", "/24", "/30", "/31", "/32", "/64", "/127", "/128", "/0", "", "/a"]
PIECES = ["a", "b", "ab", "c", "é", "*", "*", "\\*", "\\\\"]
JUNK = ["null", "true", "1", '"a"', "[]", "{}", '["a"]', '{"prefix":"a"}']


class Dice:
    """Draws texts of JSON; `arrays` is the share of an event's values that are arrays."""

    def __init__(self, seed: int, arrays: float = 0.2) -> None:
        self.random = Random(seed)  # noqa: S311 - test cases, no secrets
        self.arrays = arrays

    def one_of(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def rarely(self, common: str, share: float = 0.04) -> str:
        return self.random.choice(JUNK) if self.random.random() < share else common

    def text(self) -> str:
        if self.random.random() < 0.7:
            return self.random.choice(TEXTS)
        return "".join(self.random.choice("aabB*.é") for _ in range(self.random.randint(0, 5)))

    def string(self) -> str:
        return json.dumps(self.text(), ensure_ascii=False)

    def number(self) -> str:
        return self.random.choice(NUMBERS)

    def wildcard(self) -> str:
        return json.dumps("".join(self.random.choice(PIECES) for _ in range(self.random.randint(0, 5))))

    def listed(self, draw: Any) -> str:
        return "[" + ",".join(draw() for _ in range(self.random.randint(1, 3))) + "]"

    def expression(self) -> str:
        kind = self.random.choice([
            "prefix", "suffix", "fold", "fold", "equals-ignore-case", "wildcard", "anything-but", "anything-but",
            "numeric", "numeric", "cidr", "exists", "exactly",
        ])  # fmt: skip
        if kind == "fold":
            return f'{{"{self.one_of("prefix", "suffix")}":{{"equals-ignore-case":{self.rarely(self.string())}}}}}'
        draws: dict[str, Callable[[], str]] = {
            "wildcard": self.wildcard,
            "anything-but": self.anything_but,
            "numeric": self.numeric,
            "cidr": lambda: json.dumps(self.one_of(*TEXTS[-7:]) + self.random.choice(MASKS)),
            "exists": lambda: self.one_of("true", "false", "false"),
        }
        return f'{{"{kind}":{self.rarely(draws.get(kind, self.string)())}}}'

    def anything_but(self) -> str:
        if self.random.random() < 0.4:
            draw = self.one_of(self.string, self.number)
            return str(self.one_of(draw(), self.listed(draw)))
        name = self.one_of("prefix", "suffix", "equals-ignore-case", "wildcard")
        draw = self.wildcard if name == "wildcard" else self.string
        return f'{{"{name}":{self.one_of(self.rarely(draw()), self.listed(draw))}}}'

    def numeric(self) -> str:
        if self.random.random() < 0.3:
            return f'["=",{self.rarely(self.number())}]'
        if self.random.random() < 0.5:
            return f'["{self.one_of("<", "<=", ">", ">=")}",{self.rarely(self.number())}]'
        return f'["{self.one_of(">", ">=")}",{self.number()},"{self.one_of("<", "<=")}",{self.number()}]'

    def wanted(self) -> str:
        draw = self.random.random()
        return self.string() if draw < 0.3 else self.number() if draw < 0.45 else self.expression()

    def pattern(self, depth: int = 2) -> str:
        members = []
        for _ in range(self.one_of(1, 1, 2, 2, 3)):
            draw, key = self.random.random(), json.dumps(self.random.choice(KEYS), ensure_ascii=False)
            if draw < 0.12 and depth:
                branches = [self.pattern(depth - 1) for _ in range(self.one_of(2, 2, 3, 1))]
                members.append(f'"$or":[{",".join(branches)}]')
            elif draw < 0.35 and depth:
                members.append(f"{key}:{self.pattern(depth - 1)}")
            else:
                members.append(f"{key}:{self.rarely(self.listed(self.wanted), 0.02)}")
        return "{" + ",".join(members) + "}"

    def value(self, depth: int) -> str:
        draw = self.random.random()
        if depth and draw < self.arrays:
            return "[" + ",".join(self.value(depth - 1) for _ in range(self.random.randint(0, 3))) + "]"
        if depth and draw < self.arrays + 0.25:
            return self.event(depth - 1)
        return str(self.one_of(self.string(), self.string(), self.number(), self.one_of("true", "null")))

    def event(self, depth: int = 3) -> str:
        keys = [json.dumps(self.random.choice(KEYS), ensure_ascii=False) for _ in range(self.random.randint(0, 4))]
        return "{" + ",".join(f"{key}:{self.value(depth)}" for key in keys) + "}"

    def event_like(self, pattern: Any) -> Any:
        """An event that has at each of the pattern's paths a value taken from what the pattern wants there."""
        if isinstance(pattern, list):
            return self.near(self.random.choice(pattern)) if pattern else []
        event: dict[str, Any] = {}
        for key, wanted in pattern.items():
            if key == "$or" and isinstance(wanted, list):
                event.update(self.event_like(self.random.choice(wanted)) if wanted else {})
            elif isinstance(wanted, (dict, list)):
                value = self.event_like(wanted)
                event[key] = self.one_of(value, value, value, [value], [value, json.loads(self.value(1))], [[value]])
        return event

    def near(self, wanted: Any) -> Any:
        while isinstance(wanted, dict) and wanted:
            wanted = next(iter(wanted.values()))
        if isinstance(wanted, list) and wanted:
            wanted = self.random.choice(wanted)
        if isinstance(wanted, str):
            text = wanted.replace("*", self.one_of("", "x", "*")).partition("/")[0]
            return self.one_of(text, text, text.upper(), text.lower(), text + "x", "x" + text)
        if isinstance(wanted, float) and wanted not in (float("inf"), float("-inf")):
            return self.one_of(wanted, wanted + 1, wanted - 0.5)
        return wanted if wanted != float("inf") else 1


def cases(count: int, seed: int = 60) -> list[tuple[str, str]]:
    """(pattern, event) pairs, as JSON texts; half of the events are made after the pattern."""
    found = []
    for number in range(count):
        dice = Dice(seed * 1_000_000 + number, arrays=0.2 if number % 3 else 0.5)
        pattern = dice.pattern(number % 3)
        like = json.dumps(dice.event_like(json.loads(pattern)), ensure_ascii=False)
        found.append((pattern, like if number % 4 else dice.event()))
    return found

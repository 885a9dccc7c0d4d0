"""From a pattern's text to its alternatives, refusing what the service refuses."""

from __future__ import annotations

from dataclasses import replace

from eventbus.pattern.alternative import Alternative, Field
from eventbus.pattern.complexity import TOO_COMPLEX, too_complex
from eventbus.pattern.conditions import Condition, NoneOf
from eventbus.pattern.document import Node, Reader, compact
from eventbus.pattern.errors import InvalidPatternError
from eventbus.pattern.event import Leaf
from eventbus.pattern.expressions import RefusedError, exact, expression

MAX_CHARACTERS = 4096
"""The service's limit for `EventPattern`."""
MAX_ALTERNATIVES = 1000
"""The service's limit for combinations of `$or`."""
MAX_FIELDS = 256
"""The service's limit for fields in one alternative."""
OR = "$or"
NO_OBJECT = "Filter is not an object"
RESERVED = frozenset(
    [
        "exactly",
        "equals-ignore-case",
        "prefix",
        "suffix",
        "anything-but",
        "exists",
        "wildcard",
        "numeric",
        "cidr",
        "=",
        "<",
        "<=",
        ">",
        ">=",
        "regex",
        "not-wildcard",
        "not-equals-ignore-case",
        "date-after",
        "date-on-or-after",
        "date-before",
        "date-on-or-before",
        "in-date-range",
        "ip-address-in-range",
        "ip-address-not-in-range",
    ]
)
"""No names for fields inside `$or`: there they could be meant as operators."""

Rules = list[dict[str, Field]]


def compile_alternatives(text: str) -> tuple[Alternative, ...]:
    """The alternatives of the pattern. Raises `InvalidPatternError`."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidPatternError(f"Event pattern is longer than {MAX_CHARACTERS} characters: {len(text)}")
    try:
        return tuple(map(Alternative, _rules(text)))
    except RecursionError:
        raise InvalidPatternError("Event pattern is nested too deeply") from None


def _rules(text: str) -> Rules:
    if not text.strip():
        raise InvalidPatternError(NO_OBJECT)
    root = Reader(text).document()
    try:
        return _Compiler(text, or_is_a_field=False).rules(root)
    except InvalidPatternError as refused:
        if f'"{OR}"' not in text:
            raise
        try:  # a `$or` that is no list of alternatives may be a field of that name
            return _Compiler(text, or_is_a_field=True).rules(root)
        except InvalidPatternError:
            raise refused from None


class _Compiler:
    def __init__(self, text: str, *, or_is_a_field: bool) -> None:
        self._text = text
        self._or_is_a_field = or_is_a_field
        self._unusable: dict[Field, InvalidPatternError] = {}
        """Fields that are refused unless a later one takes their place."""

    def rules(self, root: Node) -> Rules:
        if root.kind != "object":
            raise self._refused(NO_OBJECT, root.start, ())
        rules = self._object([], (), root, inside_or=False)
        for rule in rules:
            if len(rule) > MAX_FIELDS:
                raise InvalidPatternError(f"Size of rule exceeds max value of {MAX_FIELDS}")
            for field in rule.values():
                if field in self._unusable:
                    raise self._unusable[field]
        return rules

    def _object(self, rules: Rules, steps: tuple[str, ...], node: Node, *, inside_or: bool) -> Rules:
        if not node.members:
            raise self._refused("Empty objects are not allowed", node.start, steps)
        for key, at, value in node.members:
            path = (*steps, key)
            if key == OR and not self._or_is_a_field:
                rules = self._any_of(rules, steps, value)
            elif inside_or and key in RESERVED:
                reason = f"{key} is Ruler reserved fieldName which cannot be used inside {OR}."
                raise self._refused(reason, at, path)
            elif value.kind == "object":
                rules = self._object(rules, path, value, inside_or=inside_or)
            elif value.kind == "array":
                field = self._field(path, value)
                rules = rules or [{}]
                for rule in rules:
                    rule[field.path] = field
            else:
                raise self._refused(f'"{key}" must be an object or an array', value.start, path)
        return rules

    def _any_of(self, rules: Rules, steps: tuple[str, ...], node: Node) -> Rules:
        """Each alternative so far, with each of the `$or`'s."""
        if node.kind != "array":
            raise self._refused(f"It must be an Array followed with {OR}.", node.start, (*steps, OR))
        combined: Rules = []
        for item in node.items:
            if item.kind != "object":
                reason = f"Only JSON object is allowed in array of {OR} relationship."
                raise self._refused(reason, item.start, (*steps, OR))
            combined += self._object([dict(rule) for rule in rules], steps, item, inside_or=True)
            if len(combined) > MAX_ALTERNATIVES:
                reason = f"More than {MAX_ALTERNATIVES} combinations of {OR}"
                raise self._refused(reason, node.start, (*steps, OR))
        if len(node.items) < 2:  # noqa: PLR2004 - a choice
            reason = f"There must have at least 2 Objects in {OR} relationship."
            raise self._refused(reason, node.start, (*steps, OR))
        return combined

    def _field(self, steps: tuple[str, ...], node: Node) -> Field:
        *outer, last = steps
        base = ".".join(outer)
        field = Field(f"{base}.{last}" if base else last, compact(node))
        if not node.items:
            raise self._refused("Empty arrays are not allowed", node.start, steps)
        empty_first: InvalidPatternError | None = None
        for item in node.items:
            try:
                field = self._with(field, item)
            except RefusedError as refused:
                raise self._refused(refused.reason, refused.node.start, steps) from None
            if item is node.items[0] and field.conditions == (NoneOf(()),):
                empty_first = self._refused("Empty arrays are not allowed", item.start, steps)
        if empty_first:
            self._unusable[field] = empty_first
        if too_complex(field.conditions):
            raise self._refused(TOO_COMPLEX, node.start, steps)
        return field

    def _with(self, field: Field, item: Node) -> Field:
        """The field that accepts what `item` says too."""
        if item.kind == "object" and self._or_is_a_field:
            _refuse_newer_operators(item)
        found: list[Condition | Leaf | None] = [expression(item)] if item.kind == "object" else [*exact(item)]
        for wanted in found:
            if wanted is None:
                field = replace(field, may_be_absent=True)
            elif isinstance(wanted, (str, float, tuple)):
                field = replace(field, exact=field.exact | {wanted})
            else:
                field = replace(field, conditions=(*field.conditions, wanted))
        return field

    def _refused(self, reason: str, at: int, steps: tuple[str, ...]) -> InvalidPatternError:
        return InvalidPatternError(reason, text=self._text, at=at, path=".".join(steps))


def _refuse_newer_operators(item: Node) -> None:
    """Where `$or` is a field, the service takes the pattern for an old one, from before these operators."""
    for name, _, value in item.members:
        if name != "anything-but" or not value.members:
            continue
        inner, _, operand = value.members[0]
        if inner == "wildcard":
            raise RefusedError("Unsupported anything-but pattern: wildcard", value)
        if inner in {"prefix", "suffix"} and operand.kind != "string":
            raise RefusedError("prefix/suffix match pattern must be a string", operand)

"""Resource policies of event buses: who else may use a bus. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

MAX_BYTES: Final = 10_240
"""Longest policy as JSON. Source: EventBridge quotas."""
_VERSION: Final = "2012-10-17"

Policy = Mapping[str, Any]


def allows(policy: Policy | None, account: str, action: str, bus_arn: str, facts: Mapping[str, str]) -> bool:
    """Whether a policy lets another account do `action` on a bus.

    `facts` are what conditions may ask about: `events:source`, `aws:SourceArn` ... A condition about anything else,
    such as an organization's id, is not met.
    """
    known = {key.casefold(): value for key, value in facts.items()}
    effects = {
        each.get("Effect")
        for each in _list((policy or {}).get("Statement"))
        if _applies(each, account, action, bus_arn) and _conditions_hold(each.get("Condition", {}), known)
    }
    return "Allow" in effects and "Deny" not in effects


def problem(text: str) -> str | None:
    """Return what is wrong with a policy's text, or None."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return "The policy is not valid JSON."
    if not isinstance(document, dict) or not isinstance(document.get("Statement"), dict | list):
        return "The policy must be an object with a Statement."
    return next((found for found in map(_wrong, _list(document["Statement"])) if found), None)


def _wrong(each: Any) -> str | None:
    """Return what is wrong with a statement, or None."""
    if not isinstance(each, dict):
        return "A statement of the policy must be an object."
    missing = [name for name in ("Effect", "Principal", "Action") if name not in each]
    if missing:
        return f"A statement of the policy has no {missing[0]}."
    if each["Effect"] not in ("Allow", "Deny"):
        return "The Effect of a statement must be Allow or Deny."
    who, tests = each["Principal"], each.get("Condition", {})
    texts = [each["Action"], each.get("Resource", "*"), *(who.values() if isinstance(who, dict) else [who])]
    if not isinstance(tests, dict) or not all(isinstance(test, dict) for test in tests.values()):
        return "The Condition of a statement must be an object of objects."
    texts += [wanted for test in tests.values() for wanted in test.values()]
    if not all(isinstance(text, str) for listed in texts for text in _list(listed)):
        return "Action, Resource, Principal and Condition of a statement hold texts, or lists of them."
    return None


def statement(
    statement_id: str, action: str, principal: str, bus_arn: str, condition: Mapping[str, str] | None = None
) -> Policy:
    """Return the statement that PutPermission makes of its arguments."""
    made: dict[str, Any] = {
        "Sid": statement_id,
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
        "Action": action,
        "Resource": bus_arn,
    }
    if condition:
        made["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    return made


def has_statement(policy: Policy | None, statement_id: str) -> bool:
    """Whether a policy has a statement of this id."""
    return any(each.get("Sid") == statement_id for each in _list((policy or {}).get("Statement")))


def with_statement(policy: Policy | None, added: Policy) -> Policy:
    """Return the policy with a statement; one of the same id is replaced."""
    rest = without_statement(policy, added["Sid"]) or {"Version": _VERSION, "Statement": []}
    return {**rest, "Statement": [*_list(rest["Statement"]), added]}


def without_statement(policy: Policy | None, statement_id: str) -> Policy | None:
    """Return the policy without a statement; None when none is left."""
    kept = [each for each in _list((policy or {}).get("Statement")) if each.get("Sid") != statement_id]
    return {**(policy or {}), "Statement": kept} if kept else None


def _applies(statement: Policy, account: str, action: str, bus_arn: str) -> bool:
    return (
        any(_like(action, each) for each in _list(statement.get("Action")))
        and any(_like(bus_arn, each) for each in _list(statement.get("Resource", "*")))
        and _is_meant(statement.get("Principal"), account)
    )


def _is_meant(principal: Any, account: str) -> bool:
    names = _list(principal.get("AWS")) if isinstance(principal, Mapping) else _list(principal)
    return bool({"*", account, f"arn:aws:iam::{account}:root"} & set(names))


def _like(value: str, pattern: str) -> bool:
    """Whether a text fits a pattern with `*` and `?`."""
    parts = ({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.casefold() == wanted.casefold(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
}
_NEGATED: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], known: Mapping[str, str]) -> bool:
    return all(
        _holds(operator, known.get(key.casefold()), _list(wanted))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, value: str | None, wanted: Sequence[str]) -> bool:
    name = operator.rpartition(":")[2]  # ForAnyValue: and ForAllValues: come to the same for one value
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    if value is None:
        return optional
    if name in _NEGATED:
        return not any(_TESTS[_NEGATED[name]](value, each) for each in wanted)
    return name in _TESTS and any(_TESTS[name](value, each) for each in wanted)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

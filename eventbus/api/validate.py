"""Checks a request against botocore's own model of EventBridge, in the service's own words.

What comes back has the members that the model knows and no others (the service ignores the rest too), no
nulls, and timestamps as milliseconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, cast

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from eventbus.api.errors import ApiError, invalid
from eventbus.api.times import milliseconds

_SHOWN: Final = 1_000
"""Most characters of a value that an error shows."""
_MOST: Final = 10
"""Most errors that one answer lists."""
_SAFE_PATTERNS: Final = {
    # These two, as the model has them, take exponential time on some texts; the same texts match these.
    r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$": r"\t*[^\x00-\x1F:\x7F][^\x00-\x08\x0A-\x1F:\x7F]*",
    r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$": r"\t*[\x20-\x7E][\x09\x20-\x7E]*",
}


@cache
def service_model() -> ServiceModel:
    """Return botocore's model of EventBridge."""
    return ServiceModel(Loader().load_service_model("events", "service-2"), "events")


def checked(operation: str, request: Any) -> dict[str, Any]:
    """Return `request` as the operation may use it.

    Raises:
        ApiError: SerializationException for a value of the wrong type, ValidationException for one that
            breaks a constraint; the latter names up to ten.
    """
    shape = service_model().operation_model(operation).input_shape
    return {} if shape is None else checked_shape(shape, request)


def checked_shape(shape: Shape, value: Any) -> dict[str, Any]:
    """Return `value` as a structure of `shape`; raises as `checked` does."""
    checker = _Checker()
    clean = checker.value(shape, value, "")
    found = checker.violations
    if found:
        count = f"{len(found)} validation error{'s' * (len(found) > 1)} detected"
        raise invalid(f"{count}: {'; '.join(found[:_MOST])}")
    return cast("dict[str, Any]", clean)


class _Checker:
    def __init__(self) -> None:
        self.violations: list[str] = []

    def value(self, shape: Shape, value: Any, path: str) -> Any:
        """Return `value` clean, and remember what is wrong with it."""
        if isinstance(shape, StructureShape):
            return self._structure(shape, value, path)
        if isinstance(shape, ListShape):
            return self._list(shape, value, path)
        if isinstance(shape, MapShape):
            return self._map(shape, value, path)
        clean = _SCALARS[shape.type_name](value, path)
        for constraint in _broken(shape, clean):
            self._violated(shape, clean, path, constraint)
        return clean

    def _violated(self, shape: Shape, value: Any, path: str, constraint: str) -> None:
        shown = "null" if value is None else f"'{shown_as(shape, value)[:_SHOWN]}'"
        self.violations.append(f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}")

    def _structure(self, shape: StructureShape, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _unexpected(value, "a structure", path)
        clean = {}
        for name, member in shape.members.items():
            below = f"{path}.{_camel(name)}" if path else _camel(name)
            if value.get(name) is not None:
                clean[name] = self.value(member, value[name], below)
            elif name in shape.required_members:
                self._violated(member, None, below, "Member must not be null")
        return clean

    def _list(self, shape: ListShape, value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise _unexpected(value, "a list", path)
        for constraint in _wrong_length(shape, value):
            self._violated(shape, value, path, constraint)
        if isinstance(shape.member, StructureShape):
            return [
                self.value(shape.member, each, f"{path}.{number}.member") for number, each in enumerate(value, start=1)
            ]
        clean = [_SCALARS[shape.member.type_name](each, path) for each in value]
        broken = dict.fromkeys(constraint for each in clean for constraint in _broken(shape.member, each))
        if broken:
            self._violated(shape, value, path, f"Member must satisfy constraint: [{', '.join(broken)}]")
        return clean

    def _map(self, shape: MapShape, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _unexpected(value, "a map", path)
        for constraint in _wrong_length(shape, value):
            self._violated(shape, value, path, constraint)
        clean = {key: _SCALARS[shape.value.type_name](each, path) for key, each in value.items()}
        for part, member, values in (("keys", shape.key, clean.keys()), ("value", shape.value, clean.values())):
            broken = dict.fromkeys(constraint for each in values for constraint in _broken(member, each))
            if broken:
                self._violated(shape, value, path, f"Map {part} must satisfy constraint: [{', '.join(broken)}]")
        return clean


def _broken(shape: Shape, value: Any) -> list[str]:
    """Return the constraints of a scalar that `value` breaks."""
    limits = shape.metadata
    if isinstance(value, str):
        broken = _wrong_length(shape, value)
        if "enum" in limits and value not in limits["enum"]:
            broken.append(f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]")
        if "pattern" in limits and not matches(limits["pattern"], value):
            broken.append(f"Member must satisfy regular expression pattern: {limits['pattern']}")
        return broken
    if isinstance(value, bool) or not isinstance(value, int) or shape.type_name == "timestamp":
        return []
    broken = []
    if "min" in limits and value < limits["min"]:
        broken.append(f"Member must have value greater than or equal to {limits['min']}")
    if "max" in limits and value > limits["max"]:
        broken.append(f"Member must have value less than or equal to {limits['max']}")
    return broken


def _wrong_length(shape: Shape, value: Any) -> list[str]:
    limits = shape.metadata
    if "max" in limits and len(value) > limits["max"]:
        return [f"Member must have length less than or equal to {limits['max']}"]
    if "min" in limits and len(value) < limits["min"]:
        return [f"Member must have length greater than or equal to {limits['min']}"]
    return []


def matches(pattern: str, value: str) -> bool:
    """Return whether the whole `value` matches a pattern of the model."""
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(_SAFE_PATTERNS.get(pattern, pattern), re.ASCII | re.DOTALL)
    except re.error:  # Java's \p{L}: only in parameters of targets that the bus doesn't have
        return None


def shown_as(shape: Shape, value: Any) -> str:
    """Return how the service shows a value in an error; secrets aren't shown."""
    if shape.metadata.get("sensitive"):
        return "***Sensitive Data Redacted***"
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = (
            f"{_camel(name)}={'null' if value.get(name) is None else shown_as(member, value[name])}"
            for name, member in shape.members.items()
        )
        return f"{shape.name}({', '.join(members)})"
    if isinstance(shape, ListShape) and isinstance(value, list):
        return f"[{', '.join(shown_as(shape.member, each) for each in value)}]"
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return f"{{{', '.join(f'{key}={shown_as(shape.value, each)}' for key, each in value.items())}}}"
    return str(value)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def _unexpected(value: Any, wanted: str, path: str) -> ApiError:
    kind = {
        dict: "a structure or map",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }.get(type(value), "null")
    where = f" at '{path}'" if path else ""
    return ApiError("SerializationException", f"Found {kind} where {wanted} was expected{where}")


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _unexpected(value, "a string", path)
    return value


def _integer(value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _unexpected(value, "an integer", path)
    return int(value)


def _boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _unexpected(value, "a boolean", path)
    return value


def _timestamp(value: Any, path: str) -> int:
    found = milliseconds(value)
    if found is None:
        raise _unexpected(value, "a timestamp", path)
    return found


_SCALARS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "boolean": _boolean,
    "timestamp": _timestamp,
}

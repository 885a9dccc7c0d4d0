"""Why PutTargets refuses what a target asks to be given, in the service's words where these are known."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from eventbus.transform import template
from eventbus.transform.apply import EVENT_JSON, RESERVED

MAX_PATHS: Final = 100
"""Variables of a template. Source: EventBridge API reference, InputTransformer."""
MAX_TEXT: Final = 8192
"""Characters of Input and of InputTemplate. Source: EventBridge API reference, Target."""
_MAX_PATH: Final = 256
_MARK: Final = "\N{REPLACEMENT CHARACTER}"
_VARIABLE: Final = re.compile(r"[A-Za-z0-9_\-]{1,256}")
_PATH: Final = re.compile(r"""\$(?!.*\[\s*['"])""", re.DOTALL)


def problem(spec: Mapping[str, Any]) -> str | None:
    """Return why a target (in the API's shape, `Id` included) can't be put, or None."""
    return next(_problems(spec, str(spec.get("Id", ""))), None)


def _problems(spec: Mapping[str, Any], target: str) -> Iterator[str]:
    given = [name for name in ("Input", "InputPath", "InputTransformer") if spec.get(name) is not None]
    if len(given) > 1:
        yield f"Only one of Input, InputPath, or InputTransformer must be provided for target {target}."
    if "Input" in given:
        yield from _of_input(spec["Input"], target)
    if "InputPath" in given:
        yield from _of_path(spec["InputPath"], target)
    if "InputTransformer" in given:
        yield from _of_transformer(spec["InputTransformer"], target)


def _of_input(text: str, target: str) -> Iterator[str]:
    if len(text) > MAX_TEXT:
        yield f"Input for target {target} is longer than {MAX_TEXT} characters."
    try:
        json.loads(text)
    except ValueError:
        yield f"JSON syntax error in input for target {target}."


def _of_path(path: str, target: str) -> Iterator[str]:
    if len(path) > _MAX_PATH or not _PATH.match(path):
        yield f"InputPath for target {target} is invalid."


def _of_transformer(transformer: Mapping[str, Any], target: str) -> Iterator[str]:
    paths: Mapping[str, str] = transformer.get("InputPathsMap") or {}
    text = str(transformer.get("InputTemplate") or "")
    if len(paths) > MAX_PATHS:
        yield f"InputPathsMap for target {target} has more than {MAX_PATHS} entries."
    for name, path in paths.items():
        if not _VARIABLE.fullmatch(name) or name.lower().startswith("aws."):
            yield f"InputPathsMap for target {target} contains invalid key {name}."
        yield from _of_path(path, target)
    if not 1 <= len(text) <= MAX_TEXT:
        yield f"InputTemplate for target {target} must have 1 to {MAX_TEXT} characters."
    yield from _of_template(text, paths, target)


def _of_template(text: str, paths: Mapping[str, str], target: str) -> Iterator[str]:
    parsed = template.parse(text)
    for place in parsed.placeholders:
        if place.name not in paths and place.name not in RESERVED:
            yield f"InputTemplate for target {target} contains invalid placeholder {place.name}."
        if place.name == EVENT_JSON and (place.quoted or not parsed.is_object):
            yield f"InputTemplate for target {target} contains placeholder {place.name} valid only for JSON template."
    if (reason := _not_json(parsed)) is not None:
        yield f"Invalid InputTemplate for target {target} : {reason}."


def _not_json(parsed: template.Template) -> str | None:
    """Return why a template can't become a JSON value, or lines of them, whatever its variables hold."""
    text = "".join(part if isinstance(part, str) else f"<{part.name}>" for part in parsed.parts)
    sample = "".join(part if isinstance(part, str) else _stand_in(part) for part in parsed.parts)
    keys: list[str] = []
    decoder = json.JSONDecoder(object_pairs_hook=lambda members: keys.extend(name for name, _ in members))
    at = 0
    try:
        while at < len(sample) or not sample:
            at = decoder.raw_decode(sample, at)[1]
            at += len(sample[at:]) - len(sample[at:].lstrip())
            if parsed.is_object and at < len(sample):
                return f"text after the object, column {at + 1}"
    except json.JSONDecodeError as error:
        return f'[Source: (String)"{text}"; line: {error.lineno}, column: {error.colno}]'
    return "the placeholder can't be used as an object key" if any(_MARK in key for key in keys) else None


def _stand_in(place: template.Placeholder) -> str:
    """Return text of the same length as the placeholder, so that what the parser says fits the template."""
    return (_MARK if place.quoted else "0").ljust(len(place.name) + 2)

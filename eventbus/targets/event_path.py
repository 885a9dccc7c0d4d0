"""Values of an event for parameters of targets, by JSON path such as `$.detail.customer.id`. Pure."""

from __future__ import annotations

import json

from eventbus.model import Event
from eventbus.transform import path as json_path


def is_path(value: str) -> bool:
    """Whether a parameter's value stands for a value of the event."""
    return json_path.parse(value) is not None


def text(path: str, event: Event) -> str:
    """Return what stands at `path` as text: a string without its quotes, else JSON as it came, nothing as empty."""
    found = json_path.Document(event.body).select(path)
    if found is None:
        return ""
    return str(json.loads(found)) if found.startswith('"') else found

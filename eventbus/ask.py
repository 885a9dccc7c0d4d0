"""Asks a running bus what became of an event."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

from schemas.errors import UnavailableError, UserError

DEFAULT_URL: Final = "http://127.0.0.1:4010"
_TIMEOUT_S: Final = 10


def explanation(url: str, event_id: str) -> Mapping[str, Any]:
    """Return what the bus at `url` says of an event.

    Raises:
        UserError: it knows no such event, or `url` is no address.
        UnavailableError: no bus answers there.
    """
    page = f"{url.rstrip('/')}/_bus/explain?{urllib.parse.urlencode({'event': event_id})}"
    if not page.startswith(("http://", "https://")):
        raise UserError(f"--url is {url!r}: give an address such as {DEFAULT_URL}")
    try:
        with urllib.request.urlopen(page, timeout=_TIMEOUT_S) as answer:
            found: Mapping[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise UserError(_reason(error)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise UnavailableError(f"no event bus answers at {url}: {reason}. Start one, or name it with --url") from None
    return found


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return f"what answers at {error.url} is no event bus: HTTP {error.code}"

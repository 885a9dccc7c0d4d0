"""Lists in pages. Pure.

A token says after which name the next page begins, so what is added or removed between two pages neither shifts
nor repeats the others.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from eventbus.api.errors import ApiError, invalid_parameter

DEFAULT_LIMIT: Final = 100

T = TypeVar("T")


def page(
    operation: str, found: Sequence[T], key: Callable[[T], str], request: Mapping[str, Any]
) -> tuple[list[T], dict[str, str]]:
    """Return one page of `found`, and `NextToken` for the next if there is one.

    Args:
        operation: whose list it is; a token of another is refused.
        found: everything, in the order of `key`.
        key: a text that is unique in `found`.
        request: has `Limit` and `NextToken`, or not.

    Raises:
        ApiError: the token is none of this operation's.
    """
    after = _opened(operation, request["NextToken"]) if "NextToken" in request else None
    limit = request.get("Limit", DEFAULT_LIMIT)
    rest = [each for each in found if after is None or key(each) > after]
    shown = rest[:limit]
    return shown, {"NextToken": _sealed(operation, key(shown[-1]))} if len(rest) > limit else {}


def _sealed(operation: str, last: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([operation, last]).encode()).decode()


def _opened(operation: str, token: str) -> str:
    try:
        of, last = json.loads(base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _not_ours() from None
    if of != operation or not isinstance(last, str):
        raise _not_ours()
    return last


def _not_ours() -> ApiError:
    return invalid_parameter("NextToken", "It is no token of this operation.")

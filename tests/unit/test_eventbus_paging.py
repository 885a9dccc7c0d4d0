"""Pages of lists, and their tokens."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus.api.errors import ApiError
from eventbus.api.paging import page


def all_pages(names: list[str], limit: int) -> list[str]:
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        shown, token = page("ListRules", names, str, {"Limit": limit, **token})
        assert len(shown) <= limit
        found += shown
        if not token:
            return found


@given(st.sets(st.text(max_size=5)), st.integers(1, 100))
def test_pages_together_are_the_list(names: set[str], limit: int) -> None:
    assert all_pages(sorted(names), limit) == sorted(names)


def test_there_is_no_token_when_the_list_ends_with_the_page() -> None:
    assert page("ListRules", ["a", "b"], str, {"Limit": 2}) == (["a", "b"], {})


def test_what_is_removed_between_two_pages_shifts_nothing() -> None:
    shown, token = page("ListRules", ["a", "b", "c", "d"], str, {"Limit": 2})
    assert shown == ["a", "b"]
    assert page("ListRules", ["c", "d"], str, {"Limit": 2, **token})[0] == ["c", "d"]


def sealed(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "é",
        "[",
        sealed(1),
        sealed(["ListRules"]),
        sealed(["ListRules", 5]),
        sealed(["ListArchives", "a"]),
        "W1tb" * 500,
    ],
)
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(ApiError, match="NextToken") as caught:
        page("ListRules", ["a"], str, {"NextToken": token})
    assert caught.value.code == "ValidationException"

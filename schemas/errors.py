"""Errors that every service tells apart, and how a command ends on them.

Three kinds, three answers (see `docs/decisions/0003-three-kinds-of-failure.md`):

* a bad *record* goes to a dead-letter topic (`BadRecordError`);
* a busy *peer* is tried again (`UnavailableError`);
* a mistake of the *user* ends the program with one line (`UserError`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_USER_ERROR = 2
EXIT_FAILURE = 1


class CardwatchError(Exception):
    """Base of the errors that this project raises on purpose."""


class UserError(CardwatchError):
    """Something the person who started the program can mend: the message names it and the remedy."""


class UnavailableError(CardwatchError):
    """A peer (broker, registry, event bus) can't be reached now; trying again may help."""


class BadRecordError(CardwatchError):
    """A record that can't be used: it belongs in a dead-letter topic, with this reason."""

    def __init__(self, reason: str, *, stage: str = "VALUE_CONVERTER") -> None:
        """Remember the reason and the stage of the pipeline, in Kafka Connect's names."""
        super().__init__(reason)
        self.reason = reason
        self.stage = stage


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process with one clear line, and no traceback, on an error that names its remedy.

    Raises:
        SystemExit: 2 for a `UserError`, 1 for a peer that stayed away.
    """
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(EXIT_USER_ERROR) from None
    except UnavailableError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(EXIT_FAILURE) from None

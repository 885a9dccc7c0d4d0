"""Where entries can go: a file a sink, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from notifier.settings import NotifierSettings
from notifier.sinks.base import Sink
from notifier.sinks.eventbridge import EventBridgeSink
from notifier.sinks.stdout import StdoutSink
from schemas.errors import UserError

SINKS: Final[dict[str, Callable[[NotifierSettings], Sink]]] = {
    "eventbridge": EventBridgeSink.from_settings,
    "stdout": StdoutSink.from_settings,
}


def open_sink(settings: NotifierSettings) -> Sink:
    """Return the sink that NOTIFIER_SINK names.

    Raises:
        UserError: there is none of that name, or it can't be set up.
    """
    try:
        make = SINKS[settings.sink]
    except KeyError:
        raise UserError(f"NOTIFIER_SINK is {settings.sink!r}; known are {', '.join(sorted(SINKS))}") from None
    return make(settings)

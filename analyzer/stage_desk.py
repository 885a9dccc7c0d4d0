"""What the shell asks of a stage: to read and to judge what was fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from analyzer.metrics import StageMetrics
from analyzer.portion import Portion
from analyzer.ports import Outgoing, States
from schemas.errors import BadRecordError


class Reading(Protocol):
    """What a desk has read from a batch."""

    @property
    def bad(self) -> Mapping[int, BadRecordError]:
        """Why a record can't be read, by its index in the portion; ascending."""


R = TypeVar("R", bound=Reading)


class Desk(Protocol[R]):
    """What a stage does with what was fetched. Neither call awaits: nothing comes between reading and judging."""

    @property
    def metrics(self) -> StageMetrics:
        """Where it counts."""

    @property
    def states(self) -> States:
        """What it judges against, and moves on."""

    @property
    def most(self) -> int:
        """How many records it may be given at once: it should be done with them in some tens of milliseconds."""

    def read(self, portion: Portion) -> R:
        """Read all of a portion. Nothing changes, so that it may be called again.

        Raises:
            SchemaNeededError: a schema must be fetched first.
        """

    def judge(self, portion: Portion, reading: R) -> list[Outgoing]:
        """Judge the records that could be read, each partition's in order, and return what must be told.

        The states move on and all is counted. A record that its state has applied already changes nothing.
        """

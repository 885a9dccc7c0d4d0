"""All lanes: made when they are first needed, taken up again after a restart, closed together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from eventbus.delivery.backlog import Delivery
from eventbus.delivery.books import Shared
from eventbus.delivery.lane import Lane
from eventbus.delivery.tally import Tally
from eventbus.metrics import names
from eventbus.model import Resource, Rule

_PATIENCE_S: Final = 5.0
"""How long a close waits for sends under way, and then for the disk."""


class Lanes:
    """Finds the lane of a target, and hands deliveries to it."""

    def __init__(self, shared: Shared, known: Iterable[Mapping[str, Any]]) -> None:
        """Make the lanes that the disk knows; `known` are rows of `journal.lanes`."""
        self._shared = shared
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._of_rule: dict[str, list[Lane]] = {}
        self._numbers = 0
        self._left = [(self._add(row["id"], row["rule_arn"], row["target_id"], Tally.of(row)), row) for row in known]
        shared.catalogue.listen(self._changed)
        shared.settler.recovered = self._pump_all

    def start(self) -> None:
        """Take up what an earlier run left on disk."""
        for lane, row in self._left:
            if row["pending"]:
                lane.resume(row["pending"])
        self._left.clear()

    def of(self, rule_arn: str, target_id: str) -> Lane:
        """Return the lane of a target."""
        return self._lanes.get((rule_arn, target_id)) or self._add(self._numbers + 1, rule_arn, target_id, None)

    def arrived(self, deliveries: Iterable[tuple[Lane, Delivery]]) -> None:
        """Hand over deliveries that are on disk."""
        for lane, delivery in deliveries:
            lane.books.stored = True
            lane.arrived(delivery)

    @property
    def problem(self) -> str | None:
        """Why results can't be kept at present, or None."""
        return self._shared.settler.problem

    @property
    def pending(self) -> int:
        """Deliveries of all lanes that have not come to their end."""
        return sum(lane.books.pending for lane in self._lanes.values())

    def summaries(self) -> list[dict[str, Any]]:
        """Return, for each target that there is, what its deliveries came to, in all runs."""
        found = []
        for (rule_arn, target_id), lane in sorted(self._lanes.items()):
            rule = self._shared.catalogue.rule(rule_arn)
            target = rule.target(target_id) if rule else None
            if target is not None:
                bus, rule_name = names(rule_arn)
                named = {"bus": bus, "rule": rule_name, "rule_arn": rule_arn, "target": target_id, "arn": target.arn}
                found.append({**named, **asdict(lane.books.tally), "pending": lane.books.pending})
        return found

    async def close(self) -> None:
        """Start nothing more, let sends under way end for a while, and write all results."""
        for lane in self._lanes.values():
            lane.close()
        tasks = set(self._shared.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_PATIENCE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._shared.settler.close(_PATIENCE_S)

    def _add(self, number: int, rule_arn: str, target_id: str, tally: Tally | None) -> Lane:
        lane = Lane(number, rule_arn, target_id, self._shared, tally)
        self._numbers = max(self._numbers, number)
        self._lanes[rule_arn, target_id] = lane
        self._of_rule.setdefault(rule_arn, []).append(lane)
        return lane

    def _changed(self, resource: Resource, there: bool) -> None:  # noqa: FBT001, ARG002 - as a listener is called
        if isinstance(resource, Rule):
            for lane in self._of_rule.get(resource.arn, ()):
                lane.pump_soon()

    def _pump_all(self) -> None:
        for lane in self._lanes.values():
            lane.pump_soon()

"""All lanes: made when they are first needed, taken up again after a restart, closed together."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import structlog

from eventbus.delivery.backlog import Delivery
from eventbus.delivery.books import Shared
from eventbus.delivery.lane import Lane
from eventbus.delivery.tally import Tally
from eventbus.metrics import names
from eventbus.model import ApiDestination, Bus, Connection, Resource, Rule
from eventbus.store import journal

_PATIENCE_S: Final = 5.0
"""How long a close waits for sends under way, and then for the disk."""
_FORGET_AT: Final = 64
"""Lanes that have gone, before their rows are looked through: that reads the numbers of all deliveries."""

_log = structlog.get_logger(__name__)

_Key = tuple[str, str]
"""A rule's ARN and a target's id."""


class Lanes:
    """Finds the lane of a target, and hands deliveries to it."""

    def __init__(self, shared: Shared, known: Iterable[Mapping[str, Any]]) -> None:
        """Make the lanes that the disk knows; `known` are rows of `journal.lanes`."""
        self._shared = shared
        self._lanes: dict[_Key, Lane] = {}
        self._gone: dict[_Key, tuple[int, Tally]] = {}  # number and counts of those whose row may still be on disk
        self._forget_at = _FORGET_AT
        self._of_rule: dict[str, list[Lane]] = {}
        self._numbers = 0
        self._left = [(lane, row["pending"]) for row in known if (lane := self._known(row))]
        shared.catalogue.listen(self._changed)
        shared.settler.recovered = self._pump_all

    def start(self) -> None:
        """Take up what an earlier run left on disk."""
        for lane, pending in self._left:
            if pending:
                lane.resume(pending)
        self._left.clear()
        self._forget_soon()

    def of(self, rule_arn: str, target_id: str) -> Lane:
        """Return the lane of a target."""
        key = (rule_arn, target_id)
        lane = self._lanes.get(key)
        if lane is None:
            number, tally = self._gone.pop(key, (self._numbers + 1, None))
            lane = self._add(number, rule_arn, target_id, tally)
            lane.books.stored = False  # its row may just be going
        return lane

    def paused_until_ms(self, rule_arn: str, target_id: str) -> int:
        """Return when the pause that a target asked for is over, 0: there was none."""
        lane = self._lanes.get((rule_arn, target_id))
        return lane.paused_until_ms if lane else 0

    def expect(self, deliveries: Iterable[tuple[Lane, Delivery]]) -> None:
        """Keep the lanes of deliveries that are being written: `arrived` or `lost` follows."""
        for lane, _ in deliveries:
            lane.coming += 1

    def lost(self, deliveries: Iterable[tuple[Lane, Delivery]]) -> None:
        """Note that the disk didn't take deliveries."""
        for lane, _ in deliveries:
            lane.lost()

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
        lane.ended = self._ended
        self._numbers = max(self._numbers, number)
        self._lanes[rule_arn, target_id] = lane
        self._of_rule.setdefault(rule_arn, []).append(lane)
        return lane

    def _changed(self, resource: Resource, there: bool) -> None:  # noqa: FBT001 - as a listener is called
        for lane in self._lanes_by(resource):
            lane.changed()
        if not there and isinstance(resource, Rule) and resource.arn not in self._of_rule:
            self._shared.metrics.forget_rule(resource.arn)
        elif not there and isinstance(resource, Bus):
            self._shared.metrics.forget_bus(resource.arn)

    def _lanes_by(self, resource: Resource) -> Sequence[Lane]:
        """Return the lanes whose way a resource is a part of."""
        if isinstance(resource, Rule):
            return self._of_rule.get(resource.arn, ())
        if isinstance(resource, ApiDestination | Connection):
            return [lane for lane in self._lanes.values() if self._calls(lane, resource)]
        return ()

    def _calls(self, lane: Lane, resource: ApiDestination | Connection) -> bool:
        target = lane.target
        if target is None or isinstance(resource, ApiDestination):
            return target is not None and target.arn == resource.arn
        destination = self._shared.catalogue.destination(target.arn)
        return destination is not None and destination.connection_arn == resource.arn

    def _known(self, row: Mapping[str, Any]) -> Lane | None:
        """Return the lane of a row, or None: its target is gone, and nothing waits."""
        key, tally = (row["rule_arn"], row["target_id"]), Tally.of(row)
        rule = self._shared.catalogue.rule(key[0])
        if row["pending"] or (rule and rule.target(key[1])):
            return self._add(row["id"], *key, tally)
        self._gone[key] = (row["id"], tally)
        self._numbers = max(self._numbers, row["id"])
        return None

    def _ended(self, lane: Lane) -> None:
        """Drop a lane whose target is gone and which has nothing to do; its row goes with its last delivery's."""
        books = lane.books
        lane.close()
        del self._lanes[books.rule_arn, books.target_id]
        others = self._of_rule[books.rule_arn]
        others.remove(lane)
        if not others:
            del self._of_rule[books.rule_arn]
            if self._shared.catalogue.rule(books.rule_arn) is None:
                self._shared.metrics.forget_rule(books.rule_arn)
        self._gone[books.rule_arn, books.target_id] = (books.number, books.tally)
        self._forget_soon()

    def _forget_soon(self) -> None:
        if len(self._gone) >= self._forget_at:
            self._forget_at = sys.maxsize  # until this is done
            self._shared.begin(self._forget())

    async def _forget(self) -> None:
        asked = dict(self._gone)
        numbers = frozenset(number for number, _ in asked.values())
        used = numbers
        try:
            used = await self._shared.store.write(lambda db: journal.forget_lanes(db, numbers))
        except Exception as error:  # noqa: BLE001 - of whatever kind, it is tried again
            _log.warning("can't forget lanes", error=repr(error))
        for key, gone in asked.items():
            if gone[0] not in used and self._gone.get(key) is gone:
                del self._gone[key]
        self._forget_at = len(self._gone) + _FORGET_AT

    def _pump_all(self) -> None:
        for lane in self._lanes.values():
            lane.pump_soon()

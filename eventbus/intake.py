"""The one way onto a bus: match, keep on disk in one transaction, hand over to the lanes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from eventbus.delivery import Lanes
from eventbus.delivery.backlog import Delivery
from eventbus.delivery.lane import Lane
from eventbus.delivery.prune import Pruner
from eventbus.metrics import Metrics
from eventbus.model import Event, Rule
from eventbus.pattern import parse_event
from eventbus.router import Router
from eventbus.store import Store, journal

Archived = Callable[[Event], Sequence[tuple[str, int, int, str]]]
"""Returns a row of `journal.Accepted.archived` for each archive that keeps the event."""


@dataclass(slots=True)
class _Taken:
    """Events that were matched and numbered, on their way to the disk."""

    size: int = 0
    """Bytes of the events."""
    rows: journal.Accepted = field(default_factory=journal.Accepted)
    deliveries: list[tuple[Lane, Delivery]] = field(default_factory=list)
    matched: list[Rule] = field(default_factory=list)
    buses: Counter[str] = field(default_factory=Counter)
    """How many events of each bus matched."""


class BusIntake:
    """See `eventbus.ports.Intake`."""

    def __init__(
        self,
        store: Store,
        opened: journal.Opened,
        *,
        router: Router,
        lanes: Lanes,
        pruner: Pruner,
        metrics: Metrics,
        archived: Archived,
    ) -> None:
        """Number on from what is on disk."""
        self._store, self._router, self._lanes = store, router, lanes
        self._pruner, self._metrics, self._archived = pruner, metrics, archived
        self._seq = opened.event_seq

    async def accept(self, events: Sequence[Event]) -> None:
        """Match, keep and hand over for delivery; return once all of it is on disk.

        Raises:
            StorageError: the disk is full or fails; nothing of it was kept.
        """
        taken = _Taken()
        for event in events:
            self._take(event, taken)
        rows, newest = taken.rows, self._seq
        self._lanes.expect(taken.deliveries)
        kept = self._store.write(lambda db: journal.keep(db, rows))

        def hand_over(written: asyncio.Future[None]) -> None:
            if not written.cancelled() and written.exception() is None:
                self._hand_over(taken, newest)
            else:
                self._lanes.lost(taken.deliveries)

        kept.add_done_callback(hand_over)  # what is kept is delivered, even if the caller is cancelled meanwhile
        await asyncio.shield(kept)

    def _take(self, event: Event, taken: _Taken) -> None:
        self._seq += 1
        if event.fields is None:  # as a lane holds it, which another bus's lane hands on
            event = replace(event, fields=parse_event(event.body))
        rules = self._router.rules_for(event)
        held = replace(event, fields=None) if rules else event
        made = 0
        for rule in rules:
            taken.matched.append(rule)
            for target in rule.targets:
                self._address(held, self._lanes.of(rule.arn, target.id), taken)
                made += 1
        if rules:
            taken.buses[event.bus_arn] += 1
        row = (self._seq, event.id, event.bus_arn, event.accepted_ms, event.hops, made, event.body)
        taken.rows.events.append(row)
        taken.size += len(event.body) if event.body.isascii() else len(event.body.encode())
        taken.rows.archived.extend(self._archived(event))

    def _address(self, event: Event, lane: Lane, taken: _Taken) -> None:
        if not lane.books.stored:
            taken.rows.lanes.append((lane.books.number, lane.books.rule_arn, lane.books.target_id))
        taken.deliveries.append((lane, Delivery(self._seq, event, event.accepted_ms)))
        taken.rows.deliveries.append((self._seq, lane.books.number, event.accepted_ms))

    def _hand_over(self, taken: _Taken, newest: int) -> None:
        self._lanes.arrived(taken.deliveries)
        self._pruner.accepted(newest, taken.size)
        for rule in taken.matched:
            meter = self._metrics.rule(rule.arn)
            meter.triggered += 1
            meter.created += len(rule.targets)
        for bus_arn, count in taken.buses.items():
            self._metrics.bus(bus_arn).matched += count

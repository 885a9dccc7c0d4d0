"""The bus without its API: takes events, keeps them, delivers them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from eventbus.archive import Archives
from eventbus.catalogue import Catalogue
from eventbus.delivery import Lanes
from eventbus.delivery.books import Shared
from eventbus.delivery.fate import Backoff
from eventbus.delivery.prune import Pruner
from eventbus.delivery.settle import Settler
from eventbus.delivery.timing import LoopTime, Time
from eventbus.intake import BusIntake
from eventbus.metrics import Metrics
from eventbus.ports import Intake, Senders
from eventbus.router import Router
from eventbus.settings import EventBusSettings
from eventbus.store import Store, journal
from eventbus.why import Why

SendersFactory = Callable[[Catalogue, Callable[[], Intake]], Senders]
"""Makes the senders from the catalogue; the function that it is given returns the intake, for other buses."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Use `open` and, in the end, `close`."""

    store: Store
    catalogue: Catalogue
    archives: Archives
    intake: BusIntake
    lanes: Lanes
    metrics: Metrics
    pruner: Pruner
    why: Why

    @classmethod
    async def open(
        cls,
        settings: EventBusSettings,
        senders: SendersFactory,
        time: Time | None = None,
        rng: random.Random | None = None,
    ) -> Engine:
        """Open the database and take up what an earlier run left undelivered.

        Raises:
            UserError: the folder or the database can't be used.
            StorageError: the disk fails.
        """
        store = Store.open(settings.data, flush=settings.flush)
        try:
            return await cls._opened(store, settings, senders, time or LoopTime(), rng or random.Random())  # noqa: S311 - jitter is no secret
        except BaseException:
            store.close()
            raise

    @classmethod
    async def _opened(
        cls, store: Store, settings: EventBusSettings, senders: SendersFactory, time: Time, rng: random.Random
    ) -> Engine:
        catalogue = await Catalogue.open(store, time.now_ms)
        archives = Archives(store, catalogue, time.now_ms)
        on_disk = await store.read(journal.opened)
        pruner = Pruner(store, on_disk, keep=settings.keep_events, keep_bytes=settings.keep_bytes)
        metrics = Metrics()
        intakes: list[BusIntake] = []
        shared = Shared(
            store=store,
            catalogue=catalogue,
            senders=senders(catalogue, partial(intakes.__getitem__, 0)),
            settler=Settler(store, time, pruner),
            metrics=metrics,
            time=time,
            backoff=Backoff(settings.retry_base_s, settings.retry_cap_s),
            rng=rng,
            lane_events=settings.lane_events,
        )
        lanes = Lanes(shared, on_disk.lanes)
        intakes.append(
            BusIntake(
                store,
                on_disk,
                router=Router(catalogue),
                lanes=lanes,
                pruner=pruner,
                metrics=metrics,
                archived=archives.rows,
            )
        )
        lanes.start()
        why = Why(store, catalogue, clock_ms=time.now_ms, paused_until_ms=lanes.paused_until_ms)
        return cls(store, catalogue, archives, intakes[0], lanes, metrics, pruner, why)

    async def close(self) -> None:
        """Let sends under way end for a few seconds, write what is known, and close the database."""
        await self.lanes.close()
        await self.pruner.close()
        self.store.close()

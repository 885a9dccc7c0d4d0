"""One run of the suite, from an empty broker to the report."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException

from demo import at_rest, ledger
from demo.collect import WORK, Collector, Flagged
from demo.event_bus import retried
from demo.memory import MEASURE, Meter
from demo.platform import Platform
from demo.report import Report, delivery
from demo.signals import StopRequestedError, deaf
from demo.supervise import Service, Supervisor, python_module
from demo.targets import Watch
from demo.view import ProcessRow, Snapshot, View
from schemas import topics
from schemas.codec import Decoder
from schemas.settings import KafkaSettings, load
from score.core.percentile import percentile

TICK_S: Final = 0.2
_LOOK_S: Final = 1.0
"""Between looks at lag, and at what has come to the targets."""
_WEIGH_S: Final = 2.0
"""Between looks at memory: the kernel walks all pages of a process for its share."""
_RATE_OVER_S: Final = 3.0
PACED_S: Final = 60.0
"""How long the producer of a bounded run takes, unless a rate is given."""
DRAIN_TIMEOUT_S: Final = 90.0
"""How long nothing may move after the producer's end before the run is counted as it is."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user can choose. `transactions` None: until stopped. `rate` None: paced over a minute.

    `outage_s`: for so long the webhook is out of order, once half of the transactions are there.
    """

    transactions: int | None = 20_000
    seed: int = 7
    preset: str = "workshop"
    difficulty: float = 0.5
    rate: float | None = None
    outage_s: float = 0.0

    def producer(self) -> Service:
        """Return the producer so that it makes what was chosen."""
        rate = self.rate if self.rate is not None else (self.transactions or 20_000) / PACED_S
        args = ["--seed", str(self.seed), "--preset", self.preset, "--difficulty", f"{self.difficulty:g}"]
        args += ["--rate", f"{rate:g}"]
        if self.transactions is not None:
            args += ["--transactions", str(self.transactions)]
        return Service("producer", ("producer", "run", *args), restarted=False)


ANALYZER: Final = Service("analyzer", ("analyzer", "worker"))
NOTIFIER: Final = Service("notifier", ("notifier", "run"))


class Run:
    """A run of the services on a platform."""

    def __init__(self, options: Options, platform: Platform, folder: Path, view: View) -> None:
        """Set up; nothing starts yet."""
        self._options, self._platform, self._view = options, platform, view
        self._kafka = load(KafkaSettings)
        self._decoder = Decoder(platform.registered, logical_types=False)
        self._watch = Watch(platform.webhook.reader())
        self.collector = Collector(self._kafka, self._decoder, self._watch.targets(platform.subscribers))
        self._supervisor = Supervisor(platform.spawning(python_module(platform.env, folder)), say=view.say)
        self._meter = Meter()
        self._started = time.monotonic()
        self._looked = self._weighed = 0.0
        self._outage_s = options.outage_s
        self._retried: dict[str, int] = {}
        self._lags = [0] * len(WORK)
        self._produced: deque[tuple[float, int]] = deque()
        self._recent: deque[Flagged] = deque(maxlen=20)
        self._first_flagged_s: float | None = None
        self.picture = Snapshot("starting", 0.0, wanted=options.transactions)
        """The last one while transactions were still produced."""

    def go(self) -> Report:
        """Run until the producer is done (or the user stops an endless run), wait until all is drained, and report.

        Raises:
            UserError: a service ended with a mistake of the user.
            UnavailableError: broker, local AWS or a service can't be kept alive.
        """
        with self._services():
            try:
                while not self._supervisor.finished("producer"):
                    self.picture = replace(self._tick("running"), new=())
            except StopRequestedError:
                if self._options.transactions is not None:
                    raise
                self._view.say("Stopping the producer; the rest is drained and counted. Once more Ctrl-C ends at once.")
                self._supervisor.stop("producer")
            self._drain()
            self._view.show(self._snapshot("done", ()))
            self._stop_services()
            self._look()
            report = self._report()
            self._watch.close()
            return report

    @contextmanager
    def _services(self) -> Iterator[None]:
        try:
            self._supervisor.adopt(self._platform.bus.service, self._platform.bus.child)
            self._supervisor.start(ANALYZER, NOTIFIER, self._options.producer())
            yield
        finally:
            with deaf():
                self._view.close()
                self._stop_services()
                self.collector.close()

    def _stop_services(self) -> None:
        """Not the bus: it is the platform's, and goes on with it."""
        self._supervisor.stop("producer", ANALYZER.name, NOTIFIER.name)

    def _tick(self, phase: str) -> Snapshot:
        tick_ends = time.monotonic() + TICK_S
        new = self.collector.poll(TICK_S)
        for child in self._platform.children:  # first: services end soon after what they stand on
            child.require_running()
        self._supervisor.check()
        if time.monotonic() - self._looked >= _LOOK_S:
            self._look()
        self._break_webhook()
        snapshot = self._snapshot(phase, new)
        self._view.show(snapshot)
        time.sleep(max(0.0, tick_ends - time.monotonic()))
        return snapshot

    def _look(self) -> None:
        self._looked = time.monotonic()
        self.collector.poll_events()
        self._retried = retried(self._platform.bus.url) or self._retried
        if self._looked - self._weighed >= _WEIGH_S:
            self._weighed = self._looked
            own = {child.name: child.pid for child in self._platform.children}
            self._meter.sample({**own, **self._supervisor.pids(), "demo": os.getpid()})
        try:
            self._lags = [self.collector.lag(group, topic) for group, topic in WORK]
        except KafkaException:
            return  # a figure on screen can wait; the broker's end is noticed elsewhere

    def _break_webhook(self) -> None:
        half_done = self.collector.count(topics.TRANSACTIONS) >= (self._options.transactions or 0) / 2
        if self._outage_s and half_done and self.collector.notifications:
            self._view.say(f"The webhook answers 503 for {self._outage_s:g} s; the bus will try again.")
            self._platform.webhook.go_out(self._outage_s)
            self._outage_s = 0.0

    def _drain(self) -> None:
        """Wait until all that was produced is judged, delivered and committed, or nothing moves any more."""
        before, deadline = None, time.monotonic() + DRAIN_TIMEOUT_S
        while True:
            new = self.collector.catch_up()
            self._look()
            self._recent.extend(new)
            came = sum(len(each.events) + len(each.dead) for each in self.collector.arrived.values())
            moved = (self._lags, came, self.collector.records.total())
            # Twice the same: whoever is done may have written just before, and that is seen at the second look.
            if moved == before and not any(self._lags) and self.collector.all_delivered:
                return
            if moved != before:
                before, deadline = moved, time.monotonic() + DRAIN_TIMEOUT_S
            elif time.monotonic() > deadline:
                self._view.say(f"Nothing has moved for {DRAIN_TIMEOUT_S:g} s: counting what is there.")
                return
            self._view.show(replace(self._snapshot("draining", ()), new=new))
            self._tick("draining")

    def _snapshot(self, phase: str, new: list[Flagged] | tuple[()]) -> Snapshot:
        now = time.monotonic()
        self._recent.extend(new)
        if self._recent and self._first_flagged_s is None:
            self._first_flagged_s = now - self._started
        seen, latencies = self.collector, self.collector.latencies_ms
        return Snapshot(
            phase=phase,
            elapsed_s=now - self._started,
            produced=seen.count(topics.TRANSACTIONS),
            wanted=self._options.transactions,
            rate=self._rate(now),
            analyzer_lag=sum(self._lags[:-1]),
            notifier_lag=self._lags[-1],
            flagged=len(seen.notifications),
            arrived={name: len(each.events) for name, each in seen.arrived.items()},
            retried=sum(self._retried.values()),
            dead=len(seen.dead) + sum(len(each.dead) for each in seen.arrived.values()),
            latency_p50_ms=percentile(latencies, 50),
            latency_p99_ms=percentile(latencies, 99),
            processes=self._rows(),
            new=tuple(new),
            recent=tuple(self._recent),
        )

    def _rate(self, now: float) -> float:
        self._produced.append((now, self.collector.count(topics.TRANSACTIONS)))
        while now - self._produced[0][0] > _RATE_OVER_S:
            self._produced.popleft()
        (since, first), (_, last) = self._produced[0], self._produced[-1]
        return (last - first) / (now - since) if now > since else 0.0

    def _rows(self) -> list[ProcessRow]:
        alive = self._supervisor.pids()
        memory = self._meter.current
        services = [
            ProcessRow(name, "running" if name in alive else "ended", memory.get(name, 0))
            for name in ("producer", ANALYZER.name, NOTIFIER.name, self._platform.bus.service.name)
        ]
        return [
            *services,
            *(ProcessRow(each.name, "running", memory.get(each.name, 0)) for each in self._platform.children),
        ]

    def _report(self) -> Report:
        self.collector.catch_up()
        seen = at_rest.observed(self.collector, self._kafka, self._decoder)
        tally = self.collector.tally
        tally.take_all(at_rest.truth(self._kafka, self._decoder))
        return Report(
            broker=self._platform.broker,
            seed=self._options.seed,
            preset=self._options.preset,
            difficulty=self._options.difficulty,
            elapsed_s=time.monotonic() - self._started,
            ledger=ledger.lines(seen),
            repeated_notifications=seen.notification_records - len(seen.notifications),
            deliveries=[delivery(name, each, self._retried) for name, each in seen.targets.items()],
            scores=tally.scores(),
            unlabelled=tally.transactions - tally.labels,
            first_flagged_s=self._first_flagged_s,
            latency_p50_ms=percentile(self.collector.latencies_ms, 50),
            latency_p99_ms=percentile(self.collector.latencies_ms, 99),
            memory_measure=MEASURE,
            memory_peak=self._meter.peak,
            memory_peak_in_all=self._meter.peak_in_all,
            restarts=self._supervisor.restarts(),
        )

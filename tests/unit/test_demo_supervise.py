from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from demo.supervise import Process, Service, Supervisor
from schemas.errors import UnavailableError, UserError

ANALYZER = Service("analyzer", ("analyzer", "worker"))
NOTIFIER = Service("notifier", ("notifier", "run"))
PRODUCER = Service("producer", ("producer", "run"), restarted=False)


@dataclass
class FakeProcess:
    pid: int
    stops: list[int]
    exit_code: int | None = None
    log: Path = Path("x.log")
    line: str = "error: something"

    def last_line(self) -> str:
        return self.line

    def stop(self, timeout_s: float) -> int:
        assert timeout_s > 0
        self.stops.append(self.pid)
        self.exit_code = 0
        return 0


@dataclass
class World:
    now: float = 0.0
    said: list[str] = field(default_factory=list)
    spawned: list[FakeProcess] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    pids: count[int] = field(default_factory=lambda: count(1))

    def spawn(self, _: Service) -> Process:
        self.spawned.append(FakeProcess(next(self.pids), self.stops))
        return self.spawned[-1]

    def supervisor(self) -> Supervisor:
        return Supervisor(self.spawn, say=self.said.append, now=lambda: self.now)


def test_a_crashed_service_is_started_again_after_a_wait() -> None:
    world = World()
    supervisor = world.supervisor()
    supervisor.start(ANALYZER)
    world.spawned[0].exit_code = -9
    supervisor.check()
    assert world.said == ["analyzer was ended by signal 9; starting it again in 0.2 s"]
    assert supervisor.pids() == {}
    supervisor.check()
    assert len(world.spawned) == 1
    world.now = 0.3
    supervisor.check()
    assert supervisor.pids() == {"analyzer": 2}
    assert supervisor.restarts() == {"analyzer": 1}


def test_waits_grow_with_each_crash_in_a_row_and_then_it_gives_up() -> None:
    world = World()
    supervisor = world.supervisor()
    supervisor.start(ANALYZER)

    def crash() -> None:
        world.spawned[-1].exit_code = 1
        supervisor.check()
        world.now += 10
        supervisor.check()

    for _ in range(5):
        crash()
    assert [line.rsplit(" in ")[1] for line in world.said] == ["0.2 s", "0.5 s", "1 s", "2 s", "5 s"]
    with pytest.raises(UnavailableError, match=r"analyzer ended with 1 6 times in a row: .*x\.log"):
        crash()


def test_a_crash_after_a_healthy_while_begins_a_new_row() -> None:
    world = World()
    supervisor = world.supervisor()
    supervisor.start(ANALYZER)
    for _ in range(10):
        world.now += 31
        world.spawned[-1].exit_code = 1
        supervisor.check()
        world.now += 1
        supervisor.check()
    assert supervisor.restarts() == {"analyzer": 10}


def test_a_users_mistake_ends_the_run_with_the_services_own_line() -> None:
    world = World()
    supervisor = world.supervisor()
    supervisor.start(NOTIFIER)
    world.spawned[0].exit_code, world.spawned[0].line = 2, "error: port 80 is taken"
    with pytest.raises(UserError, match=r"^notifier: port 80 is taken$"):
        supervisor.check()


def test_the_producers_end_is_fine_and_its_crash_is_not() -> None:
    world = World()
    supervisor = world.supervisor()
    supervisor.start(PRODUCER)
    assert not supervisor.finished("producer")
    world.spawned[0].exit_code = 0
    supervisor.check()
    assert supervisor.finished("producer")
    world.spawned[0].exit_code = 1
    with pytest.raises(UnavailableError, match="producer ended with 1"):
        supervisor.check()


def test_services_end_in_the_order_they_were_started_in_and_only_those_that_run() -> None:
    world = World()
    supervisor = world.supervisor()
    supervisor.start(ANALYZER, NOTIFIER, PRODUCER)
    supervisor.stop("producer", "unknown")
    supervisor.stop()
    assert world.stops == [3, 1, 2]


def test_a_service_that_runs_already_is_looked_after_as_if_it_had_been_started_here() -> None:
    world = World()
    supervisor = world.supervisor()
    found = FakeProcess(99, world.stops)
    supervisor.adopt(NOTIFIER, found)
    assert supervisor.pids() == {"notifier": 99}
    found.exit_code = -9
    supervisor.check()
    world.now += 0.2
    supervisor.check()
    assert supervisor.pids() == {"notifier": world.spawned[0].pid}
    assert supervisor.restarts() == {"notifier": 1}

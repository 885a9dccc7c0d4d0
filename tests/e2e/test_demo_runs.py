"""The demo as a user runs it: real broker, real services, real signals. CARDWATCH_TEST_BROKER=embedded|apache."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.harness import OWN_VARIABLES, PATIENCE, ROOT, wait_until

pytestmark = pytest.mark.e2e

BROKER = os.environ.get("CARDWATCH_TEST_BROKER", "embedded")
if BROKER == "apache" and not (shutil.which("java") and shutil.which("mvn")):
    pytest.skip("Apache Kafka needs java and mvn", allow_module_level=True)


class Demo:
    """`python -m demo ARGS` in a session of its own, with stdout and stderr in files."""

    def __init__(self, folder: Path, *args: str, **env: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._out, self._err = folder / "out", folder / "err"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo", *args],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=ROOT,
                env={**clean, **env},
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def until(self, text: str, timeout_s: float = 80) -> None:
        """Wait until stdout or stderr holds `text`."""
        wait_until(
            lambda: text in self.out + self.err or self.process.poll() is not None, timeout_s, f"{text!r}: {self.err}"
        )
        assert text in self.out + self.err, f"the demo ended with {self.process.poll()}: {self.out}{self.err}"

    def child(self, module: str) -> psutil.Process:
        """Return the process that runs `python -m MODULE`."""
        found: list[psutil.Process] = []

        def there() -> bool:
            found[:] = [each for each in self.children() if ["-m", module] in _pairs(each)]
            return bool(found)

        wait_until(there, 60, f"a process of {module}")
        return found[0]

    def broker(self) -> psutil.Process:
        """Return the broker's process."""
        return next(each for each in self.children() if {"broker", "kafka.Kafka"} & set(_words(each)))

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, timeout_s: float = 120) -> int:
        """Return its exit code."""
        try:
            return self.process.wait(PATIENCE * timeout_s)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the demo still runs after {PATIENCE * timeout_s:g} s: {self.err}")

    def produced(self) -> int:
        """Return how many transactions the last line of figures tells of."""
        found = re.findall(r": ([\d,]+)(?: of [\d,]+)? transactions, ", self.out + self.err)
        return int(found[-1].replace(",", "")) if found else 0

    def interrupt(self) -> None:
        """Ctrl-C: an endless run stops producing, and is drained and counted."""
        self.process.send_signal(signal.SIGINT)

    def balanced_report(self) -> dict[str, Any]:
        assert self.end() == 0, self.out + self.err
        report: dict[str, Any] = json.loads(self.out)
        assert report["balances"], report["ledger"]
        return report


Start = Callable[..., Demo]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Demo] = []

    def begin(*args: str, broker: str = BROKER, **env: str) -> Demo:
        started.append(Demo(tmp_path / str(len(started)), "--broker", broker, *args, **env))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.end(60)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _pairs(process: psutil.Process) -> list[list[str]]:
    return [list(pair) for pair in pairwise(_words(process))]


def gone(processes: list[psutil.Process]) -> bool:
    return not any(runs(each) for each in processes)


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False  # it ended between the two questions


def test_the_ledger_balances_although_analyzer_notifier_and_event_bus_are_killed_in_the_middle(start: Start) -> None:
    # Without an end of its own: it is the middle of the run, however long it takes until something is flagged.
    demo = start("--forever", "--rate", "250", "--json")
    demo.until("flagged 0.")
    for module, name in (("analyzer", "analyzer"), ("notifier", "notifier"), ("eventbus", "event bus")):
        demo.child(module).send_signal(signal.SIGKILL)
        demo.until(f"{name} was ended by signal 9")
    wait_until(lambda: demo.produced() >= 6_000 or demo.process.poll() is not None, what="6,000 transactions")
    demo.interrupt()
    report = demo.balanced_report()
    transactions, _, _, flagged, *delivered = report["ledger"]
    assert report["restarts"] == {"event bus": 1, "analyzer": 1, "notifier": 1, "producer": 0}
    assert transactions["left"] >= 6_000
    assert f"{transactions['left']:,} judged + 0 late + 0 duplicate + 0 dead-lettered" in transactions["terms"]
    assert len(delivered) == 3
    assert all(flagged["left"] == line["left"] > 0 for line in delivered)
    assert report["scores"]["by_scenario"].keys() > {"card_testing", "impossible_travel"}
    assert 0 < report["scores"]["bank"]["transactions"] < report["scores"]["transactions"]
    assert report["unlabelled"] == 0
    assert report["latency_p50_ms"] > 0


def test_a_webhook_that_is_out_of_order_is_tried_again_and_the_others_are_not_held_up(start: Start) -> None:
    demo = start("--forever", "--rate", "400", "--outage", "8", "--json")
    demo.until("The webhook answers 503")
    demo.until(" retried)")
    demo.interrupt()
    report = demo.balanced_report()
    log_group, queue, webhook = report["deliveries"]
    assert webhook["retried"] > 0
    assert log_group["retried"] == queue["retried"] == 0
    assert log_group["distinct"] == queue["distinct"] == webhook["distinct"] == report["ledger"][3]["left"]


def test_two_demos_run_side_by_side_and_one_exports_its_picture(start: Start, tmp_path: Path) -> None:
    one = start("--transactions", "1500", "--rate", "300", "--json", "--export-view", str(tmp_path / "view.svg"))
    other = start("--transactions", "1500", "--rate", "300", "--json")
    assert [demo.balanced_report()["ledger"][0]["left"] for demo in (one, other)] == [1_500, 1_500]
    assert "Cardwatch" in (tmp_path / "view.svg").read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_leave_no_process_behind(start: Start, number: signal.Signals, code: int) -> None:
    demo = start("--json")
    demo.child("producer")
    processes = demo.children()
    assert len(processes) >= 6
    demo.process.send_signal(number)
    assert demo.end(60) == code
    assert demo.out == ""
    assert gone(processes)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed process")
def test_a_demo_that_is_killed_takes_its_processes_along(start: Start) -> None:
    demo = start()
    demo.child("producer")
    processes = demo.children()
    demo.process.kill()
    wait_until(lambda: gone(processes), 30, "the end of its processes")


def test_an_endless_run_is_stopped_counted_and_its_broker_kept(start: Start) -> None:
    demo = start("--forever", "--rate", "200", "--keep", "--json")
    demo.until("flagged 0.")
    demo.interrupt()
    demo.until("What the event bus knows")  # the last line
    assert json.loads(demo.out)["balances"] is True
    kept = dict(line.removeprefix("export ").split("=", 1) for line in demo.err.splitlines() if line.startswith("expo"))
    address, port = kept["KAFKA_BOOTSTRAP_SERVERS"].split(":")
    socket.create_connection((address, int(port)), timeout=PATIENCE * 5).close()
    again = [sys.executable, "-m", "demo", "provision"]
    done = subprocess.run(again, env=os.environ | kept, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "topic transactions: kept" in done.stdout
    demo.interrupt()
    assert demo.end(60) == 0


@pytest.mark.parametrize(
    ("args", "env", "says"),
    [
        (["--preset", "nonsense"], {}, "producer: "),
        (["--seed", "7"], {"ANALYZER_ALERT_THRESHOLD": "high"}, "analyzer: ANALYZER_ALERT_THRESHOLD is 'high'"),
    ],
)
def test_a_wrong_setting_ends_the_demo_with_one_line(
    start: Start, args: list[str], env: dict[str, str], says: str
) -> None:
    demo = start(*args, "--json", **env)
    assert demo.end(60) == 2
    errors = [line for line in demo.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert says in errors[0]
    assert "Traceback" not in demo.err


def test_a_taken_port_ends_the_demo_with_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        demo = start("--json", OPS_PORT=port)
        assert demo.end(60) == 2
    assert f"can't listen on 127.0.0.1:{port}" in demo.err
    assert "OPS_PORT" in demo.err


def test_an_unknown_broker_ends_the_demo_with_one_line(start: Start) -> None:
    demo = start(broker="kafka")
    assert demo.end(30) == 2
    assert demo.err == "error: broker 'kafka' is unknown: choose embedded, apache or HOST:PORT\n"


def test_a_broker_that_dies_ends_the_demo_with_one_line(start: Start) -> None:
    demo = start("--json")
    demo.child("producer")
    demo.broker().kill()
    assert demo.end(60) == 1
    assert "error: the broker has ended" in demo.err

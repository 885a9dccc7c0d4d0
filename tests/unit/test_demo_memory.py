from __future__ import annotations

import os
import subprocess
import sys

import pytest

from demo.memory import MEASURE, Meter, used


def test_peaks_are_remembered_and_a_process_that_has_ended_counts_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        meter = Meter()
        meter.sample({"demo": os.getpid(), "child": child.pid})
        assert set(meter.current) == {"demo", "child"}
        in_all = meter.peak_in_all
        assert in_all == sum(meter.current.values()) > 0
        child.communicate(b"\n")
    meter.sample({"demo": os.getpid(), "child": child.pid})
    assert set(meter.current) == {"demo"}
    assert meter.peak["child"] > 0
    assert meter.peak_in_all >= in_all


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the share of a process")
def test_pages_that_processes_share_are_not_counted_for_each() -> None:
    assert MEASURE == "PSS"
    code = "import os, sys, time; data = b'x' * 64 * 2**20; os.fork(); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as parent:
        try:
            assert parent.stdout is not None
            parent.stdout.readline()
            parent.stdout.readline()
            assert used(parent.pid) < 64 * 2**20
        finally:
            os.killpg(parent.pid, 9)

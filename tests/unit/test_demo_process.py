from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from demo.process import Child, free_port, listens
from schemas.errors import UnavailableError
from tests.harness import PATIENCE, wait_until

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
PARENT = """
import os, sys, time
from pathlib import Path
from demo.process import Child
child = Child("child", ["sleep", "60"], env=dict(os.environ), log=Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(60)
"""


def gone(pid: int) -> bool:
    """Gone, or dead and waiting for whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter: between opening and reading
        return True


def test_a_child_ends_when_it_is_asked(tmp_path: Path) -> None:
    child = Child("c", SLEEP, env=os.environ, log=tmp_path / "log")
    assert child.stop() == -signal.SIGTERM


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    stubborn = f"import signal; signal.signal({signal.SIGTERM.value}, signal.SIG_IGN); {SLEEP[2]}"
    child = Child("c", [sys.executable, "-c", stubborn], env=os.environ, log=tmp_path / "log")
    wait_until(lambda: "up" in child.text(), 10, "its first line")
    assert child.stop(timeout_s=0.05) == -signal.SIGKILL


def test_a_hung_child_can_still_be_stopped(tmp_path: Path) -> None:
    child = Child("c", SLEEP, env=os.environ, log=tmp_path / "log")
    child.pause()
    assert child.stop() == -signal.SIGTERM


def test_a_command_that_does_not_exist_is_one_line_in_the_log(tmp_path: Path) -> None:
    child = Child("c", ["no-such-command"], env=os.environ, log=tmp_path / "log")
    assert child.wait(PATIENCE * 10) == 1
    with pytest.raises(UnavailableError, match="the c has ended: error: can't run no-such-command"):
        child.require_running()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed process")
def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.kill()
    wait_until(lambda: gone(pid), 10, "its end")


def test_a_free_port_is_one_on_which_nothing_listens() -> None:
    assert not listens(free_port())


def test_a_port_that_one_process_was_given_is_no_others_while_it_lives() -> None:
    # Somebody else may come to use, or to leave, one port of the row between two looks, but hardly one of each.
    assert any(is_given_again_afterwards_only(seed) for seed in (11, 12, 13))


def is_given_again_afterwards_only(seed: int) -> bool:
    choose = f"import random; random.seed({seed}); from demo.process import free_port; print(free_port(), flush=True)"
    argv = [sys.executable, "-c", f"{choose}; input()"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        held = int(holder.stdout.readline())
        meanwhile = subprocess.run([sys.executable, "-c", choose], capture_output=True, text=True, check=True)
        holder.communicate("end")
    assert int(meanwhile.stdout) != held
    afterwards = subprocess.run([sys.executable, "-c", choose], capture_output=True, text=True, check=True)
    return int(afterwards.stdout) == held

"""What a profile says of stacks: whose part a sample is, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.places import ROOT
from bench.profile.parts import OTHER, Part
from bench.profile.report import read
from bench.profile.samples import Frame, Sample, at_work, by_function, by_part, load, part_of, short
from bench.profile.subjects import SUBJECTS

PARTS = (
    Part("read", ("analyzer/card_desk.py:read",)),
    Part("judge", ("analyzer/core/", "analyzer/card_desk.py")),
    Part("send", ("aiokafka/producer/",)),
)


def sample(*frames: str, seconds: float = 1.0) -> Sample:
    return Sample(tuple(Frame(*one.split(":")) for one in frames), seconds)


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        (("analyzer/card_desk.py:judge",), "judge"),
        (("analyzer/card_desk.py:CardDesk.read", "numpy/core.py:take"), "read"),
        (("analyzer/card_desk.py:CardDesk.read.<locals>.one",), "read"),
        (("analyzer/card_desk.py:CardDesk.read", "analyzer/core/window.py:read"), "judge"),
        (("asyncio/events.py:run",), OTHER),
    ],
)
def test_a_sample_belongs_to_the_innermost_function_that_has_a_part(frames: tuple[str, ...], part: str) -> None:
    assert part_of(sample(*frames), PARTS) == part


def test_time_is_summed_by_part_and_by_the_function_that_took_it() -> None:
    work = [
        sample("analyzer/core/window.py:after", seconds=0.5),
        sample("analyzer/core/window.py:after", "math.py:fsum", seconds=0.25),
        sample("aiokafka/producer/sender.py:run", seconds=1.0),
    ]
    assert by_part(work, PARTS) == {"judge": 0.75, "send": 1.0}
    assert by_function(work)[Frame("math.py", "fsum")] == 0.25


def test_imports_are_no_work() -> None:
    work = sample("analyzer/core/window.py:after")
    assert at_work([sample("<frozen importlib._bootstrap>:_find_and_load", "re.py:compile"), work]) == [work]


def test_a_library_is_named_without_its_folder() -> None:
    assert short("/any/lib/python3.12/asyncio/events.py") == "asyncio/events.py"
    assert short("/any/lib/python3.12/site-packages/aiokafka/conn.py") == "aiokafka/conn.py"
    assert short(str(ROOT / "analyzer" / "worker.py")) == "analyzer/worker.py"


def written(tmp_path: Path) -> Path:
    """Return a file as py-spy writes it: import, work, waiting, nothing."""
    frames = [
        {"name": "_find_and_load", "file": "<frozen importlib._bootstrap>"},
        {"name": "CardDesk.read", "file": str(ROOT / "analyzer/card_desk.py")},
        {"name": "EpollSelector.select", "file": "/any/lib/python3.12/selectors.py"},
    ]
    threads = [{"samples": [[0], [1]], "weights": [0.5, 1.5]}, {"samples": [[2], []], "weights": [9.0, 9.0]}]
    file = tmp_path / "analyzer.json"
    file.write_text(json.dumps({"shared": {"frames": frames}, "profiles": threads}))
    file.with_suffix(".cpu").write_text("4.0")
    return file


def test_threads_that_wait_are_left_out(tmp_path: Path) -> None:
    assert [one.seconds for one in load(written(tmp_path))] == [0.5, 1.5]


def test_what_a_record_costs_has_the_imports_taken_off(tmp_path: Path) -> None:
    found = read(SUBJECTS["analyzer"], 1_000_000, written(tmp_path))
    assert found.work == 0.75
    assert found.parts == {"decode": 1.0}
    assert found.us(1) == pytest.approx(3.0)


def test_every_part_of_a_service_names_files_that_are_there() -> None:
    own = ("analyzer/", "producer/", "notifier/", "schemas/")
    for subject in SUBJECTS.values():
        for path in (one.partition(":")[0] for part in subject.parts for one in part.of):
            if path.startswith(own):
                assert (ROOT / path).exists(), path

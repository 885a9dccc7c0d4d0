"""A histogram that takes many observations at once counts as Prometheus's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from analyzer.metrics import Durations

BOUNDS = (0.005, 0.1, 2.5)


@given(st.lists(st.one_of(st.floats(0, 10), st.sampled_from(BOUNDS)), max_size=30))
def test_many_at_once_count_as_one_by_one(seconds: list[float]) -> None:
    ours, theirs = (
        Durations("some_seconds", "Some", BOUNDS),
        Histogram("some_seconds", "Some", buckets=BOUNDS, registry=None),
    )
    half = len(seconds) // 2
    ours.observe(np.array(seconds[:half]))
    ours.observe(np.array(seconds[half:]))
    for one in seconds:
        theirs.observe(one)
    (found,), (wanted,) = ours.collect(), theirs.collect()
    compared = [one for one in wanted.samples if not one.name.endswith("_created")]
    assert [(one.name, one.labels) for one in found.samples] == [(one.name, one.labels) for one in compared]
    assert [one.value for one in found.samples] == pytest.approx([one.value for one in compared])


def test_it_can_be_registered() -> None:
    registry = CollectorRegistry()
    registry.register(Durations("some_seconds", "Some", BOUNDS))
    assert registry.get_sample_value("some_seconds_bucket", {"le": "+Inf"}) == 0

from __future__ import annotations

import io
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from rich.console import Console

from schemas.errors import UserError
from score.core.facts import Alert, Fact, Happened, Kind, Label, Oracle
from score.core.tally import Tally
from score.live.fakes import FakeReader, FakeRecord, FakeSource, FakeView
from score.live.metrics import Metrics
from score.live.service import Service
from score.live.settings import ScoreSettings
from score.live.state import Position, State
from score.live.view import Picture, fitting, line, render

WEEK_MS = 7 * 86_400_000


def facts(count: int = 6) -> list[Fact]:
    found: list[Fact] = []
    for number in range(count):
        name, card, at_ms = f"t{number}", f"c{number % 3}", number * WEEK_MS
        label = Label(name, card, at_ms, 100, number % 2 == 0, "spree" if number % 2 else None, at_ms + WEEK_MS)
        found += [Happened(name, at_ms), label, Alert(name, card, at_ms, 0.7, ("velocity",))]
        found += [Alert(name, card, at_ms, 0.6, ("trial",), Kind.SHADOW)]
        found += [Oracle(label)] if label.fraud else []
    return [*found, Label("never", "c0", 0, 100, approved=True, scenario=None, release_ms=0)]


def place(after: int) -> dict[tuple[str, int], Position]:
    return {("labels", 0): Position(after)}


@given(st.permutations(facts()), st.lists(st.integers(0, 24), max_size=3))
@settings(max_examples=20, deadline=None)
def test_a_state_that_is_closed_and_opened_again_anywhere_gives_the_same_scores(
    found: list[Fact], cuts: list[int]
) -> None:
    expected = Tally()
    expected.take_all(found)
    with tempfile.TemporaryDirectory() as folder:
        for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(found)], strict=True):
            with State.open(Path(folder) / "score.db") as state:
                tally = state.tally()
                state.take(tally, found[begin:end], place(end))
                last = tally.scores()
        assert last == expected.scores()
        with State.look(Path(folder) / "score.db") as state:
            assert state.tally().scores() == expected.scores()
            assert state.positions() == place(len(found))


def test_what_is_cut_in_the_middle_is_as_if_it_had_not_begun(tmp_path: Path) -> None:
    def cut() -> Iterator[Fact]:
        yield from facts()[3:9]
        raise KeyboardInterrupt

    file = tmp_path / "score.db"
    with State.open(file) as state:
        state.take(state.tally(), facts()[:3], place(3))
    with pytest.raises(KeyboardInterrupt), State.open(file) as state:
        state.take(state.tally(), cut(), place(9))
    with State.look(file) as state:
        assert state.positions() == place(3)
        assert state.tally().transactions == 1


def test_a_state_that_is_used_is_not_opened_twice(tmp_path: Path) -> None:
    with (
        State.open(tmp_path / "score.db"),
        pytest.raises(UserError, match="another score keeps its state in"),
        State.open(tmp_path / "score.db"),
    ):
        pass


def test_a_state_of_another_cluster_is_refused(tmp_path: Path) -> None:
    with State.open(tmp_path / "score.db") as state:
        state.belongs_to("one")
        state.belongs_to("one")
        with pytest.raises(UserError, match="is of Kafka cluster one, and this is two"):
            state.belongs_to("two")


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to be taken for one" * 20)
    with pytest.raises(UserError, match="can't be used as the score's state"), State.open(tmp_path / "text"):
        pass
    sqlite3.connect(tmp_path / "old").execute("CREATE TABLE other (x)").connection.close()
    with pytest.raises(UserError, match="has tables of version 0"), State.open(tmp_path / "old"):
        pass
    with pytest.raises(UserError, match="there is no state in"), State.look(tmp_path / "none"):
        pass
    with pytest.raises(UserError, match="can't keep the score's state in"), State.open(tmp_path / "text" / "score.db"):
        pass


def served(state: State, batches: list[list[FakeRecord]]) -> tuple[Service, FakeView]:
    source, view = FakeSource(batches), FakeView()
    seconds = iter(range(1_000))
    metrics = Metrics(CollectorRegistry())
    return Service(ScoreSettings(), state, FakeReader(source), source, metrics, view, lambda: next(seconds)), view


def test_the_service_takes_up_where_it_was_and_counts_what_it_cannot_read(tmp_path: Path) -> None:
    records = [FakeRecord("labels", at, fact) for at, fact in enumerate([*facts(), None])]
    with State.open(tmp_path / "score.db") as state:
        service, view = served(state, [records[:10]])
        service.run(lambda: False, once=True)
        assert view.shown[-1].caught_up
    with State.open(tmp_path / "score.db") as state:
        service, view = served(state, [records[10:]])
        last = service.run(lambda: False, once=True)
        assert state.positions() == {("labels", 0): Position(len(records), unreadable=1)}
    assert (last.scores["transactions"], last.scores["unknown_labels"], last.unreadable) == (6, 1, 1)


def test_the_service_ends_when_told_to(tmp_path: Path) -> None:
    with State.open(tmp_path / "score.db") as state:
        service, view = served(state, [[]])
        assert service.run(lambda: True).scores["transactions"] == 0
        assert len(view.shown) == 1


def picture(tmp_path: Path) -> Picture:
    records = [FakeRecord("labels", at, fact) for at, fact in enumerate(facts())]
    with State.open(tmp_path / "score.db") as state:
        return served(state, [records])[0].run(lambda: False, once=True)


def test_the_view_shows_bank_and_oracle_and_what_does_not_fit(tmp_path: Path) -> None:
    console = Console(width=140, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115 - as long as the test
    console.print(render(picture(tmp_path)))
    shown = console.export_text()
    for part in ("Oracle", "Bank", "spree", "velocity", "trial (on trial)", "labels for unknown transactions: 1"):
        assert part in shown, part
    said = line(picture(tmp_path))
    assert "bank: 5 transactions" in said
    assert "oracle: 6 transactions" in said


def test_metrics_tell_both_columns() -> None:
    registry = CollectorRegistry()
    tally = Tally()
    tally.take_all(facts())
    Metrics(registry).show(tally.scores(), unreadable=2)
    of = {"column": "oracle", "scenario": "spree", "rule": "all"}
    assert registry.get_sample_value("cardwatch_score_recall", {**of, "by": "card"}) == 1.0
    assert registry.get_sample_value("cardwatch_score_transactions", {"column": "bank"}) == 5
    assert registry.get_sample_value("cardwatch_score_unknown", {"what": "labels"}) == 1
    assert registry.get_sample_value("cardwatch_score_unreadable") == 2


@pytest.mark.parametrize(("height", "shown"), [(100, {"Oracle", "Bank", "Rules"}), (15, {"Oracle"})])
def test_the_view_is_no_higher_than_the_terminal_if_it_can(tmp_path: Path, height: int, shown: set[str]) -> None:
    console = Console(width=160, height=height, record=True, file=io.StringIO())
    console.print(fitting(picture(tmp_path), console))
    text = console.export_text()
    assert {title for title in ("Oracle", "Bank", "Rules") if f"│ {title}" in text} >= shown
    assert ("Rules, by the truth" in text) is ("Rules" in shown)
    assert ("a higher window shows more" in text) is ("Rules" not in shown)

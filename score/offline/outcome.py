"""What an offline run has to say: figures of all seeds together, as JSON's values and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from score.as_json import Json, scores_json
from score.offline.interval import Interval, intervals, means
from score.offline.play import Played
from score.sheet import Figures, Sheet, by_rule, by_scenario, in_all, matrix


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures of an offline run."""

    of: Json
    """What was judged: preset, difficulty, seeds, or the file."""
    figures: Json
    """As the live score's JSON, and `ranking`; of several seeds the mean of each."""
    intervals: dict[tuple[str, ...], Interval]
    seeds: Sequence[Json]
    """The main figures of each seed."""
    off: dict[str, str]
    """By name of a rule that was switched off, why."""
    refused: str
    """What was wrong with records that can't be transactions; empty without any."""

    @property
    def margins(self) -> dict[tuple[str, ...], float | None]:
        """Half the width of each interval."""
        return {path: each.half_width for path, each in self.intervals.items()}


def outcome(of: Json, played: Sequence[Played], names: Sequence[str], off: dict[str, str]) -> Outcome:
    """Return what came of all seeds; `names` says which each of `played` was."""
    found = [_figures(one) for one in played]
    refused = sum(one.refused for one in played)
    first = next((one.refusal for one in played if one.refusal), "")
    return Outcome(
        of=of,
        figures=means(found),
        intervals=intervals(found),
        seeds=[_main(name, each) for name, each in zip(names, found, strict=True)],
        off=off,
        refused=f"{refused:,} records can't be transactions; the first: {first}" if refused else "",
    )


def _figures(one: Played) -> Json:
    own = {"ranking": asdict(one.ranking), "late": one.late, "duplicate": one.duplicate, "refused": one.refused}
    return {**scores_json(one.scores), **own}


def _main(name: str, figures: Json) -> Json:
    def shares(of: Json) -> Json:
        return {"precision": of["precision"], "recall": of["recall"]}

    return {
        "seed": name,
        "by_card": shares(figures["by_card"]),
        "by_transaction": shares(figures["by_transaction"]),
        "alerts_per_1000": figures["alerts_per_1000"],
        "false_alarms_per_1000": figures["false_alarms_per_1000"],
        "recall_by_scenario": {scenario: each["recall"] for scenario, each in figures["by_scenario"].items()},
    }


def as_json(told: Outcome, cost: Json) -> dict[str, Any]:
    """Return one object with everything; `cost` says what it took."""
    confidence = {
        ".".join(path): [each.mean - each.half_width, each.mean + each.half_width]
        for path, each in told.intervals.items()
        if each.half_width is not None
    }
    own = {"rules_off": told.off, "seeds": told.seeds, "interval_95": confidence, "cost": cost}
    return {"of": told.of, **told.figures, **own}


def sheets(told: Outcome) -> list[Sheet]:
    """Return the tables for people."""
    oracle = Figures(told.figures, told.margins)
    return [by_scenario(oracle, "By scenario"), by_rule(oracle, "By rule"), matrix(oracle, "By scenario and rule")]


def lines(told: Outcome) -> list[str]:
    """Return what else there is to say."""
    oracle = Figures(told.figures, told.margins)
    ranking = oracle.part("ranking")
    ranked = (
        f"ranked by score: AUC {ranking.words(_three, 'auc')},"
        f" average precision {ranking.words(_three, 'average_precision')},"
        f" Card Precision@100 {ranking.words(_three, 'card_precision_at_100')}"
        f" of at most {_three(ranking.get('card_precision_at_100_best'))}"
    )
    each = "mean of the seeds: " if len(told.seeds) > 1 else ""
    bank = f"bank, by what is released: {in_all(oracle.part('bank'))}"
    said = [f"{each}{in_all(oracle)}", bank, ranked]
    said += [f"rule {name} is off: {why}" for name, why in told.off.items()]
    if told.refused:
        said.append(told.refused)
    return said


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

"""Writes docs/data-card.md and its plots from runs of the generator: `make data-card`. A test compares them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from producer.model import DAY_MS, HOUR_MS
from producer.presets import PRESETS
from producer.scenarios import SCENARIOS
from tests.quality.hardness import DIFFICULTIES, FEATURES, SEED, SIZES, START_MS, Sample, best_f1, overlap, sample

PAGE: Final = Path(__file__).parents[2] / "docs" / "data-card.md"
PLOTS: Final = PAGE.with_suffix("")
STRONG: Final = 0.5
"""Rank correlations from which a pair of features is listed."""
COLOURS: Final = ("#4477aa", "#cc3311")

HEAD: Final = f"""# Data card

What the generator makes, in figures: measured on runs with seed {SEED}, {SIZES["real"]:,} transactions of `real` and
of `handbook` and {SIZES["workshop"]:,} of `workshop`. This page and its plots are made by `make data-card`.

All of it is invented: people, places near real towns, merchants, fraud. Labels say which scenario made a transaction
and are computed from nothing else. Cards are tokens; there is no card number.
"""

LIMITS: Final = """
## Limits

- Real fraudsters adapt; these have one difficulty for a whole run. A rule that finds a scenario here finds its author,
  not fraud. Compare rules with each other, not with a bank's figures.
- One currency, no holidays, no weekdays, no seasons, no growth, no cards that are blocked after a fraud or replaced.
- Merchants are equal within their category: none is popular, and no web shop is riskier than another.
- Amounts are log-normal within a category; prices such as 9.99 don't occur.
- A fraud is known for certain. In a bank some are never reported, and some genuine payments are disputed.
- In three weeks of `real` and `handbook` no card can have slept for 30 days: dormant cards appear in longer runs, and
  `real` is too small here for figures of single scenarios.
- In `workshop` one transaction in 33 is a fraud and about two cards in five are robbed in seven weeks. That is for
  seeing something at once; rates of alarms and precision mean something in `handbook` and `real` alone.
"""


def page() -> str:
    """Return the page as Markdown."""
    return f"{HEAD}{_rates()}{_scenarios()}{_distributions()}{_single_features()}{_correlations()}{LIMITS}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _rates() -> str:
    rows = []
    for preset in PRESETS:
        for difficulty in DIFFICULTIES:
            made = sample(preset, difficulty)
            amounts = made.columns["amount"]
            declined = np.array([not draft.approved for draft in made.drafts])
            rows.append(
                [
                    f"`{preset}`",
                    f"{difficulty:g}",
                    f"{(made.drafts[-1].event_ms - START_MS) / DAY_MS:.0f}",
                    str(len({draft.holder.index for draft in made.drafts})),
                    f"{PRESETS[preset].fraud_share:.2%}",
                    f"{made.fraud.mean():.2%}",
                    f"{amounts[made.fraud].sum() / amounts.sum():.1%}",
                    f"{declined[~made.fraud].mean():.1%}",
                    f"{declined[made.fraud].mean():.1%}",
                ]
            )
    head = ["preset", "difficulty", "days", "cards", "fraud wanted", "fraud", "by value"]
    return "\n## Rates\n\n" + _table([*head, "genuine declined", "fraud declined"], rows)


def _scenarios() -> str:
    made = [sample("workshop", difficulty) for difficulty in DIFFICULTIES]
    rows = []
    for name in SCENARIOS:
        row = [f"`{name}`"]
        for one in made:
            drafts = [draft for draft, scenario in zip(one.drafts, one.scenarios, strict=True) if scenario == name]
            median = np.median([draft.amount_minor for draft in drafts]) / 100
            row += [str(len(drafts)), str(len({draft.holder.index for draft in drafts})), f"{median:.0f}"]
        rows.append(row)
    head = [f"{what} at {d:g}" for d in DIFFICULTIES for what in ("transactions", "cards", "median EUR")]
    return "\n## Scenarios in `workshop`\n\n" + _table(["scenario", *head], rows)


def _distributions() -> str:
    rows = [
        [name, *(f"{overlap(made.columns[name], made.fraud):.2f}" for made in map(_workshop, DIFFICULTIES))]
        for name in FEATURES
    ]
    plots = "".join(f"![{title}](data-card/{file}.svg)\n\n" for file, title in TITLES.items() if file != "correlations")
    return (
        "\n## Genuine and fraudulent distributions\n\nBlue is genuine, red fraudulent, in `workshop`.\n\n"
        + plots
        + "Overlap coefficient: 1 is the same distribution, 0 no value in common.\n\n"
        + _table(["feature", *(f"overlap at {d:g}" for d in DIFFICULTIES)], rows)
    )


def _single_features() -> str:
    runs = [(preset, difficulty) for preset in PRESETS for difficulty in DIFFICULTIES]
    rows = [
        [name, *(f"{best_f1(made.columns[name], made.fraud):.2f}" for made in (sample(*one) for one in runs))]
        for name in FEATURES
    ]
    return (
        "\n## How well one feature alone finds the fraud\n\nF1 over all fraud with the best threshold in hindsight, on"
        " either side of it. A test holds all of them below 0.5.\n\n"
        + _table(["feature", *(f"{preset} {difficulty:g}" for preset, difficulty in runs)], rows)
    )


def _correlations() -> str:
    ranked = _rank_correlations(_workshop(0.5))
    pairs = [
        (float(ranked[i, j]), FEATURES[i], FEATURES[j])
        for i in range(len(FEATURES))
        for j in range(i)
        if abs(ranked[i, j]) >= STRONG
    ]
    rows = [[a, b, f"{r:.2f}"] for r, a, b in sorted(pairs, key=lambda pair: (-abs(round(pair[0], 2)), pair[1:]))]
    to_fraud = sorted(((float(ranked[-1, i]), name) for i, name in enumerate(FEATURES)), reverse=True)
    strongest = ", ".join(f"{name} {r:.2f}" for r, name in to_fraud[:5])
    return (
        f"\n## Correlations\n\nRank correlations in `workshop` at 0.5. With being a fraud: {strongest}.\n\n"
        f"![{TITLES['correlations']}](data-card/correlations.svg)\n\n"
        f"Pairs of features from {STRONG:g} on:\n\n" + _table(["feature", "feature", "correlation"], rows)
    )


def _workshop(difficulty: float) -> Sample:
    return sample("workshop", difficulty)


def _rank_correlations(made: Sample) -> NDArray[np.float64]:
    """Return Spearman's coefficients of all features and, last, of being a fraud."""
    columns = [*(made.columns[name] for name in FEATURES), made.fraud.astype(float)]
    ranks = []
    for column in columns:
        _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(counts) - counts / 2)[inverse])
    found: NDArray[np.float64] = np.corrcoef(np.array(ranks))
    return found


TITLES: Final = {
    "amounts": "Amounts of genuine and fraudulent transactions",
    "hours": "Local hours of genuine and fraudulent transactions",
    "gaps": "Time since the card's last transaction",
    "correlations": "Rank correlations of features",
}


def draw() -> None:
    """Write the plots: the same bytes for the same figures."""
    PLOTS.mkdir(exist_ok=True)
    mpl.use("svg")
    with mpl.rc_context({"svg.hashsalt": "cardwatch", "svg.fonttype": "none", "font.size": 8}):
        _save("amounts", _histograms(_amounts, np.geomspace(0.5, 5_000, 50), "EUR", log=True))
        _save("hours", _histograms(_hours, np.linspace(0, 24, 25), "hour by the sun where the holder lives"))
        _save("gaps", _histograms(_gaps, np.geomspace(1e-4, 60, 50), "days", log=True))
        _save("correlations", _heat(_rank_correlations(_workshop(0.5))))


def _amounts(made: Sample) -> NDArray[np.float64]:
    return made.columns["amount"] / 100


def _hours(made: Sample) -> NDArray[np.float64]:
    return np.array([(d.event_ms / HOUR_MS + d.holder.home.utc_offset_h) % 24 for d in made.drafts])


def _gaps(made: Sample) -> NDArray[np.float64]:
    return made.columns["days_since_last"]


def _histograms(
    values: Callable[[Sample], NDArray[np.float64]], edges: NDArray[np.float64], unit: str, *, log: bool = False
) -> Figure:
    figure = Figure(figsize=(9, 2.4), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, len(DIFFICULTIES), sharey=True))
    for axes, difficulty in zip(panels, DIFFICULTIES, strict=True):
        made = _workshop(difficulty)
        for name, chosen, colour in zip(("genuine", "fraud"), (~made.fraud, made.fraud), COLOURS, strict=True):
            shown = values(made)[chosen]
            weights = np.full(len(shown), 1 / len(shown))
            axes.hist(shown, edges.tolist(), weights=weights, color=colour, alpha=0.55, label=name)
        axes.set(title=f"difficulty {difficulty:g}", xlabel=unit, xscale="log" if log else "linear")
    panels[0].set_ylabel("share of its kind")
    panels[0].legend(frameon=False, loc="upper left")
    return figure


def _heat(ranked: NDArray[np.float64]) -> Figure:
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots()
    names = [*FEATURES, "fraud"]
    mesh = axes.pcolormesh(ranked[::-1], cmap="RdBu_r", vmin=-1, vmax=1)
    axes.set_xticks(np.arange(len(names)) + 0.5, names, rotation=90)
    axes.set_yticks(np.arange(len(names)) + 0.5, names[::-1])
    figure.colorbar(mesh, label="rank correlation (Spearman)")
    return figure


def _save(name: str, figure: Figure) -> None:
    figure.savefig(PLOTS / f"{name}.svg", format="svg", metadata={"Date": None})


if __name__ == "__main__":
    PAGE.write_text(page())
    draw()

"""Plots of scores as SVG, from the figures of the JSON. matplotlib is imported only when a plot is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from schemas.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Json = Mapping[str, Any]

_WIDTH_IN: Final = 7.5
_COLOURS: Final = {"oracle": "#3b6ea5", "bank": "#e0a030", "right": "#2f8f5b", "false": "#c0504d", "missed": "#999999"}
_DAY_S: Final = 86_400


def plots(scores: Json) -> Iterator[tuple[str, str]]:
    """Yield the heading and the SVG of each plot of the JSON of scores.

    Raises:
        UserError: matplotlib isn't installed.
    """
    yield "Cards found, by scenario", _drawn(_recall, scores)
    yield "Cards found, by scenario and rule", _drawn(_matrix, scores)
    yield "Alerts a day", _drawn(_days, scores)
    yield "How soon a card was found", _drawn(_waits, scores)
    yield "Money saved and lost, by scenario", _drawn(_money, scores)


def require() -> None:
    """Check that plots can be made.

    Raises:
        UserError: matplotlib isn't installed.
    """
    if find_spec("matplotlib") is None:
        raise UserError("plots need matplotlib, which is not installed: run `make setup`")


def _drawn(draw: Any, scores: Json) -> str:
    require()
    import matplotlib as mpl  # noqa: PLC0415 - services do without it
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    own: Any = {"svg.fonttype": "none", "svg.hashsalt": draw.__name__, "font.family": "sans-serif", "font.size": 9}
    with mpl.rc_context(own):
        figure = Figure(figsize=(_WIDTH_IN, 0.9 + 0.32 * max(6, len(scores["by_scenario"]))), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes, scores)
        out = StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue().partition("<svg")[1] + out.getvalue().partition("<svg")[2]


def _recall(axes: Axes, scores: Json) -> None:
    names = list(scores["by_scenario"])
    for shift, (who, column) in zip((-0.2, 0.2), (("oracle", scores), ("bank", scores["bank"])), strict=True):
        found = [column["by_scenario"].get(name, {}).get("recall") or 0.0 for name in names]
        axes.barh([place + shift for place in range(len(names))], found, 0.38, label=who, color=_COLOURS[who])
    _named(axes, names)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the compromised cards")
    _legend(axes)


def _matrix(axes: Axes, scores: Json) -> None:
    names, rules = list(scores["by_scenario_and_rule"]), list(scores["by_rule"])
    cells = [
        [scores["by_scenario_and_rule"][name][rule]["by_card"]["recall"] or 0.0 for rule in rules] for name in names
    ]
    if not names or not rules:
        return
    axes.imshow(cells, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, values in enumerate(cells):
        for place, share in enumerate(values):
            axes.text(place, row, f"{share:.0%}", ha="center", va="center", color="white" if share > 0.5 else "black")  # noqa: PLR2004 - half way to dark
    axes.set_xticks(range(len(rules)), rules, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])


def _days(axes: Axes, scores: Json) -> None:
    days: Sequence[Json] = scores["by_day"]
    if not days:
        return
    at = [day["day"] - days[0]["day"] for day in days]
    right = [day["right"] for day in days]
    axes.bar(at, right, 1.0, label="right", color=_COLOURS["right"])
    axes.bar(at, [day["false"] for day in days], 1.0, bottom=right, label="false", color=_COLOURS["false"])
    axes.plot(at, [day["fraud"] for day in days], label="fraud", color=_COLOURS["missed"])
    axes.set_xlabel("day of event time, from the first with fraud or alerts")
    axes.set_ylabel("transactions")
    _legend(axes)


def _waits(axes: Axes, scores: Json) -> None:
    waits = [max(1.0, wait) for wait in scores["waits_s"]]
    recall = scores["by_card"]["recall"] or 0.0
    shares = [recall * (place + 1) / len(waits) for place in range(len(waits))]
    axes.step(waits, shares, where="post", color=_COLOURS["oracle"])
    axes.set_xscale("log")
    axes.set_xticks([1, 60, 3_600, _DAY_S, 7 * _DAY_S], ["1 s", "1 min", "1 h", "1 d", "7 d"])
    axes.set_ylim(0, 1)
    axes.set_xlabel("since the card's first fraud, in event time")
    axes.set_ylabel("share of the compromised cards")


def _money(axes: Axes, scores: Json) -> None:
    names = list(scores["by_scenario"])
    parts = [scores["by_scenario"][name]["money"] for name in names]
    caught, lost = ([part[key] / 100 for part in parts] for key in ("caught_minor", "lost_minor"))
    axes.barh(range(len(names)), caught, label="saved", color=_COLOURS["right"])
    axes.barh(range(len(names)), lost, left=caught, label="lost", color=_COLOURS["false"])
    _named(axes, names)
    axes.set_xlabel("approved fraud, in major units of the currency")
    _legend(axes)


def _legend(axes: Axes) -> None:
    """Put it above the plot, where it hides nothing."""
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)


def _named(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.invert_yaxis()

"""The report as one HTML file that needs nothing else: tables and plots, bank and oracle side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from schemas.errors import UserError
from score import plots
from score.plots import Json
from score.sheet import Figures, Margins, Sheet, by_rule, by_scenario, in_all, matrix

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 84rem; margin: 2rem auto; padding: 0 1rem; color: #222;
  background: #fff; color-scheme: light }
h1, h2 { font-weight: 600 } h2 { margin-top: 2.5rem; font-size: 1.2rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: .3rem 0 }
th, td { padding: .2rem .5rem; font-size: .9rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
.scroll { overflow-x: auto } svg { max-width: 100%; height: auto } .small { color: #666; font-size: .9em }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem 2rem }
"""
_MEANING: Final = (
    "Oracle: the truth, over all transactions. Bank: what a bank can know by the virtual clock, over the transactions"
    " whose labels have been released. A card is found if one of its fraudulent transactions was flagged. False alarms"
    " belong to no scenario: a scenario's precision is what it would be if it were the only fraud. Money is saved from"
    " a card's first right alert on."
)


def require(file: Path) -> None:
    """Check, before much is computed, that a page can be made and written to `file`.

    Raises:
        UserError: it can't.
    """
    plots.require()
    if not file.parent.is_dir() or file.is_dir():
        raise UserError(f"can't write {file}: it must be a file in a folder that exists. Choose another --html")


def page(title: str, scores: Json, notes: Sequence[str] = (), margins: Margins | None = None) -> str:
    """Return the HTML for the JSON of scores; `notes` are lines below the title.

    Raises:
        UserError: matplotlib isn't installed.
    """
    return "\n".join(_parts(title, scores, notes, margins or {}))


def _parts(title: str, scores: Json, notes: Sequence[str], margins: Margins) -> Iterator[str]:
    oracle, bank = Figures(scores, margins), Figures(scores, margins).part("bank")
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
    yield f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
    yield from (f"<p>{escape(note)}</p>" for note in notes)
    yield f'<p class="small">{escape(_MEANING)}</p>'
    yield f"<h2>Who was caught</h2><p>Oracle: {escape(in_all(oracle))}</p><p>Bank: {escape(in_all(bank))}</p>"
    for sheet in (
        by_scenario(oracle, "Oracle: by scenario"),
        by_scenario(bank, "Bank: by scenario"),
        by_rule(oracle, "Oracle: by rule"),
        by_rule(bank, "Bank: by rule"),
        matrix(oracle, "Oracle: share of each scenario's cards that each rule finds"),
    ):
        yield table(sheet)
    yield '<div class="plots">'
    yield from (f"<section><h2>{escape(heading)}</h2>{svg}</section>" for heading, svg in plots.plots(scores))
    yield "</div></body></html>"


def table(sheet: Sheet) -> str:
    """Return a sheet as HTML."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in sheet.headings)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in sheet.rows)
    caption = f"<caption>{escape(sheet.title)}</caption>"
    return f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def write(file: Path, html: str) -> None:
    """Write a page, whole or not at all.

    Raises:
        UserError: the file can't be written.
    """
    made = file.with_name(f"{file.name}.part")
    try:
        made.write_text(html, encoding="utf-8")
        made.replace(file)
    except OSError as error:
        raise UserError(f"can't write {file}: {error.strerror}. Choose another file with --html") from None

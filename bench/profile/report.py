"""What a profile says: the parts by their share, and the functions that take most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.profile.samples import at_work, by_function, by_part, load
from bench.profile.subjects import Subject

_TOP: Final = 15
_US: Final = 1e6


@dataclass(frozen=True, slots=True)
class Profile:
    """Seconds of CPU by part, and by function itself; start-up apart."""

    subject: Subject
    records: int
    cpu_s: float
    """Of the whole process."""
    work: float
    """Share of it in the work, the rest being start-up."""
    parts: dict[str, float]
    """Share of the work of each part, largest first."""
    functions: dict[str, float]
    """The same of functions themselves."""

    def us(self, share: float) -> float:
        """Return what a share of the work is a record, in µs of CPU."""
        return share * self.work * self.cpu_s / self.records * _US

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "service": self.subject.name,
            "records": self.records,
            "cpu_s": self.cpu_s,
            "share_of_work": self.work,
            "parts": self.parts,
            "functions": self.functions,
        }


def read(subject: Subject, records: int, out: Path) -> Profile:
    """Sum up what was sampled into a file."""
    samples = load(out)
    work = at_work(samples)
    seconds = sum(one.seconds for one in work)
    return Profile(
        subject,
        records,
        float(out.with_suffix(".cpu").read_text()),
        seconds / max(1e-9, sum(one.seconds for one in samples)),
        {name: s / seconds for name, s in by_part(work, subject.parts).most_common()},
        {f"{frame.file}:{frame.name}": s / seconds for frame, s in by_function(work).most_common()},
    )


def show(found: Profile, console: Console) -> None:
    """Print two tables."""
    name, record = found.subject.name, found.subject.record
    title = f"{name}: {found.records:,} {record}, {found.us(1):.1f} µs of CPU each, start-up apart"
    table = Table(title=title, title_justify="left")
    for heading in ("part", "share", "µs each"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    for part, share in found.parts.items():
        table.add_row(part, f"{share:.1%}", f"{found.us(share):.2f}")
    console.print(table)
    top = Table(title=f"{name}: functions by their own time", title_justify="left")
    for heading in ("function", "share", "µs each"):
        top.add_column(heading, justify="left" if heading == "function" else "right")
    for function, share in list(found.functions.items())[:_TOP]:
        top.add_row(function, f"{share:.1%}", f"{found.us(share):.2f}")
    console.print(top)

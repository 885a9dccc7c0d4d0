"""Its command: `python -m bench profile`, and `make profile`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from bench import screen
from bench.analyzer.commands import require_own
from bench.places import ROOT
from bench.profile.report import read, show
from bench.profile.spy import Look
from bench.profile.subjects import SUBJECTS, Place
from bench.screen import JsonFile
from demo.broker import APACHE
from schemas.errors import EXIT_FAILURE, UserError

FOLDER: Final = ROOT / ".cardwatch" / "profile"


def profile(
    services: Annotated[list[str] | None, typer.Argument(help="analyzer, producer, notifier; none: all three.")] = None,
    *,
    records: Annotated[int, typer.Option(min=0, help="How many each works on; 0: some ten seconds' work.")] = 0,
    broker: Annotated[str, typer.Option(help="apache or embedded; a new one for each.")] = APACHE,
    file: JsonFile = None,
) -> None:
    """Sample services at their work, and say which part takes how much of the CPU.

    Files for https://www.speedscope.app are left in .cardwatch/profile. Exit code 1 when what a service did was wrong.
    """
    console = screen.console()
    chosen = services or list(SUBJECTS)
    for name in chosen:
        if name not in SUBJECTS:
            raise UserError(f"no service {name!r} to profile; choose of {', '.join(SUBJECTS)}")
    require_own(broker)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found, wrong = [], []
    for name in chosen:
        subject, out = SUBJECTS[name], FOLDER / f"{name}.json"
        out.unlink(missing_ok=True)
        count = records or subject.records
        with screen.folder() as folder, screen.progress(console) as say:
            say(f"{name}: {count:,} {subject.record}")
            wrong += [
                f"{name}: {line}"
                for line in subject.work(Place(broker, folder, say), count, Look(out, subject.per_s, subject.stops))
            ]
        found.append(read(subject, count, out))
        show(found[-1], console)
        console.print(f"Samples, for https://www.speedscope.app: {out.relative_to(ROOT)}", highlight=False)
        screen.keep([one.as_json() for one in found], "profile", file, console)
    for line in wrong:
        console.print(f"WRONG {line}", soft_wrap=True, highlight=False)
    if wrong:
        raise typer.Exit(EXIT_FAILURE)

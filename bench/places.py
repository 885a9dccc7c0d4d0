"""Where things are on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from schemas.errors import UserError

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / ".cardwatch" / "bench"
"""Where runs keep what they need, and leave what they found."""
PEERS_ENV: Final = ROOT / ".venv-bench"


def program(name: str) -> Path:
    """Return a program of the peers' environment.

    Raises:
        UserError: it is not there.
    """
    found = PEERS_ENV / "bin" / name
    if not found.exists():
        raise UserError(f"{found.relative_to(ROOT)} is not there: `make bench` and `make bench-smoke` install it")
    return found

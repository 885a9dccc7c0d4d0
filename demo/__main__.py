"""`python -m demo`: run the whole suite on this machine; `python -m demo doctor` says what is missing for it."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["doctor"]:  # works even when nothing is installed
        from demo.doctor import main as doctor

        raise SystemExit(doctor())
    try:
        from demo.cli import main
        from schemas.errors import one_line_errors
    except ModuleNotFoundError as missing:
        print(f"error: package {missing.name} is not installed: run `make setup`", file=sys.stderr)
        raise SystemExit(2) from None
    with one_line_errors():
        main(sys.argv[1:])

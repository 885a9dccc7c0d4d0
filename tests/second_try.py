"""In `.ci/run` a test with real sockets or processes that fails runs once more, and what failed is told all the same.

See docs/decisions/0092-an-integration-test-that-fails-in-ci-runs-once-more.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

import pytest

FOLDERS: Final = (("tests", "contract"), ("tests", "integration"), ("tests", "e2e"))
"""Of the tests that talk over real sockets, and of those that start real processes and kill some of them."""

WANTED: Final = "CARDWATCH_SECOND_TRY"
"""Set to 1 by `.ci/run`."""


def allow(items: Iterable[pytest.Item]) -> None:
    """Let tests of those folders run once more in `.ci/run`; everywhere else a failure is final at once."""
    if os.environ.get(WANTED) != "1":
        return
    for item in items:
        if item.path.relative_to(item.config.rootpath).parts[:2] in FOLDERS:
            item.add_marker(pytest.mark.flaky(reruns=1))


def tell(reporter: pytest.TerminalReporter) -> None:
    """Print every failure of a first try in full, and the names of the tests that passed at the second."""
    first_tries: list[pytest.TestReport] = reporter.stats.get("rerun", [])
    if not first_tries:
        return
    reporter.write_sep("=", "FIRST TRIES THAT FAILED")
    for report in first_tries:
        reporter.write_sep("_", f"{report.nodeid} ({report.when})", red=True, bold=True)
        reporter.write_line(report.longreprtext)
        for name, text in report.sections:
            reporter.write_sep("-", name)
            reporter.write_line(text)
    failed = {report.nodeid for kind in ("failed", "error") for report in reporter.stats.get(kind, [])}
    if flaky := sorted({report.nodeid for report in first_tries} - failed):
        reporter.write_sep("=", "FLAKY: MEND THESE (they passed at the second try)", yellow=True, bold=True)
        for name in flaky:
            reporter.write_line(name)

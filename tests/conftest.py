"""For all tests: what is missing on a machine is skipped with its reason, and on CI nothing may be missing."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings

from demo.apache_kafka import jars
from demo.broker import APACHE
from schemas.errors import UserError
from tests import second_try

# No example is judged by how long it takes. Every run plays the same ones; `make test ARGS="--hypothesis-profile hunt"`
# looks for others.
settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("hunt", deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Fetch Apache Kafka before tests start side by side; when that fails, they skip with the reason."""
    if os.environ.get("CARDWATCH_TEST_BROKER") == APACHE and not hasattr(config, "workerinput"):
        with suppress(UserError):
            jars(say=print)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    second_try.allow(items)
    if os.environ.get("CARDWATCH_TEST_BROKER") != APACHE:
        others = [item for item in items if item.get_closest_marker("apache")]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    second_try.tell(terminalreporter)
    if skipped_on_ci(terminalreporter):
        terminalreporter.write_line("CI must not lack anything: tests were skipped", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, pytest.TerminalReporter) and skipped_on_ci(reporter) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def skipped_on_ci(reporter: pytest.TerminalReporter) -> bool:
    return os.environ.get("CI") == "true" and bool(reporter.stats.get("skipped"))

"""The committed verdicts on patterns are those that AWS's own matcher gives today."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[1] / "unit"
RULER = UNIT / "eventbus_ruler"


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    """The matcher's jars, by Maven; the test is left out where there is none, or no network and no cache."""
    if not (shutil.which("mvn") and shutil.which("java")):
        pytest.skip("needs mvn and java")
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={tmp_path}"]
    done = subprocess.run(
        ["mvn", "-B", "-q", "-f", str(RULER / "pom.xml"), *goal], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"Maven did not fetch the matcher: {done.stdout[-300:]}")
    return tmp_path


@pytest.mark.integration
def test_the_services_own_matcher_gives_the_committed_verdicts(jars: Path) -> None:
    cases = json.loads((UNIT / "test_eventbus_pattern_vectors.json").read_text(encoding="utf-8"))["cases"]
    pairs = "".join(json.dumps({"pattern": case["pattern"], "event": case["event"]}) + "\n" for case in cases)
    command = ["java", "-cp", f"{jars}/*", str(RULER / "Oracle.java")]
    judged = subprocess.run(command, input=pairs, capture_output=True, text=True, encoding="utf-8", check=True)
    committed = ["error" if "error" in case else str(case["matches"]).lower() for case in cases]
    assert [verdict.partition(":")[0] for verdict in judged.stdout.splitlines()] == committed

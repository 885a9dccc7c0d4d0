"""Makes test_eventbus_pattern_vectors.json: hand-chosen and random cases with the verdicts of AWS's own matcher.

With the jars of pom.xml in a folder:  python -m tests.unit.eventbus_ruler.make_vectors FOLDER
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.unit.eventbus_ruler import hand_cases, random_cases

HERE = Path(__file__).parent
VECTORS = HERE.parent / "test_eventbus_pattern_vectors.json"
RANDOM_CASES = 3000
KEPT = {"true": 220, "false": 160, "error": 60}
"""So many random cases of each verdict are kept, the shortest patterns of at least two conditions first."""


def judge(pairs: list[tuple[str, str]], jars: str) -> list[str]:
    """The matcher's verdicts: `true`, `false`, `error: reason` or `bad event: reason`."""
    lines = "".join(json.dumps({"pattern": pattern, "event": event}) + "\n" for pattern, event in pairs)
    command = ["java", "-cp", f"{jars}/*", str(HERE / "Oracle.java")]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, encoding="utf-8", check=True)
    return done.stdout.splitlines()


def vectors(jars: str) -> list[dict[str, object]]:
    """All hand-chosen cases, and of the random ones as many of each verdict as `KEPT` says."""
    by_hand = hand_cases.cases()
    drawn = [pair for pair in random_cases.cases(RANDOM_CASES) if len(pair[0]) + len(pair[1]) < 400]
    verdicts = judge([(pattern, event) for _, pattern, event in by_hand] + drawn, jars)
    named = by_hand + [("random", pattern, event) for pattern, event in drawn]
    left, found = dict(KEPT), []
    for (group, pattern, event), verdict in zip(named, verdicts, strict=True):
        outcome = verdict.partition(":")[0]
        if group != "random" and outcome not in KEPT:
            raise ValueError(f"{event} is no event: {verdict}")
        if group == "random":
            if not left.get(outcome):
                continue
            left[outcome] -= 1
        case: dict[str, object] = {"group": group, "pattern": pattern, "event": event}
        found.append(
            case | ({"error": verdict.partition(": ")[2]} if outcome == "error" else {"matches": outcome == "true"})
        )
    return found


if __name__ == "__main__":
    cases = vectors(sys.argv[1])
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    VECTORS.write_text(f'{{"made_by": "event-ruler 2.1.0, Java 17", "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(len(cases), "cases")  # noqa: T201 - a command

"""The notification that benches put is one that the analyzer writes."""

from __future__ import annotations

from datetime import UTC, datetime

from analyzer import thresholds
from analyzer.core.chain import Chain, Taken
from analyzer.settings import AnalyzerSettings
from analyzer.wire import checked, notification
from bench.sample import FINDINGS, SCORE
from tests.analyzer_input import NOON_MS, record

LISBON = {"country": "PT", "latitude": 38.72, "longitude": -9.14}
LYON = {"country": "FR", "latitude": 45.76, "longitude": 4.84}
SECONDS = (0, 14, 29, 43, 58, 478)


def test_the_sample_says_what_the_analyzer_says_of_such_a_card() -> None:
    chain = Chain(thresholds.judges(AnalyzerSettings()))
    for number, seconds in enumerate(SECONDS):
        place = LYON if number == len(SECONDS) - 1 else LISBON
        changes = {"transactionId": f"t-{number}", "merchantId": f"m-{number}", "eventTime": NOON_MS + 1_000 * seconds}
        taken: Taken = chain.take(checked(record(**place, **changes)))
    (told,) = taken.told
    detail = notification(told.of, told.verdict, datetime.now(UTC), "0.1.0")["eventDetail"]
    assert (detail["findings"], detail["score"]) == (FINDINGS, SCORE)

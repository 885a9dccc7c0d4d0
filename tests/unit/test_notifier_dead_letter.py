"""A dead letter that can't be kept: too large stops the worker, a broker that is away is waited for."""

from __future__ import annotations

import pytest

from notifier.dead_letter import KafkaDeadLetters
from notifier.envelope import Record
from schemas.errors import BadRecordError, UserError
from schemas.settings import KafkaSettings


def test_a_letter_over_the_limit_names_its_record_and_is_not_tried_again() -> None:
    letters = KafkaDeadLetters(KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    record = Record("notifications", 3, 17, value=bytes(2 * 1024 * 1024))
    with pytest.raises(UserError, match=r"notifications\[3\]@17 is too large for topic notifications\.dlq: .*2097152"):
        letters.put(record, BadRecordError("no good"))

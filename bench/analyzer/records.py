"""The records of a run, and what the scalar core says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from analyzer.core.detect import Judged
from analyzer.core.model import Verdict
from analyzer.core.window import CardWindow
from analyzer.wire import checked, notification_id
from bench.analyzer.work import Work
from producer.presets import make_plan
from producer.timeline import transactions
from schemas.codec import Encoder, Record

SEED: Final = 20_260_101
START_MS: Final = 1_767_225_600_000
"""2026-01-01."""
PER_CARD: Final = 100
"""Transactions of a card in the mean: enough for habits, and for windows to come and go."""
HELD: Final = 100
TWICE: Final = 499
RELATIVE: Final = 1e-9
"""How far figures may be apart: logarithms and sines differ in the last bit from one library to another."""


@dataclass(frozen=True, slots=True)
class Load:
    """Records in the order in which they are written."""

    values: list[tuple[bytes, bytes]]
    """Key and value."""
    ids: list[str]
    """The transaction of each."""
    expected: Mapping[Work, Mapping[str, Verdict]]
    """By the thresholds, the verdict on each flagged transaction."""


def load(records: int, share: int, encoder: Encoder, works: Iterable[Work]) -> Load:
    """Return those of `records` transactions that are of every `share`-th card, and what is to be flagged."""
    fields = list(disordered(generated(records, share)))
    values = [(one["cardId"].encode(), encoder.encode(one)) for one in fields]
    return Load(values, [one["transactionId"] for one in fields], {work: verdicts(fields, work) for work in works})


def generated(records: int, share: int) -> Iterator[Record]:
    """Yield the transactions of every `share`-th card, in order of event time."""
    plan = make_plan(SEED, START_MS, "workshop", max(20, records // PER_CARD))
    for transaction, _ in islice(transactions(plan), records):
        if transaction.draft.holder.index % share == 0:
            yield transaction.record()


def disordered(records: Iterable[Record]) -> Iterator[Record]:
    """Yield them with one in `HELD` after the next one of its card, and one in `TWICE` twice."""
    held: dict[str, Record] = {}
    for number, one in enumerate(records, start=1):
        card = one["cardId"]
        if number % HELD == 0 and card not in held:
            held[card] = one
            continue
        yield one
        if card in held:
            yield held.pop(card)
        if number % TWICE == 0:
            yield one
    yield from held.values()


def verdicts(records: Iterable[Record], work: Work) -> dict[str, Verdict]:
    """Return the verdict of the scalar core on each transaction that it flags."""
    judge, windows = work.judge(), dict[str, CardWindow]()
    found = {}
    for offset, record in enumerate(records):
        transaction = checked(record)
        before = windows.get(transaction.card_id, CardWindow())
        windows[transaction.card_id], outcome = judge.judge(before, transaction, offset)
        if isinstance(outcome, Judged) and outcome.verdict.flagged:
            found[transaction.transaction_id] = outcome.verdict
    return found


def differences(expected: Mapping[str, Verdict], notifications: Iterable[Record]) -> list[str]:
    """Return what is wrong with notifications, one line each; repeats are no matter."""
    wrong, seen = [], set[str]()
    for one in notifications:
        detail = one["eventDetail"]
        transaction_id = detail["transactionId"]
        verdict = expected.get(transaction_id)
        seen.add(transaction_id)
        if verdict is None:
            wrong.append(f"{transaction_id} is flagged and should not be")
        elif told := _difference(verdict, detail):
            wrong.append(f"{transaction_id}: {told}")
    missing = expected.keys() - seen
    wrong.extend(f"{transaction_id} is not flagged and should be" for transaction_id in sorted(missing))
    return wrong


def _difference(verdict: Verdict, detail: Mapping[str, Any]) -> str:
    if detail["notificationId"] != notification_id(detail["transactionId"]):
        return f"notification id {detail['notificationId']}"
    if not _close(detail["score"], verdict.score):
        return f"score {detail['score']}, not {verdict.score}"
    rules = [one["rule"] for one in detail["findings"]]
    wanted = [one.rule for one in verdict.findings]
    if rules != wanted:
        return f"rules {', '.join(rules)}, not {', '.join(wanted)}"
    for one, right in zip(detail["findings"], verdict.findings, strict=True):
        for name in ("observed", "threshold", "score"):
            if not _close(one[name], getattr(right, name)):
                return f"{name} {one[name]} of {right.rule}, not {getattr(right, name)}"
    return ""


def _close(value: float, right: float) -> bool:
    return abs(value - right) <= RELATIVE * max(1.0, abs(right))

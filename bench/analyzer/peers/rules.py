"""Windows and rules in plain Python, as one writes them when they should be fast: a list a card, loops, no copies.

They do what `analyzer.core` does, and share no line with it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import asin, cos, exp, fsum, log, radians, sin, sqrt
from operator import itemgetter
from typing import Any, TypedDict

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
EARTH_RADIUS_KM = 6371.0088

Recent = Sequence[Any]
"""What is kept of a transaction, a tuple or (from JSON) a list: see the indexes."""
TIME, ID, AMOUNT, MERCHANT, COUNTRY, LATITUDE, LONGITUDE = range(7)
_TIME = itemgetter(TIME)


class Transaction(TypedDict):
    """A record of transaction.avsc, times in milliseconds."""

    transactionId: str
    cardId: str
    cardLastFour: str
    userId: str
    eventTime: int
    amountMinor: int
    currency: str
    merchantId: str
    merchantName: str
    channel: str
    country: str
    latitude: float | None
    longitude: float | None
    approved: bool


class Finding(TypedDict):
    """A record of the findings in notification.avsc."""

    rule: str
    reason: str
    evidence: str
    observed: float
    threshold: float
    score: float


@dataclass(slots=True)
class Card:
    """What is remembered of a card: a day of transactions in event time, and the habit (Welford)."""

    recent: list[Recent]
    count: int = 0
    mean: float = 0.0
    m2: float = 0.0

    def z(self, amount_minor: int, least_sd: float) -> float:
        """Return how many standard deviations ln(amount + 1) lies above the habit."""
        sd = sqrt(self.m2 / (self.count - 1)) if self.count > 1 else 0.0
        return (log(amount_minor + 1) - self.mean) / max(sd, least_sd)

    def learn(self, amount_minor: int) -> None:
        """Take one more amount into the habit."""
        value = log(amount_minor + 1)
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.m2 += delta * (value - self.mean)


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds, and how a card takes a transaction."""

    velocity: Mapping[str, Any]
    amount_outlier: Mapping[str, Any]
    impossible_travel: Mapping[str, Any]
    threshold: float
    lateness_ms: int
    max_recent: int

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Rules:
        """Take them from the rules file."""
        return cls(
            told["velocity"],
            told["amount_outlier"],
            told["impossible_travel"],
            told["alert_threshold"],
            told["allowed_lateness_ms"],
            told["max_recent"],
        )

    def judge(self, card: Card, transaction: Transaction) -> list[Finding] | None:
        """Put the transaction in its card's window; return its findings if it is flagged."""
        recent, now_ms = card.recent, transaction["eventTime"]
        if recent and self._skipped(recent, now_ms, transaction["transactionId"]):
            return None
        place = transaction["channel"] == "CARD_PRESENT" and transaction["latitude"] is not None
        one = (
            now_ms,
            transaction["transactionId"],
            transaction["amountMinor"],
            transaction["merchantId"],
            transaction["country"],
            transaction["latitude"] if place else None,
            transaction["longitude"] if place else None,
        )
        findings = self._findings(card, one, transaction["currency"])
        self._keep(card, one, approved=transaction["approved"])
        if not findings or noisy_or(findings) < self.threshold:
            return None
        findings.sort(key=lambda finding: (-finding["score"], finding["rule"]))
        return findings

    def _skipped(self, recent: list[Recent], now_ms: int, transaction_id: str) -> bool:
        for one in recent:
            if one[ID] == transaction_id:
                return True
        if recent[-1][TIME] - now_ms > self.lateness_ms:
            return True
        return len(recent) >= self.max_recent and now_ms <= recent[0][TIME]

    def _keep(self, card: Card, one: Recent, *, approved: bool) -> None:
        recent = card.recent
        if recent and recent[-1][TIME] > one[TIME]:
            recent.insert(bisect_right(recent, one[TIME], key=_TIME), one)
        else:
            recent.append(one)
        oldest_ms = recent[-1][TIME] - DAY_MS - self.lateness_ms
        if recent[0][TIME] <= oldest_ms:
            del recent[: bisect_right(recent, oldest_ms, key=_TIME)]
        if len(recent) > self.max_recent:
            del recent[0]
        if approved:
            card.learn(one[AMOUNT])

    def _findings(self, card: Card, one: Recent, currency: str) -> list[Finding]:
        before = card.recent
        if before and before[-1][TIME] > one[TIME]:
            before = before[: bisect_right(before, one[TIME], key=_TIME)]
        found = (
            velocity(self.velocity, card, before, one),
            amount_outlier(self.amount_outlier, card, one, currency),
            impossible_travel(self.impossible_travel, before, one),
        )
        return [finding for finding in found if finding]


def velocity(limits: Mapping[str, Any], card: Card, before: list[Recent], one: Recent) -> Finding | None:
    """Look for more purchases than a person makes."""
    above = limits["limit_hour_above_habit"]
    least = min(limits["limit_10_minutes"], limits["limit_hour"], above)
    hour_ago = one[TIME] - HOUR_MS
    if len(before) < least or before[-least][TIME] <= hour_ago:
        return None
    hour = [*before[bisect_right(before, hour_ago, key=_TIME) :], one]
    short = hour[bisect_right(hour, one[TIME] - 10 * MINUTE_MS, key=_TIME) :]
    found = [
        _velocity(short, limits["limit_10_minutes"], limits["scores"]),
        _velocity(hour, limits["limit_hour"], limits["scores"]),
    ]
    if card.count >= limits["least_history"] and len(hour) > above:
        z = fsum(card.z(each[AMOUNT], limits["least_sd"]) for each in hour) / len(hour)
        if z > limits["above_habit_z"]:
            words = f", in the mean {z:.1f} standard deviations above habit"
            found.append(_velocity(hour, above, limits["scores_above_habit"], words))
    return max((each for each in found if each), key=lambda finding: finding["score"], default=None)


def _velocity(span: list[Recent], limit: int, scores: Sequence[float], words: str = "") -> Finding | None:
    purchases = len({(each[MERCHANT], each[AMOUNT]) for each in span})
    if purchases <= limit:
        return None
    seconds = (span[-1][TIME] - span[0][TIME]) / SECOND_MS
    return {
        "rule": "velocity",
        "reason": "more purchases in a short time than a person makes",
        "evidence": f"{purchases} purchases in {seconds:.0f} s{words}, limit {limit}",
        "observed": float(purchases),
        "threshold": float(limit),
        "score": _graded(purchases, limit + 1, 2 * limit, scores),
    }


def amount_outlier(limits: Mapping[str, Any], card: Card, one: Recent, currency: str) -> Finding | None:
    """Look for an amount far above the habit."""
    if card.count < limits["least_history"] or one[AMOUNT] <= limits["least_amount_minor"]:
        return None
    z, limit = card.z(one[AMOUNT], limits["least_sd"]), limits["limit_z"]
    if z <= limit:
        return None
    usual = f"{(exp(card.mean) - 1) / 100:.2f} {currency}"
    return {
        "rule": "amount_outlier",
        "reason": "an amount far above the card's own habit",
        "evidence": (
            f"{one[AMOUNT] / 100:.2f} {currency} is {z:.1f} standard deviations above the usual {usual}"
            f" of {card.count} transactions, limit {limit:g}"
        ),
        "observed": z,
        "threshold": limit,
        "score": _graded(z, limit, 2 * limit, limits["scores"]),
    }


def impossible_travel(limits: Mapping[str, Any], before: list[Recent], one: Recent) -> Finding | None:
    """Look for two terminals too far apart."""
    if one[LATITUDE] is None:
        return None
    day_ago = one[TIME] - DAY_MS
    for last in reversed(before):
        if last[TIME] <= day_ago:
            return None
        if last[LATITUDE] is not None:
            break
    else:
        return None
    if last[LATITUDE] == one[LATITUDE] and last[LONGITUDE] == one[LONGITUDE]:
        return None
    km = _km(last[LATITUDE], last[LONGITUDE], one[LATITUDE], one[LONGITUDE])
    seconds = (one[TIME] - last[TIME]) / SECOND_MS
    km_h, limit = km / max(seconds, limits["least_seconds"]) * 3_600.0, limits["limit_km_h"]
    if km <= limits["least_km"] or km_h <= limit:
        return None
    return {
        "rule": "impossible_travel",
        "reason": "the card was at two terminals too far apart for the time between",
        "evidence": (
            f"{km:.0f} km from {last[COUNTRY]} to {one[COUNTRY]} in {seconds / 60:.0f} min"
            f" is {km_h:.0f} km/h, limit {limit:g}"
        ),
        "observed": km_h,
        "threshold": limit,
        "score": _graded(km_h, limit, 2 * limit, limits["scores"]),
    }


def _km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    north, other_north = radians(latitude), radians(other_latitude)
    half_north = sin((other_north - north) / 2) ** 2
    half_east = sin(radians(other_longitude - longitude) / 2) ** 2
    chord = half_north + cos(north) * cos(other_north) * half_east
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, chord)))


def _graded(observed: float, low: float, high: float, scores: Sequence[float]) -> float:
    share = min(1.0, max(0.0, (observed - low) / (high - low))) if high > low else 1.0
    return scores[0] + share * (scores[1] - scores[0])


def noisy_or(findings: Sequence[Finding]) -> float:
    """Return 1 - (1 - s1)(1 - s2)..."""
    innocent = 1.0
    for finding in findings:
        innocent *= 1.0 - finding["score"]
    return 1.0 - innocent

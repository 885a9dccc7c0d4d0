"""Data in the form of the Fraud Detection Handbook's.

    python -m tests.handbook_data OUT.csv --days N --customers N --seed N

An implementation of our own of what its chapter 3.2 describes, with its figures:
https://fraud-detection-handbook.github.io/fraud-detection-handbook/Chapter_3_GettingStarted/SimulatedDataset.html

* Customers and terminals lie anywhere in a square of 100 by 100; a customer uses the terminals within 5 of home.
* A customer's mean amount is uniform in 5..100, the standard deviation half of it; a negative amount is drawn again,
  uniform up to twice the mean. Transactions a day are Poisson, with a mean uniform in 0..4. The time of day is normal
  around noon with a standard deviation of 20,000 s, and dropped when it falls outside the day.
* Scenario 1: each amount above 220 is fraud. Scenario 2: each day two terminals are drawn, all their transactions of
  the next 28 days are fraud. Scenario 3: each day three customers are drawn; of their transactions of the next 14
  days a third are fraud, at five times the amount. A later scenario overrides an earlier one.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

START: Final = datetime(2018, 4, 1)  # noqa: DTZ001 - the simulator knows no zones
DAY_S: Final = 86_400
SIDE: Final = 100.0
RADIUS: Final = 5.0
TERMINALS_PER_CUSTOMER: Final = 2
"""The Handbook has 5,000 customers and 10,000 terminals."""
FIRST_CUSTOMERS: Final = 5_000
COLUMNS: Final = (
    *("TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT"),
    *("TX_TIME_SECONDS", "TX_TIME_DAYS", "TX_FRAUD", "TX_FRAUD_SCENARIO"),
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ledger:
    """All transactions, an array a column, in order of time."""

    at_s: Ints
    """Seconds since the start."""
    customer: Ints
    terminal: Ints
    amount: Floats
    """In units, two decimals."""
    scenario: Ints
    """0: genuine."""


def simulate(days: int, customers: int, seed: int, terminals: int | None = None) -> Ledger:
    """Return the transactions of so many days; terminals are twice the customers unless given."""
    rng = np.random.default_rng(seed)
    count = terminals or TERMINALS_PER_CUSTOMER * customers
    homes, shops = rng.uniform(0, SIDE, (customers, 2)), rng.uniform(0, SIDE, (count, 2))
    parts = [_spending(customer, homes[customer], shops, days, rng) for customer in range(customers)]
    at_s, customer, terminal, amount = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(at_s, kind="stable")
    genuine = Ledger(at_s[order], customer[order], terminal[order], amount[order], np.zeros(len(order), np.int64))
    return with_fraud(genuine, days, customers, count, rng)


def _spending(customer: int, home: Floats, shops: Floats, days: int, rng: Generator) -> tuple[Ints, Ints, Ints, Floats]:
    near = np.flatnonzero(((shops - home) ** 2).sum(axis=1) < RADIUS**2)
    mean, a_day = rng.uniform(5, 100), rng.uniform(0, 4)
    day = np.repeat(np.arange(days), rng.poisson(a_day, days))
    second = rng.normal(DAY_S / 2, 20_000, len(day)).astype(np.int64)
    kept = (second > 0) & (second < DAY_S) & (len(near) > 0)
    at_s = (day * DAY_S + second)[kept]
    amount = rng.normal(mean, mean / 2, len(at_s))
    amount = np.where(amount < 0, rng.uniform(0, 2 * mean, len(at_s)), amount).round(2)
    terminal = rng.choice(near, len(at_s)) if len(at_s) else np.zeros(0, np.int64)
    return at_s, np.full(len(at_s), customer), terminal.astype(np.int64), amount


def with_fraud(ledger: Ledger, days: int, customers: int, terminals: int, rng: Generator) -> Ledger:
    """Return the ledger with the three scenarios played on it."""
    scenario = np.where(ledger.amount > 220, 1, 0).astype(np.int64)
    amount, day = ledger.amount.copy(), ledger.at_s // DAY_S
    for today in range(days):
        drawn = rng.choice(terminals, min(2, terminals), replace=False)
        scenario[(day >= today) & (day < today + 28) & np.isin(ledger.terminal, drawn)] = 2
    for today in range(days):
        drawn = rng.choice(customers, min(3, customers), replace=False)
        theirs = np.flatnonzero((day >= today) & (day < today + 14) & np.isin(ledger.customer, drawn))
        stolen = rng.choice(theirs, len(theirs) // 3, replace=False)
        amount[stolen] = (amount[stolen] * 5).round(2)
        scenario[stolen] = 3
    return Ledger(ledger.at_s, ledger.customer, ledger.terminal, amount, scenario)


def rows(ledger: Ledger) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the table, in the order of COLUMNS."""
    columns = (ledger.at_s, ledger.customer, ledger.terminal, ledger.amount, ledger.scenario)
    for number, (at_s, customer, terminal, amount, scenario) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        at = START + timedelta(seconds=at_s)
        yield number, at, customer, terminal, amount, at_s, at_s // DAY_S, int(scenario > 0), scenario


def write_csv(path: Path, ledger: Ledger) -> int:
    """Write the table and return how many transactions it has."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(ledger))
    return len(ledger.at_s)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write data in the form of the Fraud Detection Handbook's.")
    parser.add_argument("out", type=Path, help="CSV file to write")
    parser.add_argument("--days", type=int, default=183)
    parser.add_argument("--customers", type=int, default=FIRST_CUSTOMERS)
    parser.add_argument("--terminals", type=int, default=None, help="default: twice the customers")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    ledger = simulate(given.days, given.customers, given.seed, given.terminals)
    count = write_csv(given.out, ledger)
    print(f"{given.out}: {count:,} transactions, {np.count_nonzero(ledger.scenario) / max(1, count):.2%} fraud")  # noqa: T201 - a command


if __name__ == "__main__":
    main()

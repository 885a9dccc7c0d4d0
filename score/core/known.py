"""What is remembered of every transaction, relevant or not, so that facts may come in any order and repeatedly."""

from __future__ import annotations

from typing import Protocol

from score.core.facts import Happened, Label


class Known(Protocol):
    """A memory of transactions and labels by transaction id."""

    def happened(self, fact: Happened) -> bool:
        """Remember a transaction; return whether it is new."""

    def labelled(self, label: Label) -> bool:
        """Remember a label; return whether its transaction had none."""

    def has(self, transaction_id: str) -> bool:
        """Say whether the transaction has happened."""

    def label(self, transaction_id: str) -> Label | None:
        """Return the transaction's label, if it has come."""


class InMemory:
    """Remembers in dictionaries: for as many transactions as memory holds, some 300 bytes each."""

    def __init__(self) -> None:
        """Know nothing."""
        self._happened: set[str] = set()
        self._labels: dict[str, Label] = {}

    def happened(self, fact: Happened) -> bool:
        """Remember a transaction; return whether it is new."""
        before = len(self._happened)
        self._happened.add(fact.transaction_id)
        return len(self._happened) > before

    def labelled(self, label: Label) -> bool:
        """Remember a label; return whether its transaction had none."""
        before = len(self._labels)
        self._labels.setdefault(label.transaction_id, label)
        return len(self._labels) > before

    def has(self, transaction_id: str) -> bool:
        """Say whether the transaction has happened."""
        return transaction_id in self._happened

    def label(self, transaction_id: str) -> Label | None:
        """Return the transaction's label, if it has come."""
        return self._labels.get(transaction_id)


class InOrder:
    """For a source that gives each transaction once, and its label after what was flagged at once.

    It remembers only the labels that it is told to, of transactions that may be flagged later: a stream of millions is
    scored so in little more than the memory of its fraud and its alerts.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self._labels: dict[str, Label] = {}

    def remember(self, label: Label) -> None:
        """Keep a label."""
        self._labels[label.transaction_id] = label

    def happened(self, fact: Happened) -> bool:  # noqa: ARG002 - the port's signature
        """Take it as new."""
        return True

    def labelled(self, label: Label) -> bool:  # noqa: ARG002 - the port's signature
        """Take it as new."""
        return True

    def has(self, transaction_id: str) -> bool:  # noqa: ARG002 - the port's signature
        """Take it as having happened."""
        return True

    def label(self, transaction_id: str) -> Label | None:
        """Return the transaction's label, if it was to be remembered; else it is still to come."""
        return self._labels.get(transaction_id)

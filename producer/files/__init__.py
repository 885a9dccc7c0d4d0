"""Transactions from files: your own, or published ones, through a mapping of columns to fields.

`transactions(path, mapping)` is what `python -m producer replay` and the offline score read alike.
"""

from __future__ import annotations

from producer.files.load import load_mapping
from producer.files.mapping import Mapping
from producer.files.replay import Pair, Replay, transactions

__all__ = ["Mapping", "Pair", "Replay", "load_mapping", "transactions"]

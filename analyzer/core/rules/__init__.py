"""The detection rules: a file a rule, and a line a rule here."""

from __future__ import annotations

from typing import Final

from analyzer.core.rules.amount_outlier import AmountOutlier
from analyzer.core.rules.base import Rule
from analyzer.core.rules.bust_out import BustOut
from analyzer.core.rules.card_testing import CardTesting
from analyzer.core.rules.first_seen import FirstSeen
from analyzer.core.rules.follow_up import FollowUp
from analyzer.core.rules.impossible_travel import ImpossibleTravel
from analyzer.core.rules.strange_device import StrangeDevice
from analyzer.core.rules.velocity import Velocity
from analyzer.core.rules.woken_card import WokenCard

RULES: Final[tuple[type[Rule], ...]] = (
    Velocity,
    AmountOutlier,
    ImpossibleTravel,
    CardTesting,
    FirstSeen,
    StrangeDevice,
    WokenCard,
    BustOut,
    FollowUp,
)
"""What every transaction is checked against; the thresholds of each stand in `analyzer/rules.toml`."""

"""What fraudsters do. A new scenario is one file here and one line below."""

from __future__ import annotations

from typing import Final

from producer.scenarios.card_not_present_leak import CardNotPresentLeak
from producer.scenarios.card_testing import CardTesting
from producer.scenarios.impossible_travel import ImpossibleTravel
from producer.scenarios.stolen_card_spree import StolenCardSpree
from producer.scenarios.theft import Scenario

SCENARIOS: Final[dict[str, Scenario]] = {
    "card_testing": CardTesting(),
    "impossible_travel": ImpossibleTravel(),
    "stolen_card_spree": StolenCardSpree(),
    "card_not_present_leak": CardNotPresentLeak(),
}

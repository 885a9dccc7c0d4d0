"""What fraudsters do. A new scenario is one file here and one line below."""

from __future__ import annotations

from typing import Final

from producer.scenarios.account_takeover import AccountTakeover
from producer.scenarios.bust_out import BustOut
from producer.scenarios.card_not_present_leak import CardNotPresentLeak
from producer.scenarios.card_testing import CardTesting
from producer.scenarios.compromised_terminal import CompromisedTerminal
from producer.scenarios.control import Control
from producer.scenarios.dormant_card import DormantCard
from producer.scenarios.impossible_travel import ImpossibleTravel
from producer.scenarios.stolen_card_spree import StolenCardSpree
from producer.scenarios.theft import Scenario

SCENARIOS: Final[dict[str, Scenario]] = {
    "card_testing": CardTesting(),
    "impossible_travel": ImpossibleTravel(),
    "stolen_card_spree": StolenCardSpree(),
    "card_not_present_leak": CardNotPresentLeak(),
    "compromised_terminal": CompromisedTerminal(),
    "account_takeover": AccountTakeover(),
    "dormant_card": DormantCard(),
    "bust_out": BustOut(),
    "control": Control(),
}

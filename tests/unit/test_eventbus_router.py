"""The router: the enabled rules of the event's bus, as the catalogue has them at that moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from eventbus.arn import Scope
from eventbus.catalogue import Catalogue
from eventbus.model import Event, Rule
from eventbus.router import Router
from eventbus.store import Store
from tests.eventbus_engine import BUS, SCOPE, event

SHOP = Rule(SCOPE.rule("shop", "orders"), "shop", BUS, 0, pattern='{"source": ["shop"]}')
ALL = Rule(SCOPE.rule("all", "orders"), "all", BUS, 0, pattern='{"source": [{"exists": true}]}')
DAILY = Rule(SCOPE.rule("daily", "orders"), "daily", BUS, 0, schedule="rate(1 day)")


@pytest.fixture
async def catalogue(tmp_path: Path) -> AsyncIterator[Catalogue]:
    store = Store.open(tmp_path)
    yield await Catalogue.open(store, lambda: 0)
    store.close()


def names(router: Router, given: Event) -> list[str]:
    return sorted(rule.name for rule in router.rules_for(given))


async def test_a_change_of_a_rule_counts_from_the_next_event(catalogue: Catalogue) -> None:
    router = Router(catalogue)
    assert names(router, event("e", 0)) == []
    await catalogue.save(SHOP)
    await catalogue.save(ALL)
    assert names(router, event("e", 0)) == ["all", "shop"]
    assert names(router, event("e", 0, source="bank")) == ["all"]
    await catalogue.save(replace(ALL, state="DISABLED"))
    assert names(router, event("e", 0)) == ["shop"]
    await catalogue.save(replace(SHOP, pattern='{"source": ["bank"]}'))
    assert names(router, event("e", 0, source="bank")) == ["shop"]
    await catalogue.remove(SHOP)
    await catalogue.remove(ALL)
    assert names(router, event("e", 0)) == []


async def test_rules_of_another_bus_of_the_same_name_see_nothing(catalogue: Catalogue) -> None:
    elsewhere = Scope("123456789012", "us-east-1")
    await catalogue.save(SHOP)
    assert names(Router(catalogue), event("e", 0, bus_arn=elsewhere.bus("orders"))) == []


async def test_a_replay_for_one_rule_reaches_it_only_if_it_matches(catalogue: Catalogue) -> None:
    for rule in (SHOP, ALL, DAILY):
        await catalogue.save(rule)
    only = frozenset({SHOP.arn})
    router = Router(catalogue)
    assert names(router, event("e", 0, only_rules=only, replay="again")) == ["shop"]
    assert names(router, event("e", 0, source="bank", only_rules=only, replay="again")) == []


async def test_a_scheduled_event_reaches_its_own_rule_whatever_its_pattern(catalogue: Catalogue) -> None:
    for rule in (SHOP, ALL, DAILY):
        await catalogue.save(rule)
    router = Router(catalogue)
    assert names(router, event("e", 0, only_rules=frozenset({DAILY.arn}))) == ["daily"]
    await catalogue.save(replace(DAILY, state="DISABLED"))
    assert names(router, event("e", 0, only_rules=frozenset({DAILY.arn}))) == []
    assert names(router, event("e", 0, only_rules=frozenset({"arn:gone"}))) == []


async def test_a_pattern_that_an_older_version_kept_and_this_one_refuses_matches_nothing(catalogue: Catalogue) -> None:
    await catalogue.save(replace(SHOP, pattern="no pattern"))
    await catalogue.save(ALL)
    assert names(Router(catalogue), event("e", 0)) == ["all"]


async def test_names_that_callers_make_up_are_not_remembered(catalogue: Catalogue) -> None:
    router = Router(catalogue)
    for n in range(100):
        names(router, event("e", 0, bus_arn=SCOPE.bus(f"made-up-{n}")))
    assert router._tables == {}
    assert len(catalogue._versions) == 0

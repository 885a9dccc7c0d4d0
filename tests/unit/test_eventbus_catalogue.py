"""The catalogue: on disk before it can be read, and the same after opening again."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventbus.arn import Scope
from eventbus.catalogue import Catalogue
from eventbus.model import ApiDestination, Archive, Bus, Connection, Replay, Resource, Rule, Target
from eventbus.store import Store

SCOPE = Scope("123456789012", "eu-central-1")
ELSEWHERE = Scope("123456789012", "us-east-1")
ORDERS = Bus(SCOPE.bus("orders"), "orders", 1, 2, policy={"Statement": []}, spec={"KmsKeyIdentifier": "k"})
LARGE = Rule(
    SCOPE.rule("large", "orders"),
    "large",
    ORDERS.arn,
    3,
    pattern='{"source": ["shop"]}',
    targets=(Target("q", SCOPE.arn("q", "sqs"), {"Id": "q", "Arn": SCOPE.arn("q", "sqs"), "Input": '"ü"'}),),
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


async def opened(store: Store) -> Catalogue:
    ticks = itertools.count(1000)
    return await Catalogue.open(store, lambda: next(ticks))


async def test_each_kind_of_resource_is_the_same_after_opening_again(store: Store) -> None:
    catalogue = await opened(store)
    kinds: list[Resource] = [
        ORDERS,
        Connection(SCOPE.arn("connection/c/1"), "c", "arn:secret", "BASIC", {"BasicAuthParameters": {}}, 1, 2),
        ApiDestination(SCOPE.arn("api-destination/d/1"), "d", "arn:c", "https://there/*", "POST", 1, 2),
        Archive(SCOPE.arn("archive/a"), "a", ORDERS.arn, 1, retention_days=3),
        Replay(SCOPE.arn("replay/r"), "r", "arn:a", {"Arn": ORDERS.arn}, 1, 2, "RUNNING", 3, last_seq=4),
    ]
    for each in [*kinds, LARGE]:
        await catalogue.save(each)
    again = await opened(store)
    assert [again.get(type(each), each.arn) for each in kinds] == kinds  # type: ignore[type-var]  # one kind after the other
    rule = again.rule(LARGE.arn)
    assert rule is not None
    assert rule.targets == LARGE.targets
    assert again.rules_of(ORDERS.arn) == [rule]
    assert again.named(Archive, SCOPE, "a") == kinds[3]
    assert again.all(Archive, ELSEWHERE) == []


async def test_the_default_bus_of_any_scope_is_there_from_the_beginning(store: Store) -> None:
    catalogue = await opened(store)
    await catalogue.save(ORDERS)
    assert [bus.name for bus in catalogue.buses(SCOPE)] == ["default", "orders"]
    assert [bus.name for bus in catalogue.buses(ELSEWHERE)] == ["default"]
    assert catalogue.bus(ELSEWHERE.bus("default")) == catalogue.buses(ELSEWHERE)[0]
    assert catalogue.bus(SCOPE.bus("missing")) is None
    assert catalogue.bus(SCOPE.arn("event-bus/default", "sqs")) is None


async def test_a_default_bus_that_was_changed_is_the_changed_one(store: Store) -> None:
    catalogue = await opened(store)
    changed = Bus(SCOPE.bus("default"), "default", 5, 6, description="ours")
    await catalogue.save(changed)
    assert catalogue.buses(SCOPE) == [changed]
    assert (await opened(store)).bus(changed.arn) == changed


async def test_a_removed_resource_takes_its_tags_with_it(store: Store) -> None:
    catalogue = await opened(store)
    await catalogue.save(LARGE)
    await catalogue.tag(LARGE.arn, {"team": "risk", "stage": "test"})
    await catalogue.tag(LARGE.arn, {"stage": "live"})
    await catalogue.untag(LARGE.arn, ["team", "never there"])
    assert catalogue.tags(LARGE.arn) == (await opened(store)).tags(LARGE.arn) == {"stage": "live"}
    await catalogue.remove(LARGE)
    for each in (catalogue, await opened(store)):
        assert each.rule(LARGE.arn) is None
        assert each.rules_of(ORDERS.arn) == []
        assert each.tags(LARGE.arn) == {}


async def test_a_change_of_a_rule_is_told_and_changes_its_bus_s_version(store: Store) -> None:
    catalogue = await opened(store)
    told: list[tuple[str, bool]] = []
    catalogue.listen(lambda resource, there: told.append((resource.name, there)))
    versions = [catalogue.version(ORDERS.arn)]
    await catalogue.save(LARGE)
    versions.append(catalogue.version(ORDERS.arn))
    await catalogue.remove(LARGE)
    versions.append(catalogue.version(ORDERS.arn))
    assert told == [("large", True), ("large", False)]
    assert len(set(versions)) == 3
    assert catalogue.version(SCOPE.bus("other")) == 0


async def test_a_rule_knows_when_it_was_last_saved(store: Store) -> None:
    catalogue = await opened(store)
    await catalogue.save(LARGE)
    first = catalogue.rule(LARGE.arn)
    await catalogue.save(LARGE)
    second = catalogue.rule(LARGE.arn)
    assert first is not None
    assert second is not None
    assert first.created_ms == second.created_ms == 3
    assert 1000 < first.modified_ms < second.modified_ms

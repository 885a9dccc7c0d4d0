"""What buses, rules and other resources there are: read from memory, written through to disk."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from eventbus.arn import DEFAULT_BUS, Scope, parse
from eventbus.model import ApiDestination, Archive, Bus, Connection, Replay, Resource, Rule
from eventbus.store import Store, resources

R = TypeVar("R", Bus, Rule, Connection, ApiDestination, Archive, Replay)
Listener = Callable[[Resource, bool], None]
"""Called with a resource once it is on disk, and whether it is there now (False: it was removed)."""


class Catalogue:
    """Use `open`. Reads are immediate; a change returns once it is on disk and can then be read.

    Whoever reads a resource to save a changed one holds `changing` meanwhile: two callers that do so at
    once would otherwise undo each other's change.
    """

    def __init__(self, store: Store, clock_ms: Callable[[], int]) -> None:
        """Begin empty."""
        self.changing = asyncio.Lock()
        self._store, self._clock_ms = store, clock_ms
        self._opened_ms = clock_ms()
        self._kinds: defaultdict[type[Resource], dict[str, Resource]] = defaultdict(dict)
        self._rules: defaultdict[str, dict[str, Rule]] = defaultdict(dict)
        self._versions: defaultdict[str, int] = defaultdict(int)
        self._tags: dict[str, dict[str, str]] = {}
        self._listeners: list[Listener] = []

    @classmethod
    async def open(cls, store: Store, clock_ms: Callable[[], int]) -> Catalogue:
        """Return the catalogue of what the store has; `clock_ms` gives milliseconds since 1970."""
        catalogue = cls(store, clock_ms)
        found, catalogue._tags = await store.read(resources.load)
        for resource in found:
            catalogue._put(resource)
        return catalogue

    def bus(self, arn: str) -> Bus | None:
        """Return a bus; the default bus of any account and region is there from the beginning."""
        found = self._kinds[Bus].get(arn)
        return found if isinstance(found, Bus) else self._default(arn)

    def buses(self, scope: Scope) -> list[Bus]:
        """Return the buses of an account in a region by name, its default bus among them."""
        found = {bus.arn: bus for bus in self.all(Bus, scope)}
        default = self.bus(scope.bus(DEFAULT_BUS))
        return sorted([*found.values(), *([default] if default and default.arn not in found else [])], key=_name)

    def rule(self, arn: str) -> Rule | None:
        """Return a rule."""
        return self.get(Rule, arn)

    def rules_of(self, bus_arn: str) -> list[Rule]:
        """Return the rules of a bus by name."""
        return sorted(self._rules[bus_arn].values(), key=_name) if bus_arn in self._rules else []

    def connection(self, arn: str) -> Connection | None:
        """Return a connection."""
        return self.get(Connection, arn)

    def destination(self, arn: str) -> ApiDestination | None:
        """Return an API destination."""
        return self.get(ApiDestination, arn)

    def archive(self, arn: str) -> Archive | None:
        """Return an archive."""
        return self.get(Archive, arn)

    def replay(self, arn: str) -> Replay | None:
        """Return a replay."""
        return self.get(Replay, arn)

    def get(self, kind: type[R], arn: str) -> R | None:
        """Return the resource of a kind with this ARN."""
        found = self._kinds[kind].get(arn)
        return found if isinstance(found, kind) else None

    def all(self, kind: type[R], scope: Scope | None = None) -> list[R]:
        """Return the resources of a kind by name: those of one account and region, or all."""
        prefix = scope.arn("") if scope else ""
        found = (each for arn, each in self._kinds[kind].items() if arn.startswith(prefix))
        return sorted((each for each in found if isinstance(each, kind)), key=_name)

    def named(self, kind: type[R], scope: Scope, name: str) -> R | None:
        """Return the resource of a kind by its name; for a rule, whose name is its bus's, use its ARN."""
        return next((each for each in self.all(kind, scope) if each.name == name), None)

    def tags(self, arn: str) -> Mapping[str, str]:
        """Return the tags of an ARN."""
        return self._tags.get(arn, {})

    def version(self, bus_arn: str) -> int:
        """Return a number that changes whenever a rule of the bus does."""
        return self._versions.get(bus_arn, 0)

    def listen(self, listener: Listener) -> None:
        """Call `listener` after each change from now on."""
        self._listeners.append(listener)

    async def save(self, resource: Resource) -> None:
        """Keep a new or changed resource.

        Raises:
            StorageError: the disk is full or fails; nothing changed.
        """
        if isinstance(resource, Rule):
            resource = replace(resource, modified_ms=self._clock_ms())
        kept = resource
        await self._store.write(lambda db: resources.save(db, kept))
        self._put(kept)
        for listener in self._listeners:
            listener(kept, True)  # noqa: FBT003 - the one fact beside the resource

    async def remove(self, resource: Resource) -> None:
        """Forget a resource and its tags.

        Raises:
            StorageError: the disk is full or fails; nothing changed.
        """
        await self._store.write(lambda db: resources.remove(db, resource))
        self._kinds[type(resource)].pop(resource.arn, None)
        self._tags.pop(resource.arn, None)
        if isinstance(resource, Rule):
            self._rules[resource.bus_arn].pop(resource.arn, None)
            self._versions[resource.bus_arn] += 1
        for listener in self._listeners:
            listener(resource, False)  # noqa: FBT003 - as above

    async def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Set tags of an ARN; others that it has stay.

        Raises:
            StorageError: the disk is full or fails; nothing changed.
        """
        await self._store.write(lambda db: resources.tag(db, arn, tags))
        self._tags[arn] = {**self.tags(arn), **tags}

    async def untag(self, arn: str, keys: Iterable[str]) -> None:
        """Remove tags of an ARN.

        Raises:
            StorageError: the disk is full or fails; nothing changed.
        """
        gone = frozenset(keys)
        await self._store.write(lambda db: resources.untag(db, arn, gone))
        self._tags[arn] = {key: value for key, value in self.tags(arn).items() if key not in gone}

    def _put(self, resource: Resource) -> None:
        self._kinds[type(resource)][resource.arn] = resource
        if isinstance(resource, Rule):
            self._rules[resource.bus_arn][resource.arn] = resource
            self._versions[resource.bus_arn] += 1

    def _default(self, arn: str) -> Bus | None:
        found = parse(arn)
        if found is None or found.service != "events" or found.resource != f"event-bus/{DEFAULT_BUS}":
            return None
        return Bus(arn, DEFAULT_BUS, self._opened_ms, self._opened_ms)


def _name(resource: Resource) -> str:
    return resource.name

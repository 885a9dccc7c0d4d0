"""Schemas in memory, and how a missing one is fetched without holding up the event loop.

boto3 blocks. So the decoder asks here, where nothing blocks, and a record whose schema isn't here waits
until it is: for as long as the registry is away, since the record may be fine.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from schemas.errors import UnavailableError
from schemas.registry import ConfluentSchemas, Definitions, UnknownSchemaError

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 5.0


class SchemaNeededError(Exception):
    """A schema must be fetched before the record can be read."""

    def __init__(self, cache: SchemaCache, version: UUID | int) -> None:
        """Say which, and where."""
        super().__init__(f"schema {version} is not in memory")
        self.cache = cache
        self.version = version


@dataclass
class SchemaCache:
    """Stands before a registry; the ids are Glue's UUIDs or Confluent's numbers."""

    lookup: Callable[[UUID | int], str]
    """Asks the registry; blocks."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _known: dict[UUID | int, str] = field(default_factory=dict)
    _unknown: dict[UUID | int, UnknownSchemaError] = field(default_factory=dict)

    def definition(self, version: UUID | int) -> str:
        """Return a schema from memory.

        Raises:
            SchemaNeededError: it isn't there; `fetch` it and ask again.
            UnknownSchemaError: the registry has said that it has no such schema; until `ask_again`.
        """
        if version in self._unknown:
            raise self._unknown[version]
        try:
            return self._known[version]
        except KeyError:
            raise SchemaNeededError(self, version) from None

    def ask_again(self) -> None:
        """Forget which schemas the registry doesn't have: a producer may register them any moment."""
        self._unknown.clear()

    def known(self, version: UUID | int) -> str | None:
        """Return a schema from memory; None if `definition` will say that the registry has no such schema.

        Raises:
            SchemaNeededError: it isn't there; `fetch` it and ask again.
        """
        return None if version in self._unknown else self.definition(version)

    async def fetch(self, version: UUID | int) -> None:
        """Ask the registry in a thread, again and again while it is away.

        Raises:
            UserError: it refuses the credentials.
        """
        wait_s = FIRST_WAIT_S
        while True:
            try:
                self._known[version] = await asyncio.to_thread(self.lookup, version)
            except UnknownSchemaError as error:
                self._unknown[version] = error
            except UnavailableError as error:
                structlog.get_logger().warning("registry_away", reason=str(error), retry_s=wait_s)
                await self.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                continue
            return


def glue_cache(registry: Definitions) -> SchemaCache:
    """Return a cache before a Glue registry."""

    def lookup(version: UUID | int) -> str:
        assert isinstance(version, UUID)  # noqa: S101 - the decoder's own typing
        return registry.definition(version)

    return SchemaCache(lookup)


def confluent_cache(registry: ConfluentSchemas) -> SchemaCache:
    """Return a cache before a Confluent-compatible registry."""

    def lookup(version: UUID | int) -> str:
        assert isinstance(version, int)  # noqa: S101 - the decoder's own typing
        return registry.definition(version)

    return SchemaCache(lookup)

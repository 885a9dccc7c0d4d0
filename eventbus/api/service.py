"""Performs an operation by name: for HTTP and, within the process, for whoever loads subscriber files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventbus.api.context import Answer, Call, Parts
from eventbus.api.errors import ApiError
from eventbus.api.operations import ABSENT, OPERATIONS
from eventbus.api.operations.events import checked_entries
from eventbus.api.validate import checked
from eventbus.arn import Scope


@dataclass(frozen=True, slots=True)
class Service:
    """The operations, on the parts of one bus."""

    parts: Parts

    async def perform(self, operation: str, request: Any, scope: Scope) -> Answer:
        """Return the answer to a request, which is validated here.

        Args:
            operation: its name, such as `PutRule`.
            request: as JSON has it.
            scope: whose resources it is about.

        Raises:
            ApiError: the request is refused.
            StorageError: the disk is full or fails.
        """
        perform = OPERATIONS.get(operation)
        if perform is None:
            raise unknown(operation)
        call = Call(self.parts, scope)
        if operation != "PutEvents":
            return await perform(call, checked(operation, request))
        self.parts.metrics.put.calls += 1
        try:
            return await perform(call, checked_entries(request))
        except Exception:
            self.parts.metrics.put.failed_calls += 1
            raise


@dataclass(frozen=True, slots=True)
class Local:
    """The API without HTTP, in one account and region."""

    service: Service
    scope: Scope

    async def __call__(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to `request`; raises as `Service.perform`."""
        return await self.service.perform(operation, request, self.scope)


def unknown(operation: str) -> ApiError:
    """Return the error for an operation that the bus doesn't have."""
    if operation in ABSENT:
        message = f"{operation} is not offered by this event bus: {ABSENT[operation]}."
    else:
        message = f"{operation[:100]!r} is no operation of EventBridge."
    return ApiError("UnknownOperationException", message)

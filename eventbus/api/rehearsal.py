"""The API without a bus: refuses what can be seen to be wrong in a request itself, and keeps nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventbus.api.operations.api_destinations import require_endpoint
from eventbus.api.operations.targets import require_valid
from eventbus.api.validate import checked
from eventbus.arn import Scope


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Takes the requests of whoever loads subscriber files; nothing is there before, and nothing is afterwards."""

    scope: Scope

    async def __call__(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an answer that the next request can be made of; raises ApiError as the operation would."""
        clean = checked(operation, request)
        if operation == "PutTargets":
            require_valid(clean["Targets"], self.scope.account)
        if operation == "CreateApiDestination":
            require_endpoint(clean)
        name = clean.get("Name", "")
        return {
            **dict.fromkeys(("Targets", "Connections", "ApiDestinations"), ()),
            "RuleArn": self.scope.rule(name),
            "ConnectionArn": self.scope.arn(f"connection/{name}/0"),
            "ApiDestinationArn": self.scope.arn(f"api-destination/{name}/0"),
        }

"""What PutTargets refuses, in the service's words where they are known. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eventbus.arn import Arn, parse
from eventbus.targets.base import Kind, Spec

PARTICULAR: Final = frozenset(
    {
        "AppSyncParameters",
        "BatchParameters",
        "EcsParameters",
        "HttpParameters",
        "KinesisParameters",
        "RedshiftDataParameters",
        "RunCommandParameters",
        "SageMakerPipelineParameters",
        "SqsParameters",
    }
)
"""Fields of a target that are for one kind alone. Source: EventBridge API reference, Target."""
_INPUTS: Final = ("Input", "InputPath", "InputTransformer")


def problem(spec: Spec, kinds: Sequence[Kind], account: str | None = None) -> str | None:
    """Return why a target can't be put, or None; `account` is the rule's, when it is known."""
    arn = parse(spec["Arn"])
    if arn is None:
        return f"Parameter {spec['Arn']} is not valid. Reason: Provided Arn is not in correct format."
    kind = next((kind for kind in kinds if kind.serves(arn)), None)
    if kind is None:
        return _unsupported(arn, kinds)
    return (
        _role(spec, arn, kind, account)
        or _particular(spec, kind)
        or kind.problem(spec)
        or _elsewhere(spec, arn, account)
        or _dead_letters(spec)
    )


def _unsupported(arn: Arn, kinds: Sequence[Kind]) -> str:
    names = ", ".join(kind.name for kind in kinds)
    return f"{arn.service} is not a supported service for a target: {arn.text}. This bus delivers to: {names}."


def _role(spec: Spec, arn: Arn, kind: Kind, account: str | None) -> str | None:
    role = parse(spec.get("RoleArn", ""))
    if spec.get("RoleArn") and (role is None or role.service != "iam"):
        return "Parameter RoleArn is not valid. Reason: Provided Arn is not in correct format."
    if spec.get("RoleArn") or not (kind.needs_role or _is_bus_elsewhere(arn, account)):
        return None
    return f"RoleArn is required for target {arn.text}."


def _particular(spec: Spec, kind: Kind) -> str | None:
    wrong = sorted(name for name in PARTICULAR & spec.keys() if name not in kind.parameters)
    if not wrong:
        return None
    return f"Parameter(s) {', '.join(wrong)} not supported for target: {spec['Id']}. It is for no {kind.name}."


def _elsewhere(spec: Spec, arn: Arn, account: str | None) -> str | None:
    given = [name for name in _INPUTS if name in spec]
    if not given or not _is_bus_elsewhere(arn, account):
        return None
    return f"{given[0]} is not available for target {spec['Id']}: an event bus of another account."


def _is_bus_elsewhere(arn: Arn, account: str | None) -> bool:
    is_bus = arn.service == "events" and arn.resource.startswith("event-bus/")
    return is_bus and account is not None and arn.account != account


def _dead_letters(spec: Spec) -> str | None:
    given = spec.get("DeadLetterConfig", {}).get("Arn")
    if not given:
        return None
    queue = parse(given)
    if queue is None or queue.service != "sqs":
        return f"Parameter {given} is not valid. Reason: Provided Arn is not the ARN of an SQS queue."
    if queue.resource.endswith(".fifo"):
        return f"Parameter {given} is not valid. Reason: a dead-letter queue must be a standard queue."
    return None

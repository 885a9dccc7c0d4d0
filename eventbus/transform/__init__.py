"""What a target is given: the event, a constant, a part of the event, or a template filled from it. Pure.

`apply(spec, body, rule_name=..., rule_arn=..., ingestion_time=...)` makes the payload for one target;
`problem(spec)` says why PutTargets must refuse a target's Input, InputPath or InputTransformer.
"""

from eventbus.transform.apply import apply
from eventbus.transform.problem import problem

__all__ = ["apply", "problem"]

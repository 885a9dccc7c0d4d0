"""Subscribers as files: `infra/eventbridge/*.json`, one a subscriber, read here, by the demo and by the cloud stack.

A file names things as a person does; ARNs, accounts and regions are added by whoever makes the resources.

description   what the subscriber is for
bus, rule     the event bus, and the name of the rule on it
pattern       the event pattern; or `schedule`: `rate(...)` or `cron(...)`, on the bus `default`
targets       one to five, each with an `id`, where events go, and perhaps how

A target goes to one of `logGroup`, `queue`, `webhook`, `bus` (by name) or `arn` (anything else). It may have a
`deadLetterQueue`, `retry` (`attempts`, `maxAgeSeconds`), and one of `input`, `inputPath`, `inputTransformer`; for a
queue also a `messageGroup`, which one whose name ends in `.fifo` needs.
`${NAME}` and `${NAME:-default}` stand for a variable of the environment, in every text but patterns and inputs.
"""

# ruff: noqa: N815 - fields are called as in the files

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError, model_validator

from eventbus.pattern import InvalidPatternError, compile_pattern
from eventbus.schedule import InvalidScheduleError
from eventbus.schedule import parse as parse_schedule
from schemas.errors import UserError

FOLDER: Final = Path(__file__).parents[1] / "infra" / "eventbridge"
KINDS: Final = ("logGroup", "queue", "webhook", "bus", "arn")
INPUTS: Final = ("input", "inputPath", "inputTransformer")
_VERBATIM: Final = {"pattern", *INPUTS}
"""Fields in which `${...}` is text like any other."""
_VARIABLE: Final = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")

_FIFO: Final = ".fifo"

Queue = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,75}(\.fifo)?$")]
DeadLetterQueue = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
"""A standard queue: EventBridge takes no other for dead letters."""
BusName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,256}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class _Strict(BaseModel):
    """The names of the fields are those of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Retry(_Strict):
    """How long a target that fails is tried again. Limits: EventBridge API reference, RetryPolicy."""

    attempts: int = Field(default=185, ge=0, le=185)
    maxAgeSeconds: int = Field(default=86_400, ge=60, le=86_400)


class ApiKey(_Strict):
    """A header that says who calls."""

    header: str = Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,512}$")
    value: SecretStr = Field(min_length=1, max_length=512)


class Webhook(_Strict):
    """An HTTP endpoint, called once for each event."""

    url: str = Field(pattern=r"^https?://[^\s/]+(/\S*)?$", max_length=2048)
    method: Literal["POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"] = "POST"
    apiKey: ApiKey
    ratePerSecond: int = Field(default=300, ge=1, le=300)


class InputTransformer(_Strict):
    """Takes parts of the event and puts them into a template."""

    inputPathsMap: dict[str, str] = Field(default_factory=dict, max_length=100)
    inputTemplate: str = Field(min_length=1, max_length=8192)


class Target(_Strict):
    """Where matching events go."""

    id: Name
    logGroup: str | None = Field(default=None, pattern=r"^/aws/events/[A-Za-z0-9_./#-]{1,500}$")
    queue: Queue | None = None
    webhook: Webhook | None = None
    bus: BusName | None = None
    arn: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[^:]*:[^:]*:\S+$", max_length=1600)
    messageGroup: str | None = Field(default=None, min_length=1, max_length=100)
    deadLetterQueue: DeadLetterQueue | None = None
    retry: Retry = Retry()
    input: Any = None
    inputPath: str | None = Field(default=None, pattern=r"^\$", max_length=256)
    inputTransformer: InputTransformer | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Target:
        kinds = [name for name in KINDS if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError(f"has {' and '.join(kinds) or 'no place to go'}: name one of {', '.join(KINDS)}")
        inputs = [name for name in INPUTS if name in self.model_fields_set]
        if len(inputs) > 1:
            raise ValueError(f"has {' and '.join(inputs)}: keep one of them")
        queue = self.queue or self.arn or ""
        if queue.endswith(_FIFO) and self.messageGroup is None:
            raise ValueError(f"messageGroup is missing: the FIFO queue {queue} needs one")
        if self.messageGroup is not None and not queue:
            raise ValueError("has a messageGroup, which is for queues: remove it")
        return self

    @property
    def kind(self) -> str:
        """Which of KINDS it is."""
        return next(name for name in KINDS if getattr(self, name) is not None)


class Subscriber(_Strict):
    """One file: a bus, a rule on it, and where it sends events."""

    description: str = Field(min_length=1, max_length=512)
    bus: BusName
    rule: Name
    pattern: dict[str, Any] | None = Field(default=None, min_length=1)
    schedule: str | None = None
    targets: list[Target] = Field(min_length=1, max_length=5)
    _file: str = PrivateAttr(default="")

    @property
    def file(self) -> str:
        """Name of its file, without the folder."""
        return self._file

    @property
    def queues(self) -> tuple[str, ...]:
        """Names of all the queues that it needs, dead-letter queues included, each once."""
        found = [name for target in self.targets for name in (target.queue, target.deadLetterQueue) if name]
        return tuple(dict.fromkeys(found))

    @model_validator(mode="after")
    def _can_be_made(self) -> Subscriber:
        if (self.pattern is None) == (self.schedule is None):
            raise ValueError("has both pattern and schedule, or neither: a rule has one of them")
        if self.schedule is not None and self.bus != "default":
            raise ValueError("schedule: rules run on a schedule on the bus 'default' only: set bus to it")
        twice = [name for name, count in Counter(target.id for target in self.targets).items() if count > 1]
        if twice:
            raise ValueError(f"targets: {len(self.targets)} targets share ids ({', '.join(twice)}): make them differ")
        try:
            if self.pattern is not None:
                compile_pattern(json.dumps(self.pattern))
            if self.schedule is not None:
                parse_schedule(self.schedule)
        except InvalidPatternError as error:
            raise ValueError(f"pattern: {error}") from None
        except InvalidScheduleError as error:
            raise ValueError(f"schedule: {error.reason}") from None
        return self

    @classmethod
    def read(cls, text: str, file: str, environment: Mapping[str, str]) -> Subscriber:
        """Return the subscriber in `text`, which stands in the file of that name.

        Raises:
            UserError: not JSON, not a subscriber, or a variable is missing; the message names file and field.
        """
        try:
            known = _filled(json.loads(text, object_pairs_hook=_once), environment)
            subscriber = cls.model_validate_json(json.dumps(known))
        except json.JSONDecodeError as error:
            raise UserError(f"{file} is not valid JSON: {error}") from None
        except ValidationError as error:
            raise UserError(f"{file}: {'; '.join(_said(problem) for problem in error.errors())}") from None
        except ValueError as error:
            raise UserError(f"{file}: {error}") from None
        except RecursionError:
            raise UserError(f"{file} is nested too deeply: make it flatter") from None
        subscriber._file = file  # noqa: SLF001 - of this very class
        return subscriber


def load(folder: Path, environment: Mapping[str, str]) -> list[Subscriber]:
    """Return the subscribers of a folder, by file name.

    Raises:
        UserError: the folder can't be read, a file is wrong, or two have the same rule on the same bus.
    """
    try:
        contents = {file.name: file.read_bytes() for file in sorted(folder.glob("*.json"))}
        folder.stat()
    except OSError as error:
        raise UserError(f"the subscribers in {folder} can't be read: {error}. Name another folder") from None
    found = [Subscriber.read(_text(content, name), name, environment) for name, content in contents.items()]
    _require_distinct(found)
    return found


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is no UTF-8, byte {error.start}: save it as UTF-8") from None


def _require_distinct(subscribers: Sequence[Subscriber]) -> None:
    first: dict[tuple[str, str], str] = {}
    for each in subscribers:
        other = first.setdefault((each.bus, each.rule), each.file)
        if other != each.file:
            raise UserError(f"{other} and {each.file} both make rule {each.rule!r} on bus {each.bus!r}: rename one")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise ValueError(f"{', '.join(twice)} stands there twice in one object: keep one")
    return dict(pairs)


def _filled(value: Any, environment: Mapping[str, str], path: str = "") -> Any:
    """Return `value` with the variables in its texts replaced.

    Raises:
        ValueError: a variable has neither a value nor a default.
    """
    if isinstance(value, dict):
        return {
            name: each if name in _VERBATIM else _filled(each, environment, f"{path}.{name}".strip("."))
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_filled(each, environment, f"{path}.{number}") for number, each in enumerate(value)]
    return _VARIABLE.sub(lambda found: _value(found, environment, path), value) if isinstance(value, str) else value


def _value(found: re.Match[str], environment: Mapping[str, str], path: str) -> str:
    """Return what a variable stands for; set but empty is as good as not set, as in a shell."""
    value = environment.get(found["name"]) or found["default"]
    if value is None:
        raise ValueError(f"{path} needs the variable {found['name']}: set it, or write ${{{found['name']}:-default}}")
    return value


def _said(problem: Any) -> str:
    """Return what pydantic found, without the value: it may be a secret."""
    field = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{field}: {message}" if field else message

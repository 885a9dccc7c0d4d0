"""Amazon Resource Names, as EventBridge makes and reads them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_BUS = "default"
_PARTS = 6


@dataclass(frozen=True, slots=True)
class Scope:
    """An account in a region: names are unique within it."""

    account: str
    """Twelve digits."""
    region: str
    """Such as eu-central-1."""

    def arn(self, resource: str, service: str = "events") -> str:
        """Return the ARN of `resource`, such as `event-bus/default`, of `service` in this scope."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def bus(self, name: str) -> str:
        """Return the ARN of an event bus."""
        return self.arn(f"event-bus/{name}")

    def rule(self, name: str, bus: str = DEFAULT_BUS) -> str:
        """Return the ARN of a rule; the default bus isn't named in it."""
        return self.arn(f"rule/{name}" if bus == DEFAULT_BUS else f"rule/{bus}/{name}")


@dataclass(frozen=True, slots=True)
class Arn:
    """The parts of an ARN."""

    text: str
    service: str
    region: str
    account: str
    resource: str
    """All behind the fifth colon."""

    @property
    def scope(self) -> Scope:
        """Account and region."""
        return Scope(self.account, self.region)

    @property
    def name(self) -> str:
        """The resource without its type: what stands behind the first slash, or behind the first colon."""
        for separator in ("/", ":"):
            _, found, name = self.resource.partition(separator)
            if found:
                return name
        return self.resource


def parse(text: str) -> Arn | None:
    """Return the parts of an ARN, or None when `text` is none."""
    parts = text.split(":", _PARTS - 1)
    if len(parts) != _PARTS or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        return None
    return Arn(text, parts[2], parts[3], parts[4], parts[5])

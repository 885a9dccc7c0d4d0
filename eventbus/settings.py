"""Settings of the event bus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from schemas.settings import Settings


def _key(name: str) -> AliasChoices:
    return AliasChoices(f"EVENTBUS_{name}", f"AWS_{name}")


class EventBusSettings(Settings):
    """How the bus listens, what it keeps and how it retries."""

    model_config = SettingsConfigDict(env_prefix="EVENTBUS_", env_ignore_empty=True)

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: int = Field(default=4010, ge=0, le=65_535)
    """TCP port to listen on; 0 takes a free one."""

    data: Path = Path(".cardwatch/eventbus")
    """Folder of the database; one bus alone may use it."""

    subscribers: Path | None = Path("infra/eventbridge")
    """Folder of subscriber files to load at start; `none`: no files, nor where the folder of that name isn't there."""

    require_signature: bool = False
    """Whether to refuse requests that aren't signed with the secret of their access key."""

    access_key_id: str = Field(default="", validation_alias=_key("ACCESS_KEY_ID"))
    """Access key id that a signature is checked with; empty: `AWS_ACCESS_KEY_ID`."""

    secret_access_key: SecretStr = Field(default=SecretStr(""), validation_alias=_key("SECRET_ACCESS_KEY"))
    """Its secret; empty: `AWS_SECRET_ACCESS_KEY`."""

    region: str = Field(
        default="eu-central-1",
        validation_alias=AliasChoices("EVENTBUS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"),
        pattern=r"^[a-z]{2}(-[a-z]+)+-\d$",
    )
    """Region of requests that aren't signed, and of the subscriber files; empty: `AWS_REGION`, `AWS_DEFAULT_REGION`."""

    account: Annotated[str, Field(pattern=r"^\d{12}$")] = "123456789012"
    """Account of requests whose access key id isn't an account's number."""

    retry_base_s: float = Field(default=1.0, gt=0, le=3600)
    """Longest delay before the first retry; it doubles with each, and the actual one is drawn from nought to it."""

    retry_cap_s: float = Field(default=300.0, gt=0, le=86_400)
    """Longest delay before any retry."""

    lane_events: int = Field(default=2048, ge=1)
    """Most deliveries to one target that wait in memory; the others wait on disk."""

    flush: bool = False
    """Whether an answer waits for the disk itself, so that a power cut loses nothing; `kill -9` never does."""

    keep_events: int = Field(default=10_000, ge=0)
    """How many of the newest events are kept after their delivery, so that one can ask what became of them."""

    keep_bytes: int = Field(default=268_435_456, ge=0)
    """Most bytes of these: of larger events fewer are kept."""

    max_request_bytes: int = Field(default=1_048_576, ge=1024, le=16_777_216)
    """Most bytes of the entries of one PutEvents. EventBridge takes 1 MiB since 2026, took 262144 before."""

    body_timeout_s: float = Field(default=20.0, gt=0, le=3600)
    """How long a client may take to send a request, in seconds."""

    @field_validator("subscribers", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        return None if str(value) in {"none", ""} else value

    @property
    def subscribers_there(self) -> Path | None:
        """The folder to load: one that was named must be there, the usual one need not."""
        named = "subscribers" in self.model_fields_set
        return self.subscribers if self.subscribers and (named or self.subscribers.is_dir()) else None

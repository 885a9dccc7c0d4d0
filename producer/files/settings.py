"""What reading files can be told by the environment."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from schemas.settings import Settings


class FileSettings(Settings):
    """How transactions from files are read."""

    model_config = SettingsConfigDict(env_prefix="PRODUCER_")

    token_key: SecretStr = Field(default=SecretStr(""))
    """Secret of 16 characters or more that card tokens are made with; needed where a mapping hashes real data."""

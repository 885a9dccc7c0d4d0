"""AWS Signature Version 4 of one kind of request: POST to /, the body hashed.

The key of a day is derived once, which is most of what boto3's signer does for each request. The tests hold it equal
to botocore's. Source: docs.aws.amazon.com, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

ALGORITHM: Final = "AWS4-HMAC-SHA256"
_DAY: Final = len("yyyymmdd")


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials as they are now; the token is that of temporary ones."""

    access_key: str
    secret_key: str
    token: str | None = None


@dataclass(slots=True)
class Signer:
    """Signs for one service in one region; headers are given by their lower-case names."""

    service: str
    region: str
    _key: tuple[str, str, bytes] = field(default=("", "", b""))
    """The secret and the day that the derived key is of, and the key."""

    def headers(self, keys: Keys, at: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
        """Return `headers` and those of the signature; all of them but user-agent are signed.

        Args:
            keys: who signs.
            at: now, UTC, as `20260102T030405Z`.
            headers: `host` among them.
            body: what is posted.
        """
        headers = headers | {"x-amz-date": at} | ({"x-amz-security-token": keys.token} if keys.token else {})
        names = sorted(headers.keys() - {"user-agent"})
        signed = ";".join(names)
        lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
        request = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{at[:_DAY]}/{self.region}/{self.service}/aws4_request"
        text = f"{ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._derived(keys.secret_key, at[:_DAY]), text.encode(), "sha256").hex()
        value = f"{ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"
        return headers | {"authorization": value}

    def _derived(self, secret: str, day: str) -> bytes:
        known_secret, known_day, key = self._key  # read at once: other threads may replace it
        if (known_secret, known_day) != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self.region, self.service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = (secret, day, key)
        return key

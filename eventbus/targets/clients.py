"""boto3 clients for the targets: one a service and region, made when it is first needed.

Endpoints and credentials come from the standard `AWS_*` variables.
"""

from __future__ import annotations

import threading
from typing import Any, Final, Protocol

import boto3
from botocore.config import Config

CONNECT_TIMEOUT_S: Final = 2
READ_TIMEOUT_S: Final = 10
"""A local stand-in under load may take seconds; a call given up too soon may have been done, and is repeated."""
CONNECTIONS: Final = 32
"""Kept open to each endpoint: as many as threads may call at once."""

_CONFIG: Final = Config(
    connect_timeout=CONNECT_TIMEOUT_S,
    read_timeout=READ_TIMEOUT_S,
    max_pool_connections=CONNECTIONS,
    retries={"mode": "standard", "total_max_attempts": 1},  # the bus itself retries, by the target's own policy
    parameter_validation=False,  # the requests' shapes are ours; the service checks the values
    tcp_keepalive=True,
)


class Clients(Protocol):
    """Gives boto3 clients."""

    def of(self, service: str, region: str) -> Any:
        """Return the client of a service, by boto3's name of it, in a region."""

    def credentials(self) -> Any:
        """Return the credentials with which the clients sign, or None."""


class BotoClients:
    """The real ones. Used from several threads."""

    def __init__(self) -> None:
        """Begin without any."""
        self._made: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()
        self._session: boto3.session.Session | None = None

    def of(self, service: str, region: str) -> Any:
        """Return the client of a service in a region.

        Raises:
            BotoCoreError: the profile or the credentials' file that the variables name can't be used.
            ValueError: an endpoint is not an address.
        """
        found = self._made.get((service, region))
        if found is not None:
            return found
        with self._making:  # boto3 makes one client at a time
            if (service, region) not in self._made:
                make: Any = self._opened().client
                self._made[service, region] = make(service, region_name=region, config=_CONFIG)
            return self._made[service, region]

    def credentials(self) -> Any:
        """Return the credentials with which the clients sign, or None; they are there once a client was made."""
        return self._session.get_credentials() if self._session else None

    def _opened(self) -> boto3.session.Session:
        if self._session is None:
            self._session = boto3.session.Session()
        return self._session

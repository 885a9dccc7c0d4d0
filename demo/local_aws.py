"""AWS on this machine: a moto server with Glue, Logs, SQS and what else targets need, all in memory."""

from __future__ import annotations

import importlib.util
import os
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from demo.broker import poll
from demo.process import HOST, Child, free_port, listens
from schemas.errors import UnavailableError, UserError

REGION: Final = "eu-central-1"
_START_TIMEOUT_S: Final = 240.0
_RESET_TIMEOUT_S: Final = 60.0


class LocalAws:
    """A moto server on a free loopback port."""

    def __init__(self, folder: Path) -> None:
        """Keep the log under `folder`."""
        self._log = folder / "local-aws.log"
        self.port = 0
        self.child: Child | None = None

    @property
    def url(self) -> str:
        """Its address; only valid after `start`."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it and return once it answers; as `launch` and `wait`."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it and return at once.

        Raises:
            UserError: moto is not installed.
        """
        if importlib.util.find_spec("moto") is None:
            raise UserError("the local AWS (moto) is not installed: run `make setup`")
        self.port = free_port()
        argv = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(self.port)]
        self.child = Child("local AWS", argv, env=dict(os.environ), log=self._log)

    def wait(self) -> None:
        """Return once it answers.

        Raises:
            UnavailableError: it ends or stays silent.
        """
        if self.child is not None:
            poll(lambda: listens(self.port), self.child, _START_TIMEOUT_S)

    def stop(self) -> None:
        """End it; all that it holds is gone."""
        if self.child is not None:
            self.child.kill()  # it keeps nothing, so there is nothing to save

    def reset(self) -> None:
        """Empty it.

        Raises:
            UnavailableError: it doesn't answer.
        """
        try:
            urllib.request.urlopen(
                urllib.request.Request(f"{self.url}/moto-api/reset", method="POST"), timeout=_RESET_TIMEOUT_S
            ).close()
        except OSError as error:
            raise UnavailableError(f"the local AWS at {self.url} can't be reset: {error}") from None

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return `base` so changed that every AWS client talks to this server, and to nothing else."""
        kept = {name: value for name, value in base.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": HOST,
            "no_proxy": HOST,
        }

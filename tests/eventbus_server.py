"""A real event bus as a process, and boto3 clients whose every answer is held against botocore's own model."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from tests.harness import PATIENCE, RunningService

ACCOUNT = "123456789012"
REGION = "eu-central-1"
_LISTENING = re.compile(r"\"port\": (\d+).*\"event\": \"listening\"")


@dataclass
class Bus:
    """A bus that listens."""

    service: RunningService
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, key_id: str = "workshop", secret: str = "secret", region: str = REGION) -> Any:  # noqa: S107 - for tests
        """Return a client; each of its answers is checked."""
        config = Config(retries={"total_max_attempts": 1}, read_timeout=PATIENCE * 60, parameter_validation=False)
        made = boto3.client(
            "events",
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=config,
        )
        made.meta.events.register("after-call.events.*", self._check)
        return made

    def page(self, path: str) -> Any:
        """Return the JSON of one of the bus's own pages."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=PATIENCE * 10) as answer:
            return json.load(answer)

    def _check(self, http_response: Any, parsed: dict[str, Any], model: OperationModel, **_: Any) -> None:
        if http_response.status_code >= 300:
            return
        assert http_response.headers["content-type"] == "application/x-amz-json-1.1"
        assert parsed["ResponseMetadata"]["RequestId"]
        if model.output_shape is None:
            return
        raw = json.loads(http_response.content)
        assert_fits(model.output_shape, raw, model.name)
        values = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        if values.get("Targets") == []:
            del values["Targets"]  # the service answers so for a rule without targets, whatever its model says
        report = ParamValidator().validate(values, model.output_shape)
        assert not report.has_errors(), f"{model.name}: {report.generate_report()}"


def assert_fits(shape: Shape, raw: Any, path: str) -> None:
    """Fail when raw JSON has a member that the model hasn't, a null, or a value of another type."""
    if isinstance(shape, StructureShape):
        assert isinstance(raw, dict), path
        assert raw.keys() <= shape.members.keys(), f"{path}: {raw.keys() - shape.members.keys()}"
        for name, value in raw.items():
            assert_fits(shape.members[name], value, f"{path}.{name}")
    elif isinstance(shape, ListShape):
        assert isinstance(raw, list), path
        for each in raw:
            assert_fits(shape.member, each, f"{path}[]")
    elif isinstance(shape, MapShape):
        assert isinstance(raw, dict), path
        for each in raw.values():
            assert_fits(shape.value, each, f"{path}{{}}")
    else:
        wanted: Any = {"string": str, "boolean": bool, "timestamp": (int, float)}.get(shape.type_name, int)
        assert isinstance(raw, wanted), f"{path}: {raw!r} is no {shape.type_name}"
        if "enum" in shape.metadata:
            assert raw in shape.metadata["enum"], f"{path}: {raw!r}"


@contextmanager
def running_bus(folder: Path, *options: str, **env: str) -> Iterator[Bus]:
    """Run `python -m eventbus` on a free port; it is stopped with SIGTERM, and must end well."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EVENTBUS_", "LOG_"))}
    args = ("eventbus", "--port", "0", "--data", str(folder / "data"), *options)
    aws = {"AWS_ACCESS_KEY_ID": "workshop", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    service = RunningService(args, {"EVENTBUS_SUBSCRIBERS": "none", **kept, **aws, **env}, folder / "bus.log")
    try:
        service.until(_LISTENING.search)
        found = _LISTENING.search(service.log)
        assert found
        yield Bus(service, int(found[1]))
        service.terminate()
        assert service.wait() == 0
    finally:
        service.kill()

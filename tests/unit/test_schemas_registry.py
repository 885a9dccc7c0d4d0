"""Glue checks a new version in its own time, and not every version it knows may be used."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import boto3
import pytest
from botocore.stub import Stubber

from schemas.errors import UnavailableError, UserError
from schemas.registry import GlueRegistry

ID = UUID("00000000-0000-0000-0000-000000000001")
KNOWN = "get_schema_by_definition"


class Glue:
    """Answers of Glue, in order, and the waits between them."""

    def __init__(self) -> None:
        client = boto3.client("glue", region_name="eu-central-1")
        self.stub = Stubber(client)
        self.waits: list[float] = []
        self.registry = GlueRegistry(client, sleep=self.waits.append)

    def says(self, operation: str, status: str = "AVAILABLE", *, field: str = "Status") -> None:
        self.stub.add_response(operation, {"SchemaVersionId": str(ID), field: status})

    def refuses(self, operation: str, code: str) -> None:
        self.stub.add_client_error(operation, code, http_status_code=400)


@pytest.fixture
def glue() -> Iterator[Glue]:
    glue = Glue()
    with glue.stub:
        yield glue
        glue.stub.assert_no_pending_responses()


def registering(glue: Glue, *, first: bool, status: str) -> None:
    """Let Glue answer the registration of a version it doesn't know with `status`."""
    glue.stub.add_response("get_registry", {})
    glue.refuses(KNOWN, "EntityNotFoundException")
    if first:
        glue.says("create_schema", status, field="SchemaVersionStatus")
    else:
        glue.refuses("create_schema", "AlreadyExistsException")
        glue.says("register_schema_version", status)


@pytest.mark.parametrize("first", [True, False])
def test_a_version_that_is_checked_is_waited_for(glue: Glue, *, first: bool) -> None:
    registering(glue, first=first, status="PENDING")
    glue.says("get_schema_version", "PENDING")
    glue.says("get_schema_version", "AVAILABLE")
    assert glue.registry.register("labels", "{}") == ID
    assert glue.waits == [1, 1]


@pytest.mark.parametrize(("status", "told"), [("FAILURE", "not backward compatible"), ("DELETING", "DELETING")])
def test_a_version_that_fails_its_check_is_named(glue: Glue, status: str, told: str) -> None:
    registering(glue, first=False, status="PENDING")
    glue.says("get_schema_version", status)
    with pytest.raises(UserError, match=f"'labels'.*{told}"):
        glue.registry.register("labels", "{}")


def test_a_check_without_an_end_is_given_up(glue: Glue) -> None:
    registering(glue, first=True, status="PENDING")
    for _ in range(30):
        glue.says("get_schema_version", "PENDING")
    with pytest.raises(UnavailableError, match="still checks the schema of 'labels'"):
        glue.registry.register("labels", "{}")
    assert sum(glue.waits) == 30


def test_registering_again_waits_for_the_check_that_is_under_way(glue: Glue) -> None:
    glue.stub.add_response("get_registry", {})
    glue.says(KNOWN, "PENDING")
    glue.says("get_schema_version", "AVAILABLE")
    assert glue.registry.register("labels", "{}") == ID


@pytest.mark.parametrize(
    ("status", "error"), [("PENDING", UnavailableError), ("FAILURE", UserError), ("DELETING", UserError)]
)
def test_records_are_written_with_an_available_version_only(glue: Glue, status: str, error: type[Exception]) -> None:
    glue.says(KNOWN, status)
    with pytest.raises(error, match="'labels'"):
        glue.registry.version_id("labels", "{}")
    glue.says(KNOWN, "AVAILABLE")
    assert glue.registry.version_id("labels", "{}") == ID

"""Archives: keep a bus's events for a replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from eventbus.api.context import Answer, Call, Operation, Request, present
from eventbus.api.errors import already_exists, no_such_bus, not_found
from eventbus.api.operations.rules import check_pattern
from eventbus.api.paging import page
from eventbus.api.times import seconds
from eventbus.model import Archive


async def create_archive(call: Call, request: Request) -> Answer:
    """Keep what a bus gets from now on."""
    name = request["ArchiveName"]
    async with call.catalogue.changing:
        arn = call.scope.arn(f"archive/{name}")
        if call.catalogue.archive(arn):
            raise already_exists(f"Archive {name} already exists.")
        _require_bus(call, request["EventSourceArn"])
        if "EventPattern" in request:
            check_pattern(request["EventPattern"])
        archive = Archive(
            arn,
            name,
            request["EventSourceArn"],
            call.parts.now_ms(),
            pattern=request.get("EventPattern"),
            retention_days=request.get("RetentionDays", 0),
            description=request.get("Description"),
        )
        await call.catalogue.save(archive)
    return _state(archive)


async def update_archive(call: Call, request: Request) -> Answer:
    """Change an archive; what isn't given stays, and so does what it holds."""
    async with call.catalogue.changing:
        before = _find(call, request["ArchiveName"])
        if "EventPattern" in request:
            check_pattern(request["EventPattern"])
        archive = replace(
            before,
            pattern=request.get("EventPattern", before.pattern),
            retention_days=request.get("RetentionDays", before.retention_days),
            description=request.get("Description", before.description),
        )
        await call.catalogue.save(archive)
    return _state(archive)


async def describe_archive(call: Call, request: Request) -> Answer:
    """Show an archive and how much it holds."""
    archive = _find(call, request["ArchiveName"])
    more = present(ArchiveArn=archive.arn, Description=archive.description, EventPattern=archive.pattern)
    return {**await _listed(call, archive), **more}


async def list_archives(call: Call, request: Request) -> Answer:
    """List archives by name."""
    source = request.get("EventSourceArn")
    if source is not None:
        _require_bus(call, source)
    found = [
        each
        for each in call.catalogue.all(Archive, call.scope)
        if each.name.startswith(request.get("NamePrefix", ""))
        and source in {None, each.bus_arn}
        and request.get("State", "ENABLED") == "ENABLED"
    ]
    shown, more = page("ListArchives", found, lambda each: each.name, request)
    return {"Archives": [await _listed(call, each) for each in shown], **more}


async def delete_archive(call: Call, request: Request) -> Answer:
    """Remove an archive and what it holds."""
    async with call.catalogue.changing:
        archive = _find(call, request["ArchiveName"])
        await call.catalogue.remove(archive)
        await call.parts.archives.forget(archive)
    return {}


def _find(call: Call, name: str) -> Archive:
    found = call.catalogue.archive(call.scope.arn(f"archive/{name}"))
    if found is None:
        raise not_found(f"Archive {name} does not exist.")
    return found


def _require_bus(call: Call, arn: str) -> None:
    if call.catalogue.bus(arn) is None or not arn.startswith(call.scope.arn("")):
        raise no_such_bus(arn)


def _state(archive: Archive) -> dict[str, Any]:
    return {"ArchiveArn": archive.arn, "State": "ENABLED", "CreationTime": seconds(archive.created_ms)}


async def _listed(call: Call, archive: Archive) -> dict[str, Any]:
    size = await call.parts.archives.size(archive)
    return {
        "ArchiveName": archive.name,
        "EventSourceArn": archive.bus_arn,
        "State": "ENABLED",
        "RetentionDays": archive.retention_days,
        "SizeBytes": size.bytes,
        "EventCount": size.events,
        "CreationTime": seconds(archive.created_ms),
    }


OPERATIONS: Final[Mapping[str, Operation]] = {
    "CreateArchive": create_archive,
    "UpdateArchive": update_archive,
    "DescribeArchive": describe_archive,
    "ListArchives": list_archives,
    "DeleteArchive": delete_archive,
}

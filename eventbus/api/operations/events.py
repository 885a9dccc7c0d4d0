"""PutEvents: the hot operation. What is wrong with one entry is that entry's error, not the request's."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final

from eventbus.api.context import Answer, Call, Operation, Request, access_denied
from eventbus.api.errors import invalid, invalid_parameter
from eventbus.api.operations.rules import check_pattern
from eventbus.api.times import iso
from eventbus.api.validate import checked
from eventbus.arn import parse
from eventbus.model import Event
from eventbus.pattern import compile_pattern, parse_event

MAX_ENTRIES: Final = 10
MAX_DETAIL_TYPE: Final = 128
"""Characters. Source: EventBridge API reference, PutEventsRequestEntry."""
TIME_BYTES: Final = 14
"""What a time counts for. Source: EventBridge user guide, size of an entry."""
_TEXTS: Final = ("Source", "DetailType", "Detail")
_KNOWN: Final = frozenset({*_TEXTS, "EventBusName"})
_PUT_EVENTS: Final = "events:PutEvents"
_BUS_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,256}")


async def put_events(call: Call, request: Request) -> Answer:
    """Put up to ten entries; the answer has one result for each, in order. On disk once it returns."""
    began = time.perf_counter()
    entries = request["Entries"]
    size = sum(entry_size(entry) for entry in entries)
    if size > call.parts.max_request_bytes:
        raise invalid("Total size of the entries in the request is over the limit.")
    events, results = [], []
    for entry in entries:
        result = _accepted(call, entry)
        if isinstance(result, Event):
            events.append(result)
            results.append({"EventId": result.id})
        else:
            results.append(result)
    if events:
        await call.parts.intake.accept(events)
    _count(call, entries, results)
    put = call.parts.metrics.put
    put.bytes += size
    put.latency.add((time.perf_counter() - began) * 1000)
    return {"FailedEntryCount": len(results) - len(events), "Entries": results}


def _count(call: Call, entries: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, str]]) -> None:
    """Count entries by bus; one that isn't there has no counts."""
    put = Counter(entry.get("EventBusName") for entry in entries)
    failed = Counter(
        entry.get("EventBusName") for entry, result in zip(entries, results, strict=True) if "ErrorCode" in result
    )
    for name, count in put.items():
        bus_arn = call.bus_arn(name)
        if call.catalogue.bus(bus_arn):
            meter = call.parts.metrics.bus(bus_arn)
            meter.entries += count
            meter.failed_entries += failed[name]


def checked_entries(request: Any) -> dict[str, Any]:
    """Return the request, validated: at once when it is as simple as most are.

    Raises:
        ApiError: as `validate.checked`.
    """
    entries = request.get("Entries") if isinstance(request, dict) else None
    if isinstance(entries, list) and 0 < len(entries) <= MAX_ENTRIES and all(map(_is_plain, entries)):
        return {"Entries": entries}
    return checked("PutEvents", request)


def _is_plain(entry: Any) -> bool:
    """Return whether an entry has nothing but texts that no constraint can refuse."""
    return (
        isinstance(entry, dict)
        and entry.keys() <= _KNOWN
        and all(type(value) is str for value in entry.values())
        and _BUS_NAME.fullmatch(entry.get("EventBusName", "default")) is not None
    )


def entry_size(entry: Mapping[str, Any]) -> int:
    """Return the bytes that an entry counts for. Source: EventBridge user guide, size of an entry."""
    texts: Sequence[str] = [entry.get(name, "") for name in _TEXTS]
    if "Resources" in entry:
        texts = [*texts, *entry["Resources"]]
    size = sum(len(text) if text.isascii() else len(text.encode()) for text in texts)
    return size + TIME_BYTES * ("Time" in entry)


def _accepted(call: Call, entry: Mapping[str, Any]) -> Event | dict[str, str]:
    """Return the event that an entry becomes, or the entry's error."""
    for name in _TEXTS:
        if not entry.get(name):
            return _invalid(name, f"{name} is a required argument.")
    if len(entry["DetailType"]) > MAX_DETAIL_TYPE:
        return _invalid("DetailType", f"DetailType has more than {MAX_DETAIL_TYPE} characters.")
    try:
        detail = parse_event(entry["Detail"])
    except ValueError:
        return _error("MalformedDetail", "Detail is malformed.")
    if entry["Source"].startswith("aws."):
        return _error("NotAuthorizedForSourceException", "Not authorized for the source.")
    bus_arn = call.bus_arn(entry.get("EventBusName"))
    refused = _refused(call, bus_arn, entry)
    return refused or _event(call, bus_arn, entry, detail)


def _invalid(name: str, reason: str) -> dict[str, str]:
    return _error("InvalidArgument", f"Parameter {name} is not valid. Reason: {reason}")


def _error(code: str, message: str) -> dict[str, str]:
    return {"ErrorCode": code, "ErrorMessage": message}


def _refused(call: Call, bus_arn: str, entry: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the error of an entry for a bus of another account that doesn't let this one in."""
    if f":{call.scope.account}:" in bus_arn:
        return None
    bus = call.catalogue.bus(bus_arn)
    facts = {"events:source": entry["Source"], "events:detail-type": entry["DetailType"]}
    if bus and call.may(bus, _PUT_EVENTS, facts):
        return None
    denied = access_denied(call.scope.account, _PUT_EVENTS, bus_arn)
    return _error(denied.code, denied.message)


def _event(call: Call, bus_arn: str, entry: Mapping[str, Any], detail: Any) -> Event:
    """Return the event: its detail stands in the body as it was put, character for character."""
    now_ms, event_id = call.parts.now_ms(), call.parts.new_id()
    fields = {
        "version": "0",
        "id": event_id,
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": call.scope.account,
        "time": iso(entry.get("Time", now_ms) // 1000),
        "region": _region(bus_arn),
        "resources": list(entry.get("Resources", ())),
        "detail": detail,
    }
    resources = json.dumps(fields["resources"], ensure_ascii=False) if fields["resources"] else "[]"
    body = (
        f'{{"version":"0","id":"{event_id}","detail-type":{encode_basestring(entry["DetailType"])},'
        f'"source":{encode_basestring(entry["Source"])},"account":"{call.scope.account}","time":"{fields["time"]}",'
        f'"region":"{fields["region"]}","resources":{resources},"detail":{entry["Detail"]}}}'
    )
    return Event(event_id, bus_arn, body, fields, now_ms)


@lru_cache(maxsize=1024)
def _region(bus_arn: str) -> str:
    found = parse(bus_arn)
    return found.region if found else ""


async def is_match(_call: Call, request: Request) -> Answer:
    """Say whether a pattern matches an event; fields that events usually have may be missing."""
    check_pattern(request["EventPattern"])
    try:
        fields = parse_event(request["Event"])
    except ValueError as error:
        raise invalid_parameter("Event", f"{error}.") from None
    return {"Result": compile_pattern(request["EventPattern"]).matches(fields)}


OPERATIONS: Final[Mapping[str, Operation]] = {
    "PutEvents": put_events,
    "TestEventPattern": is_match,
}

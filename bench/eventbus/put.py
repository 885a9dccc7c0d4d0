"""The load: PutEvents requests, signed and encoded by botocore beforehand, sent over keep-alive connections.

So a request costs the load about 20 µs instead of boto3's millisecond, which on a small machine would be what
is measured. Every bus gets the same bytes but for the address and, with it, the signature.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.serialize import create_serializer
from botocore.session import Session

from bench.eventbus.entries import entry, notification_id
from bench.eventbus.figures import Puts

ACCOUNT: Final = "123456789012"
"""Access key id of the bench: all three buses take twelve digits for the account."""
SECRET: Final = "bench"  # noqa: S105 - no server here checks it
REGION: Final = "eu-central-1"
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Load:
    """What to put where."""

    url: str
    bus: str
    first: int
    """Number of the first event."""
    events: int
    per_request: int
    connections: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it was sent and answered (ns), and how."""

    sent_ns: int
    answered_ns: int
    status: int
    body: bytes


def requests(load: Load) -> list[tuple[range, bytes]]:
    """Return each request's event numbers and its bytes on the wire."""
    model = Session().get_service_model("events")
    serializer, operation = create_serializer(model.metadata["protocol"]), model.operation_model("PutEvents")
    signer = SigV4Auth(Credentials(ACCOUNT, SECRET), "events", REGION)
    made = []
    for start in range(load.first, load.first + load.events, load.per_request):
        numbers = range(start, min(start + load.per_request, load.first + load.events))
        parts = serializer.serialize_to_request({"Entries": [entry(n, load.bus) for n in numbers]}, operation)
        body = parts["body"]
        request = AWSRequest("POST", f"{load.url}/", headers=dict(parts["headers"]), data=body)
        signer.add_auth(request)
        made.append((numbers, _bytes(dict(request.headers.items()), urlsplit(load.url).netloc, body)))
    return made


def _bytes(headers: dict[str, str], host: str, body: bytes) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST / HTTP/1.1", f"Host: {host}", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


async def put(load: Load) -> Puts:
    """Put everything, as fast as answers come, and say what became of it."""
    made = requests(load)
    answers: list[tuple[range, Answer]] = []
    queue = iter(made)
    await asyncio.gather(*(_send(load.url, queue, answers) for _ in range(load.connections)))
    accepted: dict[str, int] = {}
    for numbers, answer in answers:
        for number in _accepted(numbers, answer):
            accepted[notification_id(number)] = answer.sent_ns
    first, last = min(a.sent_ns for _, a in answers), max(a.answered_ns for _, a in answers)
    return Puts(first, last, accepted, load.events - len(accepted))


def _accepted(numbers: range, answer: Answer) -> list[int]:
    if answer.status != _OK:
        return []
    results = json.loads(answer.body)["Entries"]
    return [number for number, result in zip(numbers, results, strict=True) if "EventId" in result]


async def _send(url: str, queue: Iterator[tuple[range, bytes]], answers: list[tuple[range, Answer]]) -> None:
    """Send one request after the other over one connection; a server may close it after any."""
    where = urlsplit(url)
    streams = None
    for numbers, request in queue:
        reader, writer = streams or await asyncio.open_connection(where.hostname, where.port)
        sent = time.time_ns()
        writer.write(request)
        status, body, stays = await _answer(reader)
        answers.append((numbers, Answer(sent, time.time_ns(), status, body)))
        streams = (reader, writer) if stays else None
        if not stays:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(size), b"connection: close" not in head


def write(puts: Puts, file: Path) -> None:
    """Leave the result for the process that started this one."""
    file.write_text(json.dumps(asdict(puts)))


def read(file: Path) -> Puts:
    """Read what `write` left."""
    return Puts(**json.loads(file.read_text()))

"""The parts of each service, by the files and functions that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Part:
    """Some files, as packages have them, or functions of them: `analyzer/core/`, `analyzer/card_desk.py:read`."""

    name: str
    of: tuple[str, ...]

    def has(self, file: str, function: str) -> bool:
        """Tell whether a function is in it, or inside of one that is."""
        for one in self.of:
            path, _, name = one.partition(":")
            if file.startswith(path) and (not name or name in function.split(".")):
                return True
        return False


_DECODE: Final = ("buffer", "columns", "decode", "framing", "merge", "one_schema", "plan", "shapes", "text", "walk")
_LIBRARIES: Final = (Part("event loop", ("asyncio/", "selectors.py", "uvloop", "mode/")),)
_START: Final = Part("start", ("boto3/", "botocore/", "inspect.py", "importlib/", "typing_extensions.py", "pydantic"))
ANALYZER: Final = (
    _START,
    Part(
        "decode", (*(f"analyzer/batch/{name}.py" for name in _DECODE), "analyzer/batch/cut.py", "analyzer/wire.py:read")
    ),
    Part("decode", ("analyzer/card_desk.py:read", "analyzer/card_desk.py:_columns", "analyzer/portion.py")),
    Part("screens and figures", ("analyzer/batch/screens/", "analyzer/batch/figures.py")),
    Part("core: flagged or out of order", ("analyzer/core/", "analyzer/batch/moment.py", "analyzer/batch/windows.py")),
    Part("checkpoint: encode states", ("analyzer/batch/pack.py", "analyzer/card_states.py:snapshot")),
    Part("checkpoint: encode states", ("analyzer/batch/store.py:encode_all", "analyzer/settle.py")),
    Part(
        "cards by slot",
        (
            *("analyzer/batch/shelf.py", "analyzer/batch/unpack.py", "analyzer/batch/thaw.py"),
            *("analyzer/batch/judge.py:card_ids_of", "analyzer/card_desk.py:_slots"),
        ),
    ),
    Part("judge in arrays", ("analyzer/batch/", "analyzer/card_states.py", "analyzer/recent_codec.py")),
    Part("notifications", ("analyzer/desk.py", "analyzer/wire.py", "analyzer/notification_codec.py")),
    Part("notifications", ("analyzer/card_desk.py:_notifications",)),
    Part("counting", ("analyzer/card_desk.py:_count", "analyzer/metrics.py", "prometheus_client/")),
    Part("send", ("analyzer/publish.py", "aiokafka/producer/")),
    Part(
        "fetch",
        (
            "analyzer/fetched.py",
            "analyzer/transport.py",
            "aiokafka/consumer/fetcher.py",
            "aiokafka/consumer/consumer.py",
        ),
    ),
    Part("Kafka protocol", ("aiokafka/",)),
    Part("Faust", ("faust/",)),
    Part("worker", ("analyzer/",)),
    *_LIBRARIES,
)
PRODUCER: Final = (
    _START,
    Part("encode", ("producer/batch.py", "producer/wire.py", "schemas/codec.py")),
    Part("late labels", ("producer/flow.py:hold", "producer/flow.py:released")),
    Part("send", ("producer/publish.py",)),
    Part("flow and pace", ("producer/flow.py", "producer/pace.py", "producer/service.py")),
    Part("population, once", ("producer/population.py", "producer/market.py", "producer/presets.py", "faker/")),
    Part("fraud", ("producer/scenarios/", "producer/fraudsters.py", "producer/intents.py")),
    Part("generate", ("producer/",)),
)
NOTIFIER: Final = (
    Part("connection: HTTP", ("urllib3/", "http/", "socket.py", "ssl.py")),
    Part("connection: HTTP", ("botocore/httpsession.py", "botocore/awsrequest.py", "botocore/httpchecksum.py")),
    Part("sign", ("botocore/auth.py", "botocore/signers.py", "hmac.py")),
    Part("botocore", ("botocore/", "boto3/")),
    Part("put", ("notifier/sinks/",)),
    Part("decode", ("schemas/", "notifier/avro_json.py", "notifier/java_json.py", "notifier/connect_types.py")),
    Part(
        "entry",
        ("notifier/envelope.py", "notifier/mapping.py", "notifier/connect_header.py", "notifier/consume.py:_job"),
    ),
    Part("queue and settle", ("notifier/backlog.py", "notifier/batch.py", "notifier/calls.py", "notifier/deliver.py")),
    Part("queue and settle", ("notifier/progress.py", "prometheus_client/")),
    Part("fetch", ("notifier/consume.py", "notifier/kafka.py")),
    Part("worker", ("notifier/",)),
    *_LIBRARIES,
)

"""A generator as people write it: Faker for every value, fastavro for every record, one `produce` after the other.

A process of its own: `python -m bench.producer.peer --transactions N --version UUID --bootstrap-servers HOST:PORT`. It
makes no labels and no habits, and every record stands for itself.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import Annotated, Any
from uuid import UUID

import fastavro
import typer
from confluent_kafka import KafkaError, Message, Producer
from faker import Faker

from schemas.codec import GLUE_VERSION, PLAIN, definition
from schemas.errors import UnavailableError, one_line_errors
from schemas.topics import TRANSACTIONS


def record(fake: Faker) -> dict[str, Any]:
    """Return the fields of `transaction.avsc`, each as Faker has it."""
    online = fake.boolean(30)
    return {
        "transactionId": fake.uuid4(),
        "cardId": f"card_{fake.random_int(0, 999):04d}",
        "cardLastFour": fake.credit_card_number()[-4:],
        "userId": fake.user_name(),
        "eventTime": fake.date_time_between("-1d"),
        "amountMinor": fake.random_int(50, 100_000),
        "currency": "EUR",
        "merchantId": fake.bothify("mer_########"),
        "merchantName": fake.company(),
        "merchantCategory": fake.numerify("5###"),
        "terminalId": None if online else fake.bothify("ter_########"),
        "channel": "CARD_NOT_PRESENT" if online else "CARD_PRESENT",
        "deviceId": fake.hexify("dev_^^^^^^^^^^^^") if online else None,
        "country": fake.country_code(),
        "latitude": float(fake.latitude()),
        "longitude": float(fake.longitude()),
        "approved": fake.boolean(97),
    }


def write(
    *,
    transactions: Annotated[int, typer.Option()],
    version: Annotated[str, typer.Option()],
    bootstrap_servers: Annotated[str, typer.Option()],
) -> None:
    """Write so many transactions, and return when all are acknowledged."""
    fake, schema = Faker(), fastavro.parse_schema(json.loads(definition("transaction")))
    header = bytes((GLUE_VERSION, PLAIN)) + UUID(version).bytes
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
        }
    )
    for _ in range(transactions):
        made, out = record(fake), BytesIO()
        out.write(header)
        fastavro.schemaless_writer(out, schema, made)
        producer.produce(TRANSACTIONS, out.getvalue(), made["cardId"].encode(), on_delivery=_delivered)
        producer.poll(0)
    if producer.flush(30):
        raise UnavailableError("the broker has not taken all records within 30 s")


def _delivered(error: KafkaError | None, _message: Message) -> None:
    if error is not None:
        raise UnavailableError(f"the broker refuses a record: {error}")


if __name__ == "__main__":
    with one_line_errors():
        typer.run(write)

"""The analyzer as a process against a real broker: nothing lost, nothing counted twice, whatever happens."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient

from analyzer.core.chain import Chain
from analyzer.core.sighting import Sighting
from analyzer.core.window import CardWindow
from analyzer.wire import checked, notification_id, state_record
from demo.process import free_port
from schemas import topics
from schemas.codec import Decoder, Encoder, Record, definition
from schemas.dead_letter import Header, Origin, origin, original_headers, reason
from schemas.settings import KafkaSettings
from tests.analyzer_input import NOON_MS, RULES_FILE, judges, record, stream
from tests.harness import PATIENCE, RunningService, Stack, make_broker, wait_until

pytestmark = pytest.mark.integration

TRANSACTIONS, SIGHTINGS, NOTIFICATIONS = "transactions", "sightings", "notifications"
CHANGELOG, DEAD_LETTERS = "analyzer-cards-changelog", "transactions.dlq"
RULES = {"ANALYZER_RULES_FILE": str(RULES_FILE)}
"""What `judges` judges by too."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of every record of the topic, from what is in Kafka alone."""

    records: int
    judged: int
    flagged: int
    late: int
    duplicate: int
    dead: int
    notifications: int
    sighted: int
    sightings: int
    """Distinct ones."""

    seen: int
    flagged_at_terminals: int

    @property
    def accounted(self) -> int:
        return self.judged + self.late + self.duplicate + self.dead


def ledger(stack: Stack) -> Ledger:
    decoder = Decoder(stack.registry, logical_types=False)
    cards, terminals = states(stack, CHANGELOG), states(stack, "analyzer-terminals-changelog")
    told = {
        decoder.decode(message.value() or b"")["eventDetail"]["notificationId"]
        for message in stack.records(NOTIFICATIONS)
    }
    return Ledger(
        records=len(stack.records(TRANSACTIONS)),
        judged=sum(state["judged"] for state in cards),
        flagged=sum(state["flagged"] for state in cards),
        late=sum(state["late"] for state in cards),
        duplicate=sum(state["duplicate"] for state in cards),
        dead=len({origin(headers_of(message)) for message in stack.records(DEAD_LETTERS)}),
        notifications=len(told),
        sighted=sum(state["sighted"] for state in cards),
        sightings=len(
            {decoder.decode(message.value() or b"")["transactionId"] for message in stack.records(SIGHTINGS)}
        ),
        seen=sum(state["seen"] for state in terminals),
        flagged_at_terminals=sum(state["flagged"] for state in terminals),
    )


def states(stack: Stack, changelog: str) -> list[Record]:
    """Return of each key the state that has applied most."""
    decoder = Decoder(stack.registry, logical_types=False)
    furthest: dict[tuple[int | None, Any], Record] = {}
    for message in stack.records(changelog):
        state = decoder.decode(message.value() or b"")
        place = (message.partition(), message.key())
        if place not in furthest or state["appliedOffset"] >= furthest[place]["appliedOffset"]:
            furthest[place] = state
    return list(furthest.values())


def headers_of(message: Message) -> list[Header]:
    return cast("list[Header]", message.headers() or [])


def place_of(message: Message) -> Origin:
    return Origin(str(message.topic()), message.partition() or 0, message.offset() or 0)


def ready(stack: Stack, **env: str) -> RunningService:
    worker = stack.start("analyzer", "worker", **(RULES | env))
    worker.until(lambda _: shares(worker, "cards") and shares(worker, "terminals"))
    return worker


def shares(worker: RunningService, stage: str) -> list[int]:
    """Return how many partitions a stage of the worker had each time it was ready."""
    lines = (json.loads(line) for line in worker.log.splitlines() if '"ready"' in line)
    return [line["partitions"] for line in lines if line["stage"] == stage]


def produce(stack: Stack, records: Iterable[Record]) -> int:
    """Write records as fast as the broker takes them and return how many."""
    encoder = Encoder.registered("transaction", TRANSACTIONS, stack.registry)
    producer = Producer({**stack.kafka.librdkafka(), "partitioner": "murmur2_random", "linger.ms": 5})
    count = 0
    for count, one in enumerate(records, start=1):  # noqa: B007 - the last number is the count
        producer.produce(TRANSACTIONS, encoder.encode(one), one["cardId"].encode())
        producer.poll(0)
    assert producer.flush(PATIENCE * 60) == 0
    return count


def settled(stack: Stack, count: int) -> Callable[[], bool]:
    """Return whether so many transactions are accounted for, and all sightings of them are."""

    def both() -> bool:
        found = ledger(stack)
        return found.accounted >= count and found.seen >= found.sighted

    return both


def metrics(worker: RunningService) -> dict[str, float]:
    with urllib.request.urlopen(f"{ops(worker)}/metrics", timeout=PATIENCE * 60) as answer:
        lines = [line.split() for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name.removeprefix("cardwatch_analyzer_"): float(value) for name, value in lines}


def judged_more_than(worker: RunningService, count: int) -> Callable[[], bool]:
    return lambda: metrics(worker)["judged_total"] > count


def written_more_than(worker: RunningService, count: int) -> Callable[[], bool]:
    return lambda: metrics(worker)["states_total"] > count


def health(worker: RunningService) -> str:
    try:
        with urllib.request.urlopen(f"{ops(worker)}/health", timeout=PATIENCE * 60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.read().decode())


def well(worker: RunningService) -> Callable[[], bool]:
    """Return a question: a busy machine may cost it its place in the group for a moment."""
    return lambda: json.loads(health(worker)) == {"status": "ok"}


def ops(worker: RunningService) -> str:
    line = next(json.loads(line) for line in worker.log.splitlines() if '"ops"' in line)
    return f"http://127.0.0.1:{line['port']}"


def balanced(stack: Stack, count: int) -> Ledger:
    """Wait until every record is accounted for and return a ledger that balances."""
    wait_until(settled(stack, count), 90, f"{count} records to be accounted for")
    found = ledger(stack)
    assert found.accounted == found.records == count
    assert found.sighted == found.sightings == found.seen
    assert found.flagged + found.flagged_at_terminals == found.notifications
    return found


def test_transactions_become_states_and_notifications_and_each_page_answers(stack: Stack) -> None:
    worker = ready(stack)
    count = produce(stack, stream(1_500, cards=30))
    found = balanced(stack, count)
    assert found.judged == count
    assert found.flagged > 0
    wait_until(well(worker), 30, "the worker to be well")
    wait_until(lambda: metrics(worker)["latency_seconds_count"] == count, 30, "the last record to be acknowledged")
    seen = metrics(worker)
    assert (seen["judged_total"], seen["flagged_total"]) == (count, found.flagged)
    assert seen['findings_total{rule="amount_outlier"}'] > 0


def bad_records(stack: Stack) -> list[tuple[bytes | None, bytes | None, str]]:
    """Return key, value and a piece of the reason of a record of each bad kind."""
    encoder = Encoder.registered("transaction", TRANSACTIONS, stack.registry)
    good = encoder.encode(record())
    lacking = json.loads(definition("transaction"))
    lacking["fields"] = [field for field in lacking["fields"] if field["name"] != "amountMinor"]
    lacking["name"] = "Transaction"
    incompatible = stack.registry.register("transactions-incompatible", json.dumps(lacking))
    return [
        (b"card-1", b"", "empty"),
        (b"card-1", b"hello", "framing"),
        (b"card-1", good[:-7], "Avro body"),
        (b"card-1", good + b"!", "left over"),
        (b"card-1", good[:2] + UUID(int=5).bytes + good[18:], "unknown"),
        (b"card-1", b"\x00\x00\x00\x00\x05" + good[18:], "Confluent"),
        (b"card-1", good[:2] + incompatible.bytes + good[18:], "Avro body"),
        (b"card-1", None, "tombstone"),
        (None, good, "key is null"),
        (b"card-2", good, "cardId"),
        (b"card-1", encoder.encode(record(amountMinor=-5)), "negative"),
        (b"card-1", encoder.encode(record(eventTime=253_402_300_800_000)), "eventTime"),
        (b"card-1", encoder.encode(record(eventTime=2**60)), "eventTime"),
        (b"card-1", encoder.encode(record(latitude=float("nan"))), "latitude nan"),
        (b"card-1", encoder.encode(record(country="Atlantis")), "country"),
    ]


def test_bad_records_end_in_the_dead_letter_topic_as_they_were_and_the_rest_is_judged(stack: Stack) -> None:
    bad = bad_records(stack)
    worker = ready(stack)
    headers = [("trace", b"\x00\xff"), ("trace", b"again"), ("empty", None)]
    sent = {}
    for number, (key, value, why) in enumerate(bad):
        place = stack.produce(TRANSACTIONS, key, value, headers, partition=number % 12)
        sent[Origin(place.topic, place.partition, place.offset)] = (key, value, why)
    good = produce(stack, stream(300, cards=10))
    found = balanced(stack, good + len(bad))
    assert (found.judged, found.dead) == (good, len(bad))
    times = {place_of(message): message.timestamp() for message in stack.records(TRANSACTIONS)}
    for letter in stack.records(DEAD_LETTERS):
        at = origin(headers_of(letter))
        assert at is not None
        key, value, why = sent.pop(at)
        assert (letter.key(), letter.value()) == (key, value)
        assert original_headers(headers_of(letter)) == headers
        assert letter.timestamp() == times[at]
        assert why in reason(headers_of(letter))
    assert sent == {}
    assert worker.log.count('"dead_letter"') == len(bad)


def test_a_bad_record_as_large_as_a_broker_takes_ends_in_the_dead_letter_topic(stack: Stack) -> None:
    largest = b"x" * 1_048_000
    producer = Producer({**stack.kafka.librdkafka(), "message.max.bytes": 2_000_000})
    producer.produce(TRANSACTIONS, largest, b"card-1", partition=3)
    assert producer.flush(PATIENCE * 30) == 0
    ready(stack)
    stack.produce(TRANSACTIONS, b"card-1", b"small", partition=3)
    wait_until(settled(stack, 2), 60, "both to be given up")
    assert {letter.value() for letter in stack.records(DEAD_LETTERS)} == {largest, b"small"}


def test_a_newer_schema_with_one_more_field_is_judged(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = json.loads(definition("transaction"))
    newer["fields"].append({"name": "wallet", "type": "string", "default": ""})
    version = stack.registry.register(TRANSACTIONS, json.dumps(newer))
    ready(stack)
    monkeypatch.setattr("schemas.codec.definition", lambda _: json.dumps(newer))
    value = Encoder("transaction", version).encode(record(wallet="phone"))
    monkeypatch.undo()
    stack.produce(TRANSACTIONS, b"card-1", value)
    assert balanced(stack, 1).judged == 1


def test_too_many_bad_records_in_a_row_stop_the_worker_with_one_line(stack: Stack) -> None:
    worker = ready(stack, ANALYZER_MAX_DEAD_LETTERS_IN_A_ROW="5")
    for _ in range(5):
        stack.produce(TRANSACTIONS, b"card-1", b"bad", partition=0)
    assert worker.wait(30) == 2
    assert worker.log.splitlines()[-1].startswith("error: 5 records in a row were bad, the last because")


def test_late_duplicate_and_shuffled_records_balance(stack: Stack) -> None:
    ready(stack)
    card = [record(transactionId=f"t-{n}", eventTime=NOON_MS + n * 60_000) for n in range(100)]
    late = [record(transactionId=f"late-{n}", eventTime=NOON_MS - 3_600_000) for n in range(7)]
    count = produce(stack, [*card, *card[90:], *late])
    found = balanced(stack, count)
    assert (found.judged, found.duplicate, found.late) == (100, 10, 7)


def test_a_worker_that_is_killed_in_the_middle_loses_nothing_and_counts_nothing_twice(stack: Stack) -> None:
    records = list(stream(5_000, cards=60))
    for start, stop in ((0, 2_500), (2_500, 5_000)):
        # Each has work of its own, however far the one before has come.
        produce(stack, records[start:stop])
        worker = ready(stack)
        wait_until(judged_more_than(worker, 700), 60, "work to kill it in")
        worker.kill()
    ready(stack)
    found = balanced(stack, len(records))
    assert found.judged == len(records)


def counted(stack: Stack) -> dict[str, int]:
    """Return how many records the state of each card has counted, whatever became of them."""
    decoder = Decoder(stack.registry, logical_types=False)
    furthest: dict[str, Record] = {}
    for message in stack.records(CHANGELOG):
        card, state = (message.key() or b"").decode(), decoder.decode(message.value() or b"")
        if card not in furthest or state["appliedOffset"] >= furthest[card]["appliedOffset"]:
            furthest[card] = state
    return {card: state["judged"] + state["late"] + state["duplicate"] for card, state in furthest.items()}


def test_workers_killed_in_the_middle_of_checkpoints_leave_each_card_with_exactly_its_records(stack: Stack) -> None:
    records = list(stream(7_500, cards=900))
    moments = random.Random(5)  # noqa: S311 - when to kill
    for start in range(0, 6_000, 1_500):
        # One checkpoint follows the other, of hundreds of states: whenever it is killed, one is likely half written.
        produce(stack, records[start : start + 1_500])
        worker = ready(stack, ANALYZER_CHECKPOINT_S="0")
        wait_until(written_more_than(worker, moments.randrange(500)), 60, "states to be written")
        worker.kill()
    produce(stack, records[6_000:])
    ready(stack, ANALYZER_CHECKPOINT_S="0")
    balanced(stack, len(records))
    assert counted(stack) == Counter(one["cardId"] for one in records)


def undisturbed(records: Iterable[Record]) -> set[str]:
    """Return the notification ids that judging these records in order gives, with both stages in turn."""
    chain = Chain(judges())
    told = [one for record in records for one in chain.take(checked(record)).told]
    assert any(isinstance(one.of, Sighting) for one in told), "the records must hold a surge"
    return {notification_id(one.of.transaction_id) for one in told}


def test_a_topic_made_anew_under_old_card_states_stops_the_worker_with_one_line(stack: Stack) -> None:
    count = produce(stack, stream(300, cards=20))
    worker = ready(stack)
    balanced(stack, count)
    worker.terminate()
    assert worker.wait(30) == 0
    remake(stack, TRANSACTIONS)
    again = stack.start("analyzer", "worker")
    assert again.wait(60) == 2
    assert "error: transactions, partition " in one_line_of(again)
    assert "delete analyzer-cards-changelog and reset the group" in one_line_of(again)


def test_a_newer_state_is_written_again_when_an_older_one_follows_it(stack: Stack) -> None:
    produce(stack, [record(transactionId=f"t-{n}", eventTime=NOON_MS + n) for n in range(3)])
    worker = ready(stack)
    balanced(stack, 3)
    worker.kill()
    newest = stack.records(CHANGELOG)[-1]
    older = record_of_nothing(stack)
    stack.produce(CHANGELOG, newest.key(), older, partition=newest.partition())
    ready(stack)
    assert [message.value() for message in stack.records(CHANGELOG)][-2:] == [older, newest.value()]


def record_of_nothing(stack: Stack) -> bytes:
    """Return the state of a card that nothing is known of."""
    encoder = Encoder.registered("card_state", CHANGELOG, stack.registry)
    return encoder.encode(state_record(CardWindow()))


def remake(stack: Stack, topic: str) -> None:
    admin = AdminClient(stack.kafka.librdkafka())
    admin.delete_topics([topic])[topic].result(PATIENCE * 30)
    wait_until(lambda: topic not in admin.list_topics(timeout=PATIENCE * 10).topics, 30, "the topic to be gone")
    topics.create(stack.kafka, {topic: topics.load()[topic]})


def notified(stack: Stack) -> set[str]:
    """Return the ids of the notifications."""
    decoder = Decoder(stack.registry)
    return {
        decoder.decode(message.value() or b"")["eventDetail"]["notificationId"]
        for message in stack.records(NOTIFICATIONS)
    }


def test_what_is_notified_after_a_crash_is_what_would_have_been_without(stack: Stack) -> None:
    count = produce(stack, stream(3_000, cards=40))
    worker = ready(stack)
    wait_until(lambda: metrics(worker)["flagged_total"] > 5, 60, "something flagged")
    worker.kill()
    ready(stack)
    balanced(stack, count)
    assert notified(stack) == undisturbed(stream(3_000, cards=40))


def test_two_workers_one_of_them_killed_notify_what_one_alone_in_order_would_have(stack: Stack) -> None:
    first = ready(stack)
    second = ready(stack)
    wait_until(lambda: 0 < shares(second, "terminals")[-1] < 12, 60, "the terminals to be shared")
    count = produce(stack, stream(2_500, cards=60))
    wait_until(lambda: metrics(first)["terminals_judged_total"] > 20, 60, "terminals to be judged")
    first.kill()
    found = balanced(stack, count)
    assert metrics(second)["terminals_judged_total"] > 0
    assert found.flagged_at_terminals > 0
    assert notified(stack) == undisturbed(stream(2_500, cards=60))


def test_each_stage_runs_in_a_process_of_its_own_too(stack: Stack) -> None:
    cards = stack.start("analyzer", "worker", "--stage", "cards", **RULES)
    terminals = stack.start("analyzer", "worker", ANALYZER_STAGE="terminals", **RULES)
    cards.until(lambda _: shares(cards, "cards"))
    terminals.until(lambda _: shares(terminals, "terminals"))
    count = produce(stack, stream(2_000, cards=40))
    assert balanced(stack, count).flagged_at_terminals > 0
    assert "terminals_judged_total" not in metrics(cards)
    assert "judged_total" not in metrics(terminals)
    assert notified(stack) == undisturbed(stream(2_000, cards=40))


def test_a_sighting_that_cannot_be_read_is_a_dead_letter_and_the_rest_is_judged(stack: Stack) -> None:
    stack.produce(SIGHTINGS, b"terminal-1", b"hello", partition=3)
    worker = ready(stack)
    wait_until(lambda: stack.records("sightings.dlq"), 60, "the dead letter")
    (letter,) = stack.records("sightings.dlq")
    assert origin(headers_of(letter)) == Origin(SIGHTINGS, 3, 0)  # counted before it was sent
    assert metrics(worker)["terminals_dead_letters_total"] == 1


def test_when_one_of_two_workers_is_killed_the_other_takes_over(stack: Stack) -> None:
    first = ready(stack)
    second = ready(stack)
    first.until(lambda _: len(shares(first, "cards")) >= 2)
    wait_until(lambda: 0 < shares(second, "cards")[-1] < 12, 60, "the cards to be shared")
    count = produce(stack, stream(2_000, cards=60))
    wait_until(lambda: metrics(first)["judged_total"] > 0 and metrics(second)["judged_total"] > 0, 30, "both at work")
    first.kill()
    count += produce(stack, stream(1_000, cards=60, seed=8, step_ms=60_000))
    found = balanced(stack, count)
    assert found.judged + found.late == count
    wait_until(well(second), 30, "the other to be well")


def test_sigterm_drains_and_a_restart_replays_nothing(stack: Stack) -> None:
    count = produce(stack, stream(3_000, cards=60))
    worker = ready(stack, ANALYZER_DRAIN_TIMEOUT_S="120")
    wait_until(lambda: metrics(worker)["judged_total"] > 500, 60, "work to stop it in")
    worker.terminate()
    assert worker.wait(30) == 0
    halfway = ledger(stack)
    assert 500 < halfway.accounted <= count
    again = ready(stack)
    balanced(stack, count)
    assert metrics(again)["replayed_total"] == 0
    assert metrics(again)["judged_total"] == count - halfway.accounted


def test_a_broker_that_hangs_for_some_seconds_costs_nothing(stack: Stack) -> None:
    count = produce(stack, stream(4_000, cards=60))
    worker = ready(stack)
    wait_until(lambda: metrics(worker)["judged_total"] > 300, 60, "work to interrupt")
    stack.broker.pause()
    Pause().until_seconds(4)
    stack.broker.resume()
    count += produce(stack, stream(500, cards=60, seed=8, step_ms=200_000))
    found = balanced(stack, count)
    assert found.judged + found.late == count


def test_a_broker_that_dies_stops_the_worker_with_one_line(stack: Stack) -> None:
    # Checkpoints so rare that results wait for one when the broker goes: without any it would be waited for.
    produce(stack, stream(8_000, cards=60))
    worker = ready(stack, ANALYZER_SEND_TIMEOUT_S="3", ANALYZER_CHECKPOINT_S="10")
    wait_until(judged_more_than(worker, 300), 60, "work to interrupt")
    stack.broker.kill()
    assert worker.wait(90) == 1
    assert one_line_of(worker).startswith("error: ")


class Pause:
    """Lets real time pass: what is tested is that it does."""

    def until_seconds(self, seconds: float) -> None:
        reader, writer = socket.socketpair()
        reader.settimeout(seconds)
        with reader, writer, pytest.raises(TimeoutError):
            reader.recv(1)


class Gate:
    """Passes connections on to an address, until it is shut and refuses them."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.open = True
        self.refused = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self.open:
                    self.refused += 1
                    client.close()
                    continue
                server = socket.create_connection(self.target)
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (data := one.recv(65_536)) and self.open:
                other.sendall(data)
        one.close()
        other.close()

    def close(self) -> None:
        self._listener.close()


def test_a_registry_that_is_away_in_the_middle_makes_records_wait_and_none_is_given_up(stack: Stack) -> None:
    with contextlib.closing(Gate(("127.0.0.1", stack.aws.port))) as gate:
        worker = ready(stack, AWS_ENDPOINT_URL=gate.url)
        gate.open = False
        count = produce(stack, stream(200, cards=10))
        wait_until(lambda: "waiting for the schema registry" in health(worker), 60, "the worker to wait")
        wait_until(lambda: gate.refused > 0, 60, "a new connection to be refused")
        assert ledger(stack).accounted == 0
        gate.open = True
        found = balanced(stack, count)
    assert (found.judged, found.dead) == (count, 0)


def one_line_of(service: RunningService) -> str:
    lines = [line for line in service.log.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, service.log
    return lines[0]


def test_a_registry_that_is_away_at_the_start_is_named_in_one_line(stack: Stack) -> None:
    worker = stack.start("analyzer", "worker", AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}")
    assert worker.wait(60) == 1
    assert "error: the Glue schema registry can't be reached" in one_line_of(worker)


def test_schemas_that_are_not_registered_are_named_in_one_line(stack: Stack) -> None:
    stack.aws.reset()
    worker = stack.start("analyzer", "worker")
    assert worker.wait(60) == 2
    assert "run `python -m schemas register`" in one_line_of(worker)


def test_topics_that_do_not_exist_or_do_not_match_are_named_in_one_line(stack: Stack) -> None:
    other = make_broker(stack.folder / "other")
    other.start()
    try:
        kafka = KafkaSettings(bootstrap_servers=other.bootstrap_servers)
        missing = stack.start("analyzer", "worker", KAFKA_BOOTSTRAP_SERVERS=other.bootstrap_servers)
        assert missing.wait(60) == 2
        assert "transactions.dlq does not exist: run `python -m schemas topics`" in one_line_of(missing)
        wanted = topics.load()
        topics.create(kafka, {CHANGELOG: wanted.pop(CHANGELOG)}, partitions=3)
        topics.create(kafka, wanted, partitions=4)
        mismatched = stack.start("analyzer", "worker", KAFKA_BOOTSTRAP_SERVERS=other.bootstrap_servers)
        assert mismatched.wait(60) == 2
        assert "transactions has 4 partitions and analyzer-cards-changelog has 3" in one_line_of(mismatched)
    finally:
        other.stop()


def test_a_broker_that_is_away_at_the_start_is_named_in_one_line(stack: Stack) -> None:
    address = f"127.0.0.1:{free_port()}"
    worker = stack.start("analyzer", "worker", KAFKA_BOOTSTRAP_SERVERS=address, KAFKA_CONNECT_TIMEOUT_S="1")
    assert worker.wait(60) == 1
    assert f"error: no Kafka broker answers at {address}" in one_line_of(worker)


@pytest.mark.parametrize(
    ("name", "value"), [("ANALYZER_ALERT_THRESHOLD", "high"), ("OPS_PORT", "123456"), ("LOG_LEVEL", "loud")]
)
def test_a_malformed_setting_is_named_in_one_line(stack: Stack, name: str, value: str) -> None:
    worker = stack.start("analyzer", "worker", **{name: value})
    assert worker.wait(60) == 2
    assert name in one_line_of(worker)


def test_a_port_that_is_taken_is_named_in_one_line(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        worker = stack.start("analyzer", "worker", OPS_PORT=str(taken.getsockname()[1]))
        assert worker.wait(60) == 2
    assert "OPS_PORT" in one_line_of(worker)

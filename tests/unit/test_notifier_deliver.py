from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from botocore.session import Session
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from notifier.backlog import Backlog, Job
from notifier.calls import Calls, Undertaker
from notifier.dead_letter import FakeDeadLetters
from notifier.deliver import Backoff, Delivery, Outcome, StoppedError, Waiting, Watch
from notifier.envelope import Entry, Record
from notifier.metrics import Metrics
from notifier.pace import Pace
from notifier.sinks.base import Accepted, CallRefusedError, Refused, Result, ThrottledError
from notifier.sinks.eventbridge import EventBridgeSink
from notifier.sinks.fake import Answer, FakeSink
from schemas.errors import BadRecordError, UnavailableError, UserError
from tests.harness import PATIENCE

AWAY = UnavailableError("away")
TOO_LARGE = CallRefusedError("HTTP 413")


def entries(count: int) -> list[Entry]:
    return [Entry("s", "t", str(n)) for n in range(count)]


class Clock:
    """Waits without waiting, and remembers; stops the worker after `most` waits."""

    def __init__(self, most: int = 10_000) -> None:
        self.waits: list[float] = []
        self.most = most

    def waiting(self) -> Waiting:
        return Waiting(Backoff(base_s=1, cap_s=8), self.pause, draw=lambda most: most)

    def pause(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return len(self.waits) <= self.most


def delivered(sink: FakeSink, count: int, clock: Clock | None = None) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    delivery = Delivery(sink, (clock or Clock()).waiting(), Watch())
    delivery.deliver(entries(count), outcomes.update)
    return outcomes


def put(sink: FakeSink) -> list[str]:
    return ["".join(entry.detail for entry in call) for call in sink.calls]


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure", "InternalException"])
def test_an_entry_refused_for_now_is_put_again_without_the_others(code: str) -> None:
    sink = FakeSink([[Accepted("a"), Refused(code, ""), Accepted("b")]])
    outcomes = delivered(sink, 3)
    assert put(sink) == ["012", "1"]
    assert all(isinstance(outcome, Accepted) for outcome in outcomes.values())


@pytest.mark.parametrize("code", ["MalformedDetail", "InvalidArgument", "NotAuthorizedForSourceException", "no code"])
def test_an_entry_refused_for_another_reason_becomes_a_dead_letter_at_once(code: str) -> None:
    sink = FakeSink([[Refused(code, "why"), Accepted("a")]])
    outcomes = delivered(sink, 2)
    bad = outcomes[0]
    assert isinstance(bad, BadRecordError)
    assert (bad.reason, bad.stage) == (f"refused as {code}: why", "TASK_PUT")
    assert put(sink) == ["01"]


def test_a_failing_call_is_repeated_with_growing_capped_waits() -> None:
    sink, clock = FakeSink([AWAY] * 6), Clock()
    assert isinstance(delivered(sink, 1, clock)[0], Accepted)
    assert clock.waits == [1, 2, 4, 8, 8, 8]


def test_waits_begin_anew_after_progress() -> None:
    throttled: list[Result] = [Accepted("a"), Refused("ThrottlingException", "")]
    sink, clock = FakeSink([AWAY, AWAY, throttled]), Clock()
    delivered(sink, 2, clock)
    assert clock.waits == [1, 2, 1]


def test_a_worker_that_stops_leaves_its_entries_unsettled() -> None:
    sink = FakeSink([[Accepted("a"), Refused("ThrottlingException", "")], AWAY, AWAY, AWAY])
    outcomes: dict[int, Outcome] = {}
    delivery = Delivery(sink, Clock(most=2).waiting(), Watch())
    with pytest.raises(StoppedError):
        delivery.deliver(entries(2), outcomes.update)
    assert list(outcomes) == [0]


def test_a_call_that_is_too_large_is_split_and_only_the_entry_to_blame_is_given_up() -> None:
    sink = FakeSink([TOO_LARGE, None, TOO_LARGE, None])
    outcomes = delivered(sink, 3)
    assert put(sink) == ["012", "0", "1", "2"]
    assert [type(outcomes[index]) for index in range(3)] == [Accepted, CallRefusedError, Accepted]


def test_refused_credentials_end_the_delivery() -> None:
    with pytest.raises(UserError, match="credentials"):
        delivered(FakeSink([UserError("credentials")]), 1)


ANSWERS = st.lists(st.sampled_from([AWAY, TOO_LARGE, None, "partly"]), max_size=8)


@given(ANSWERS, st.integers(1, 6))
def test_every_entry_is_settled_exactly_once_whatever_the_sink_answers(answers: list[Any], count: int) -> None:
    class Moody(FakeSink):
        def put(self, entries: Sequence[Entry]) -> list[Result]:
            if answers and answers[0] == "partly":
                answers.pop(0)
                return [Refused(("ThrottlingException", "MalformedDetail")[n % 2], "") for n, _ in enumerate(entries)]
            self._answers: list[Answer] = [answers.pop(0)] if answers else []
            return super().put(entries)

    settled: list[tuple[int, Outcome]] = []
    Delivery(Moody(), Clock().waiting(), Watch()).deliver(entries(count), settled.extend)
    assert sorted(index for index, _ in settled) == list(range(count))


@given(st.integers(0, 10_000))
def test_a_wait_never_passes_the_cap(attempt: int) -> None:
    assert 0 < Backoff(0.1, 20).limit_s(attempt) <= 20


class Client:
    """What the sink needs of a boto3 client: one answer."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.request: dict[str, Any] = {}

    def put_events(self, **request: Any) -> dict[str, Any]:
        self.request = request
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    describe_event_bus = put_events


def failed(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutEvents")


def eventbridge(answer: dict[str, Any] | Exception) -> EventBridgeSink:
    client: Any = Client(answer)
    return EventBridgeSink(client, "cardwatch")


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (failed("InternalFailure", 500), UnavailableError),
        (failed("ServiceUnavailable", 503), UnavailableError),
        (failed("502", 502), UnavailableError),
        (failed("ThrottlingException", 400), ThrottledError),
        (failed("TooManyRequestsException", 400), ThrottledError),
        (failed("429", 429), ThrottledError),
        (EndpointConnectionError(endpoint_url="http://x"), UnavailableError),
        (failed("RequestEntityTooLarge", 413), CallRefusedError),
        (failed("413", 413), CallRefusedError),
        (failed("ValidationException", 400), CallRefusedError),
        (failed("AccessDeniedException", 400), UserError),
        (failed("UnrecognizedClientException", 400), UserError),
        (failed("InvalidSignatureException", 403), UserError),
        (failed("ResourceNotFoundException", 400), UserError),
        (failed("UnknownOperationException", 400), UserError),
        (NoCredentialsError(), UserError),
    ],
    ids=str,
)
def test_a_failed_call_is_told_apart_by_its_cause(error: Exception, becomes: type[Exception]) -> None:
    with pytest.raises(becomes):
        eventbridge(error).put(entries(1))


def test_a_bus_that_may_not_be_described_is_tried_all_the_same_and_a_missing_one_is_not() -> None:
    eventbridge(failed("AccessDeniedException", 400)).check()
    with pytest.raises(UserError, match="event bus 'cardwatch' does not exist"):
        eventbridge(failed("ResourceNotFoundException", 400)).check()


def test_what_is_put_passes_the_check_of_parameters_that_boto3_is_spared() -> None:
    client: Any = Client({"Entries": [{"EventId": "1"}, {"EventId": "2"}]})
    EventBridgeSink(client, "cardwatch").put([Entry("s", "t", "{}"), Entry("kafka-connect.x", "d", "\x00é" * 1000)])
    shape = Session().get_service_model("events").operation_model("PutEvents").input_shape
    assert shape is not None
    assert not ParamValidator().validate(client.request, shape).has_errors()


def test_results_stand_for_the_entries_in_order() -> None:
    answer = {"Entries": [{"EventId": "1"}, {"ErrorCode": "InternalFailure", "ErrorMessage": "m"}, {"ErrorCode": "X"}]}
    assert eventbridge(answer).put(entries(3)) == [Accepted("1"), Refused("InternalFailure", "m"), Refused("X", "")]
    with pytest.raises(UnavailableError):
        eventbridge(answer).put(entries(2))


def undertaker(letters: FakeDeadLetters, most: int = 100) -> Undertaker:
    return Undertaker(letters, most, Metrics(CollectorRegistry(), clock=lambda: 0.0))


def test_calls_keep_a_dead_letter_before_they_call_its_record_done() -> None:
    letters, finished = FakeDeadLetters(away=2), list[Job]()
    backlog = Backlog(max_jobs=10, max_bytes=1000)
    clock = Clock()
    calls = Calls(
        sink=FakeSink([[Refused("MalformedDetail", "")]]),
        backlog=backlog,
        undertaker=undertaker(letters),
        waiting=clock.waiting(),
        metrics=Metrics(CollectorRegistry(), clock=lambda: 0.0),
        finished=lambda jobs: finished.extend(jobs) if letters.put_away else None,
        pace=Pace(1),
    )
    job = Job(Record("t", 0, 1), entries(1)[0])
    backlog.put([job])
    calls.start(1)
    assert backlog.wait_called({("t", 0)}, timeout_s=PATIENCE * 10)
    calls.stop(timeout_s=PATIENCE * 10)
    assert [record for record, _ in letters.put_away] == [job.record]
    assert clock.waits == [1, 2]
    assert calls.failure is None


def test_too_many_dead_letters_in_a_row_stop_the_worker_and_one_good_record_starts_the_count_anew() -> None:
    one = undertaker(FakeDeadLetters(), most=2)
    bad = BadRecordError("nonsense")
    one.bury(Record("t", 0, 1), bad)
    one.relieved()
    one.bury(Record("t", 0, 2), bad)
    one.check()
    one.bury(Record("t", 0, 3), bad)
    with pytest.raises(UserError, match="2 records in a row became dead letters, the last because: nonsense"):
        one.check()


def test_a_sink_that_fails_for_long_is_known() -> None:
    now = 100.0
    metrics = Metrics(CollectorRegistry(), clock=lambda: now)
    assert metrics.failing_s() == 0
    metrics.retried(1, "away")
    now = 130.0
    metrics.retried(1, "away")
    assert metrics.failing_s() == 30
    metrics.answered(1)
    assert metrics.failing_s() == 0

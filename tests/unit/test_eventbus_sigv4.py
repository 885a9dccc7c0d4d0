"""Signature Version 4: what AWS publishes as examples, and each way to get it wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from eventbus.api import sigv4
from eventbus.api.errors import ApiError

KEY = sigv4.Key("workshop", "a secret")
OTHER = sigv4.Key("another", "another secret")


def signed(body: bytes = b"{}", key: sigv4.Key = KEY, service: str = "events") -> sigv4.Request:
    """Return a request as boto3 signs it, now."""
    headers = {"Host": "127.0.0.1:4010", "X-Amz-Target": "AWSEvents.ListRules", "User-Agent": "test"}
    request = AWSRequest(method="POST", url="http://127.0.0.1:4010/", data=body, headers=headers)
    SigV4Auth(Credentials(key.id, key.secret), service, "eu-central-1").add_auth(request)
    return sigv4.Request("POST", "/", "", [(name.lower(), value) for name, value in request.headers.items()], body)


def now() -> datetime:
    return datetime.now(UTC)


def with_header(request: sigv4.Request, name: str, change: Callable[[str], str]) -> sigv4.Request:
    headers = [(found, change(value) if found == name else value) for found, value in request.headers]
    return replace(request, headers=headers)


def refused(request: sigv4.Request, at: datetime | None = None) -> ApiError:
    with pytest.raises(ApiError) as caught:
        sigv4.verify(request, [KEY], at or now())
    return caught.value


def test_a_request_that_boto3_signed_is_accepted() -> None:
    sigv4.verify(signed(), [OTHER, KEY], now())


@pytest.mark.parametrize("spaces", ["two  spaces ", "one"])
def test_aws_own_example_is_accepted(monkeypatch: pytest.MonkeyPatch, spaces: str) -> None:
    # Source: AWS Signature Version 4 test suite, post-vanilla; key, date and signature are those of its files.
    key = sigv4.Key("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    monkeypatch.setattr(sigv4, "SERVICE", "service")
    monkeypatch.setattr(sigv4, "REQUIRED", ("host", "x-amz-date"))
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )
    headers = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z"), ("my-header", spaces)]
    request = sigv4.Request("POST", "/", "", [*headers, ("authorization", authorization)], b"")
    sigv4.verify(request, [key], datetime(2015, 8, 30, 12, 36, tzinfo=UTC))


def test_an_unsigned_request_is_refused() -> None:
    assert refused(replace(signed(), headers=[])).code == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer x",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/20260101/r/events/aws4_request",
        "AWS4-HMAC-SHA256 ,,=",
    ],
)
def test_an_authorization_that_lacks_a_part_is_incomplete(authorization: str) -> None:
    assert refused(with_header(signed(), "authorization", lambda _: authorization)).code == "IncompleteSignature"


def test_an_unknown_key_is_not_recognised() -> None:
    assert refused(signed(key=OTHER)).code == "UnrecognizedClientException"


def test_a_wrong_secret_does_not_match() -> None:
    error = refused(signed(key=sigv4.Key(KEY.id, "guess")))
    assert error.code == "InvalidSignatureException"
    assert "does not match" in error.message


@pytest.mark.parametrize(
    "changed",
    [
        lambda request: replace(request, body=b'{"Limit": 1}'),
        lambda request: replace(request, method="GET"),
        lambda request: replace(request, path="/other"),
        lambda request: replace(request, query="a=b"),
        lambda request: with_header(request, "x-amz-target", lambda _: "AWSEvents.DeleteRule"),
        lambda request: with_header(request, "host", lambda _: "elsewhere"),
        lambda request: replace(request, headers=[*request.headers, ("x-amz-target", "AWSEvents.DeleteRule")]),
        lambda request: replace(request, headers=[*request.headers, ("x-amz-content-sha256", "0" * 64)]),
    ],
)
def test_what_is_changed_on_the_way_is_noticed(changed: Callable[[sigv4.Request], sigv4.Request]) -> None:
    assert refused(changed(signed())).code == "InvalidSignatureException"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_request_older_or_newer_than_five_minutes_is_refused(minutes: int) -> None:
    error = refused(signed(), now() + timedelta(minutes=minutes))
    assert error.code == "InvalidSignatureException"
    assert "5 min" in error.message


def test_a_signature_for_another_service_is_refused() -> None:
    assert "correct service" in refused(signed(service="sqs")).message


def test_the_target_must_be_signed() -> None:
    request = signed()
    without = with_header(request, "authorization", lambda value: value.replace(";x-amz-target", ""))
    assert "'x-amz-target' must be a 'SignedHeader'" in refused(without).message


def test_account_and_region_are_read_from_the_credential() -> None:
    said = sigv4.read(signed(key=sigv4.Key("210987654321", "x")).header("authorization"))
    assert said is not None
    assert (said.key_id, said.region, said.service) == ("210987654321", "eu-central-1", "events")

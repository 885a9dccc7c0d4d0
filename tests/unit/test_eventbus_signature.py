"""Our signature is botocore's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus.targets.signature import Scope, signed

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)


@settings(max_examples=50)
@given(
    body=st.binary(max_size=200),
    secret=PRINTABLE,
    token=st.none() | PRINTABLE,
    more=st.dictionaries(st.sampled_from(["content-type", "x-amz-target", "accept-encoding"]), PRINTABLE),
    host=st.sampled_from(["sqs.eu-central-1.amazonaws.com", "127.0.0.1:4566", "[::1]:4566"]),
    path=st.sampled_from(["/", "/prefix/"]),
)
def test_a_signature_is_the_one_that_botocore_makes(  # noqa: PLR0917 - what a signature is made of
    body: bytes, secret: str, token: str | None, more: dict[str, str], host: str, path: str
) -> None:
    credentials: Any = ReadOnlyCredentials("some-key-id", secret, token)
    said = signed(credentials, Scope("sqs", "eu-central-1", host, path), more, body, NOW)

    request = AWSRequest("POST", f"http://{host}{path}", headers=more, data=body)
    request.context["timestamp"] = said["x-amz-date"]
    signer: Any = SigV4Auth(credentials, "sqs", "eu-central-1")
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))

    assert said["authorization"] == request.headers["Authorization"]
    assert said.get("x-amz-security-token") == token
    assert said["x-amz-date"] == "20260203T040506Z"

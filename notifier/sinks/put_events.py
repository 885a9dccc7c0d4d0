"""PutEvents without boto3's machinery: the same request in a seventh of the CPU time.

boto3 validates, resolves the endpoint, builds headers and derives a key anew for every call, which costs more than all
else that the notifier does for ten entries. Where to, who signs and what errors mean still comes from botocore; the
tests hold body and signature equal to its own.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError, HTTPClientError, NoCredentialsError
from botocore.exceptions import ConnectionError as NotConnectedError
from botocore.httpsession import where
from botocore.parsers import create_parser
from botocore.session import Session
from botocore.utils import get_environ_proxies

from notifier.sinks.http1 import Address, Answer, Connections
from notifier.sinks.sigv4 import Keys, Signer
from schemas.errors import UserError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

_PORTS: Final = {"http": 80, "https": 443}
Put = Callable[..., Any]
"""Called as boto3's method is, with `Entries`; answers and raises as it does."""


class DirectPut:
    """Called as the client's own method."""

    def __init__(self, client: EventBridgeClient, keys: Callable[[], Keys], context: ssl.SSLContext) -> None:
        """Reach what `client` would reach.

        Args:
            client: of boto3, for `events`.
            keys: returns the credentials of now.
            context: how a certificate is checked.
        """
        url, model, config = urlsplit(client.meta.endpoint_url), client.meta.service_model, _config(client)
        operation = model.operation_model("PutEvents")
        port = _PORTS[url.scheme]
        self._keys = keys
        self._connections = Connections(
            Address(url.hostname or "", url.port or port, context if url.scheme == "https" else None)
        )
        self._signer = Signer(model.signing_name, client.meta.region_name)
        self._parse = create_parser(model.resolved_protocol).parse
        self._shape: Any = operation.output_shape
        self._headers = {
            "host": url.netloc.removesuffix(f":{port}"),
            "content-type": f"application/x-amz-json-{model.metadata['jsonVersion']}",
            "x-amz-target": f"{model.metadata['targetPrefix']}.{operation.name}",
            "user-agent": config.user_agent,
        }

    def __call__(self, **request: Any) -> Any:
        """Put entries; see `put_events` of boto3.

        Raises:
            ClientError: the service refuses.
            BotoCoreError: it can't be reached, or there are no credentials.
        """
        body = json.dumps(request).encode()
        try:
            answer = self._connections.exchange(self._request(body))
        except OSError as error:
            raise NotConnectedError(error=error) from error
        if answer.status != HTTPStatus.OK:
            raise ClientError(self._parsed(answer), "PutEvents")
        try:
            return {"Entries": json.loads(answer.body)["Entries"]}
        except (ValueError, KeyError, TypeError) as error:
            raise HTTPClientError(error=f"an answer that is not of PutEvents ({type(error).__name__})") from error

    def _request(self, body: bytes) -> bytes:
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = self._signer.headers(self._keys(), at, self._headers, body)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body

    def _parsed(self, answer: Answer) -> Any:
        return self._parse({"status_code": answer.status, "headers": answer.headers, "body": answer.body}, self._shape)


def put_of(client: EventBridgeClient) -> Put | None:
    """Return the direct way to what `client` reaches; None where only boto3 knows the way, as through a proxy.

    Raises:
        UserError: the certificates to trust can't be read.
    """
    meta, url, config = client.meta, urlsplit(client.meta.endpoint_url), _config(client)
    plain = meta.service_model.resolved_protocol == "json" and config.signature_version == "v4"
    proxied = config.proxies or get_environ_proxies(meta.endpoint_url).keys() & {url.scheme, "all"}
    if not plain or proxied or url.path not in {"", "/"} or url.query or url.username:
        return None
    session = Session()
    bundle = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or where()
    try:
        if Path(bundle).is_dir():
            context = ssl.create_default_context(capath=bundle)
        else:
            context = ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise UserError(f"the certificates in {bundle} can't be read: {error}; check AWS_CA_BUNDLE") from None
    return DirectPut(client, _keys_of(session), context)


def _config(client: EventBridgeClient) -> Any:
    return client.meta.config  # its attributes are set as it is made, which its type doesn't tell


def _keys_of(session: Session) -> Callable[[], Keys]:
    lock = Lock()

    def keys() -> Keys:
        with lock:  # several threads ask at once; the session looks for credentials at the first time only
            found: Any = session.get_credentials()
        if found is None:
            raise NoCredentialsError
        now = found.get_frozen_credentials()  # temporary ones are renewed before they end
        return Keys(now.access_key, now.secret_key, now.token)

    return keys

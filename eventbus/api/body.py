"""Reads a request's body: within a time, within a size, and within what all requests together may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from eventbus.api.errors import ApiError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_DRAINED: Final = 16
"""A body so many times too large is read to its end, so that the client gets to read the refusal."""


class DisconnectedError(Exception):
    """The client went away: nobody waits for an answer."""


class BodyReader:
    """Reads bodies. One for all requests."""

    def __init__(self, max_bytes: int, timeout_s: float, max_bytes_in_all: int) -> None:
        """Take the limits: bytes of one body, seconds for it, bytes of all bodies that are being read."""
        self._max_bytes, self._timeout_s, self._max_bytes_in_all = max_bytes, timeout_s, max_bytes_in_all
        self._held = 0

    async def read(self, receive: Receive) -> bytes:
        """Return the whole body.

        Raises:
            ApiError: too large, too slow, or too many others at once.
            DisconnectedError: the client is gone.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                message = await receive()
                if message["type"] == "http.request" and not message.get("more_body", False):
                    return self._small_enough(message.get("body", b""))
                return await self._in_parts(receive, message)
        except TimeoutError:
            message_text = f"The request's body took longer than {self._timeout_s:g} s."
            raise ApiError("RequestTimeoutException", message_text, 408) from None

    def _small_enough(self, body: bytes) -> bytes:
        if len(body) > self._max_bytes:
            raise self._too_large()
        return body

    async def _in_parts(self, receive: Receive, message: MutableMapping[str, Any]) -> bytes:
        body = bytearray()
        held = size = 0
        try:
            while True:
                if message["type"] != "http.request":
                    raise DisconnectedError
                part = message.get("body", b"")
                size += len(part)
                if size <= self._max_bytes:
                    body += part
                    held += len(part)
                    self._hold(len(part))
                elif size > _DRAINED * self._max_bytes:
                    raise self._too_large()
                if not message.get("more_body", False):
                    break
                message = await receive()
        finally:
            self._held -= held
        if size > self._max_bytes:
            raise self._too_large()
        return bytes(body)

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > self._max_bytes_in_all:
            raise ApiError("ThrottlingException", "Too many large requests at once: try again.", 503)

    def _too_large(self) -> ApiError:
        return ApiError("RequestEntityTooLarge", f"The request's body is larger than {self._max_bytes} bytes.", 413)

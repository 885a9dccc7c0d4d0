"""Which addresses of HTTP endpoints can be called. Pure."""

from __future__ import annotations

from yarl import URL


def problem(url: str) -> str | None:
    """Return why nothing can be sent to an address, or None; `*` stands for what comes from the event."""
    try:
        found = URL(url, encoded=True)
        host, _ = found.host, found.port
    except ValueError:
        return "It is no URL."
    if found.scheme not in {"http", "https"} or not host:
        return "It must begin with https:// or http:// and name a host."
    if "*" in found.authority:
        return "The host must be the same for all events: * is for the path and the query."
    return None

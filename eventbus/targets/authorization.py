"""How a connection proves to an HTTP endpoint who calls."""

from __future__ import annotations

import base64

from eventbus.model import Connection


def headers(connection: Connection) -> dict[str, str]:
    """Return the headers of a connection's own secrets; for OAuth there are none, its token comes later."""
    if connection.kind == "API_KEY":
        key = connection.auth["ApiKeyAuthParameters"]
        return {key["ApiKeyName"]: key["ApiKeyValue"]}
    if connection.kind == "BASIC":
        basic = connection.auth["BasicAuthParameters"]
        credentials = f"{basic['Username']}:{basic['Password']}".encode()
        return {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
    return {}

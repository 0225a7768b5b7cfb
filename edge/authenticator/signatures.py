"""How a callback of this surface is signed: by the vendor's headers, and by those of Standard Webhooks besides."""

import re
from base64 import b64encode
from collections.abc import Sequence
from email.utils import formatdate
from hashlib import sha256

import idna

from edge.courier.signing import SigningKey, webhook_headers

_SIGNER = "authenticator"
_ALGORITHM = "ecdsa-sha256"
_PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^\x00-\x20\x7f/?#@:\\]+)(:(?P<port>[0-9]{1,5}))?"
    r"(?P<target>[/?][!\"$-~]*)?(#[!-~]*)?",
    re.IGNORECASE | re.ASCII,
)


def sign(
    callback_url: str, body: bytes, *, message_id: str, now_s: float, key: SigningKey, secrets: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """All headers of a callback but those that any request has: `Host`, `Content-Length`.

    To be made anew for each attempt: receivers refuse old ones. The message's id stays.

    Raises:
        ValueError: no http or https URL, in ASCII but for its host; or a malformed secret. Neither is repeated.
    """
    host, target = _place(callback_url)
    fields = {
        "(request-target)": f"post {target}",
        "host": host,
        "date": formatdate(now_s, usegmt=True),
        "x-tru-callback": _SIGNER,
        "digest": "SHA-256=" + b64encode(sha256(body).digest()).decode(),
    }
    return (
        ("Content-Type", "application/json"),
        ("Date", fields["date"]),
        ("digest", fields["digest"]),
        ("x-tru-callback", _SIGNER),
        ("Authorization", _authorization(fields, key)),
        *webhook_headers(body, message_id=message_id, now_s=now_s, secrets=secrets),
    )


def _authorization(fields: dict[str, str], key: SigningKey) -> str:
    """The signature over fields of a request, in their order (draft-cavage-http-signatures-10 2, 3.1)."""
    content = "\n".join(f"{name}: {value}" for name, value in fields.items())
    signature = b64encode(key.sign(content.encode())).decode()
    parameters = {
        "keyId": key.id,
        "algorithm": _ALGORITHM,
        "headers": " ".join(fields),
        "signature": signature,
    }
    return "Signature " + ",".join(f'{name}="{value}"' for name, value in parameters.items())


def _place(url: str) -> tuple[str, str]:
    """The `Host` header and the request target that a request to a URL has."""
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("no URL of a callback")
    host, target = match["host"].lower(), match["target"] or "/"
    if not host.isascii():
        host = idna.encode(host).decode()
    default = _PORTS[match["scheme"].lower()]
    port = int(match["port"] or default)
    return (
        host if port == default else f"{host}:{port}",
        target if target.startswith("/") else f"/{target}",
    )

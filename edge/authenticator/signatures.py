"""How a callback of this surface is signed: by the vendor's headers, and by those of Standard Webhooks besides."""

from base64 import b64encode
from collections.abc import Sequence
from email.utils import formatdate
from hashlib import sha256

from edge.courier.signing import SigningKey, webhook_headers
from edge.courier.target import Target

_SIGNER = "authenticator"
_ALGORITHM = "ecdsa-sha256"


def sign(
    target: Target, body: bytes, *, message_id: str, now_s: float, key: SigningKey, secrets: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """All headers of a callback but those that any request has: `Host`, `Content-Length`.

    To be made anew for each attempt: receivers refuse old ones. The message's id stays.

    Raises:
        ValueError: a malformed secret, which is not repeated.
    """
    fields = {
        "(request-target)": f"post {target.path}",
        "host": target.host,
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

"""What callbacks are signed with, whoever's dialect they speak: ECDSA keys, and Standard Webhooks 1.0.0."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Self

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from standardwebhooks import Webhook

_COORDINATE_BYTES = 32
_SECRET_PREFIX = "whsec_"  # noqa: S105  # what a secret begins with
_MIN_SECRET_BYTES, _MAX_SECRET_BYTES = 24, 64  # Standard Webhooks, "Signature scheme"


class PublicJwk(msgspec.Struct, frozen=True, kw_only=True):
    """A public key as JWKS documents have it (RFC 7517, RFC 7518 6.2)."""

    kty: str = "EC"
    crv: str = "P-256"
    x: str
    y: str
    kid: str
    use: str = "sig"
    alg: str = "ES256"


class SigningKey:
    """A private key on P-256. Its id is its thumbprint (RFC 7638), which anybody finds who has its public part."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        point = private.public_key().public_numbers()
        x, y = (_text(part.to_bytes(_COORDINATE_BYTES, "big")) for part in (point.x, point.y))
        self.id = _text(sha256(f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.encode()).digest())
        self.public_jwk = PublicJwk(x=x, y=y, kid=self.id)

    @classmethod
    def load(cls, der: bytes) -> Self:
        """Read what `new_key` made.

        Raises:
            ValueError: no private key in PKCS #8, or one on another curve.
        """
        try:
            private = serialization.load_der_private_key(der, password=None)
        except (TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
            raise ValueError("no private key that can be used") from error
        if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
            raise ValueError("no private key on P-256")  # noqa: TRY004  # the bytes are wrong, not their type
        return cls(private)

    def sign(self, content: bytes) -> bytes:
        """An ECDSA signature with SHA-256, in DER (RFC 3279 2.2.3)."""
        return self._private.sign(content, ec.ECDSA(SHA256()))


def new_key() -> bytes:
    """A new private key: PKCS #8 in DER. To be sealed wherever it is kept."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def webhook_headers(
    body: bytes, *, message_id: str, now_s: float, secrets: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """The headers of Standard Webhooks, with a signature for each secret: while secrets rotate there are two.

    Args:
        body: text in UTF-8.
        message_id: the same whenever the message is sent again.

    Raises:
        ValueError: a secret is not `whsec_` and the base64 of 24 to 64 bytes. The sentence does not repeat it.
    """
    sent = datetime.fromtimestamp(int(now_s), UTC)
    content = body.decode()
    signatures = [Webhook(_secret(secret)).sign(message_id, sent, content) for secret in secrets]
    return (
        ("webhook-id", message_id),
        ("webhook-timestamp", str(int(now_s))),
        ("webhook-signature", " ".join(signatures)),
    )


def _secret(text: str) -> bytes:
    encoded = text.removeprefix(_SECRET_PREFIX)
    try:
        secret = b64decode(encoded, validate=True)
    except ValueError:
        secret = b""
    if encoded == text or not _MIN_SECRET_BYTES <= len(secret) <= _MAX_SECRET_BYTES:
        raise ValueError("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")
    return secret


def _text(content: bytes) -> str:
    """Base64url without padding (RFC 7515 2)."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()

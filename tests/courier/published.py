"""Public keys as receivers get to know them: from a JWKS document."""

from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from edge.courier.signing import PublicJwk


def public_key(jwk: "PublicJwk") -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicNumbers(number(jwk.x), number(jwk.y), ec.SECP256R1()).public_key()


def number(text: str) -> int:
    """An integer of 32 bytes in base64url without padding."""
    return int.from_bytes(urlsafe_b64decode(text + "="), "big")

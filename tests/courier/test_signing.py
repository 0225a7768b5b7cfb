"""Signing: what is signed can be verified by whoever has the public key or the secret, and by nobody else."""

import hmac
import time
from base64 import b64decode, b64encode, urlsafe_b64decode
from hashlib import sha256

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from standardwebhooks import Webhook, WebhookVerificationError

from edge.courier.signing import PublicJwk, SigningKey, new_key, webhook_headers
from engine.callback_secrets import new_secret
from tests.courier.published import number, public_key

BODY = b'{"challenge_id":"c","status":"VERIFIED"}'

# The key of RFC 7517 A.2, and its thumbprint.
KNOWN_D = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"
KNOWN_JWK = PublicJwk(
    x="MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    y="4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    kid="cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",
)


def test_a_key_is_published_as_the_standard_has_it() -> None:
    key = SigningKey(ec.derive_private_key(number(KNOWN_D), ec.SECP256R1()))

    assert key.public_jwk == KNOWN_JWK
    assert key.id == KNOWN_JWK.kid
    assert msgspec.json.decode(msgspec.json.encode(key.public_jwk)) == {
        "kty": "EC",
        "crv": "P-256",
        "x": KNOWN_JWK.x,
        "y": KNOWN_JWK.y,
        "kid": KNOWN_JWK.kid,
        "use": "sig",
        "alg": "ES256",
    }


@pytest.mark.parametrize("d", [1, 38, 143, 2**255])
def test_coordinates_keep_their_leading_zeros(d: int) -> None:
    jwk = SigningKey(ec.derive_private_key(d, ec.SECP256R1())).public_jwk

    assert len(urlsafe_b64decode(jwk.x + "=")) == len(urlsafe_b64decode(jwk.y + "=")) == 32
    assert (
        public_key(jwk).public_numbers() == ec.derive_private_key(d, ec.SECP256R1()).public_key().public_numbers()
    )


def test_what_a_loaded_key_signs_its_public_part_verifies() -> None:
    der = new_key()
    key, again = SigningKey.load(der), SigningKey.load(der)

    assert again.public_jwk == key.public_jwk
    public_key(again.public_jwk).verify(key.sign(BODY), BODY, ec.ECDSA(SHA256()))


def test_nothing_else_verifies() -> None:
    key, other = SigningKey.load(new_key()), SigningKey.load(new_key())
    signature = key.sign(BODY)

    assert key.id != other.id
    for verifier, content in ((other, BODY), (key, BODY + b" ")):
        with pytest.raises(InvalidSignature):
            public_key(verifier.public_jwk).verify(signature, content, ec.ECDSA(SHA256()))


def test_a_printed_key_does_not_show_itself() -> None:
    key = SigningKey.load(new_key())
    assert key.id not in repr(key)


FORM = (Encoding.DER, PrivateFormat.PKCS8)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"no key",
        new_key()[:-1],
        ec.generate_private_key(ec.SECP384R1()).private_bytes(*FORM, NoEncryption()),
        ed25519.Ed25519PrivateKey.generate().private_bytes(*FORM, NoEncryption()),
        rsa.generate_private_key(65537, 2048).private_bytes(*FORM, NoEncryption()),
        ec.generate_private_key(ec.SECP256R1()).private_bytes(*FORM, BestAvailableEncryption(b"x")),
    ],
    ids=["empty", "text", "truncated", "P-384", "Ed25519", "RSA", "encrypted"],
)
def test_another_key_is_refused(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        SigningKey.load(der)


def headers(*secrets: str, now_s: float | None = None, body: bytes = BODY) -> dict[str, str]:
    return dict(
        webhook_headers(
            body, message_id="msg_1", now_s=time.time() if now_s is None else now_s, secrets=list(secrets)
        )
    )


def test_a_webhook_is_signed_as_the_standard_has_it() -> None:
    # From the standard's own libraries.
    assert webhook_headers(
        b'{"test": 2432232314}',
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        now_s=1614265330,
        secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ) == (
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    )


def test_a_signature_is_a_digest_of_id_instant_and_body() -> None:
    secret, body = new_secret(), '{"name":"Zoë"}'.encode()
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, b"msg_1.1600000000." + body, sha256)

    signed = headers(secret, now_s=1600000000.9, body=body)

    assert signed["webhook-signature"] == "v1," + b64encode(digest).decode()


def test_while_secrets_rotate_both_verify() -> None:
    new, old = new_secret(), new_secret()
    signed = headers(new, old)

    for secret in (new, old):
        assert Webhook(secret).verify(BODY, signed) == {"challenge_id": "c", "status": "VERIFIED"}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(BODY + b" ", signed)


def test_secrets_have_256_bits_and_differ() -> None:
    made = {new_secret() for _ in range(100)}

    assert len(made) == 100
    assert {len(b64decode(secret.removeprefix("whsec_"))) for secret in made} == {32}


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_" + b64encode(b"s" * 23).decode(),
        "whsec_" + b64encode(b"s" * 65).decode(),
        b64encode(b"s" * 32).decode(),
        "WHSEC_" + b64encode(b"s" * 32).decode(),
        "whsec_" + "*" * 32,
        "whsec_" + b64encode(b"s" * 32).decode()[:-1],
        "whsec_" + "é" * 32,
    ],
)
def test_a_malformed_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as refusal:
        headers(new_secret(), secret)
    assert secret.removeprefix("whsec_") not in str(refusal.value) or not secret.removeprefix("whsec_")


@pytest.mark.parametrize("length", [24, 64])
def test_a_secret_of_another_length_is_as_good(length: int) -> None:
    secret = "whsec_" + b64encode(b"s" * length).decode()
    assert Webhook(secret).verify(BODY, headers(secret))

"""Callbacks: a receiver that reads the headers by the draft, and knows only the public key, verifies them."""

import re
import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from standardwebhooks import Webhook

from edge.authenticator.signatures import sign
from edge.courier.signing import PublicJwk, SigningKey, new_key
from edge.courier.target import Target
from engine.callback_secrets import new_secret
from tests.courier.published import public_key

KEY = SigningKey.load(new_key())
SECRET = new_secret()
URL = "https://acme.example/app/challenges?tenant=7"
BODY = b'{"challenge_id":"c","status":"VERIFIED"}'
NOW_S = 1591029810.75


def signed(url: str = URL, *, now_s: float = NOW_S, secrets: tuple[str, ...] = (SECRET,)) -> httpx.Request:
    """The request as a client sends it."""
    headers = sign(Target.parse(url), BODY, message_id="msg_1", now_s=now_s, key=KEY, secrets=secrets)
    return httpx.Request("POST", url, headers=list(headers), content=BODY)


def parameters(request: httpx.Request) -> dict[str, str]:
    scheme, _, rest = request.headers["authorization"].partition(" ")
    assert scheme == "Signature"
    found = re.findall(r'([a-zA-Z]+)="([^"]*)"(?:,|\Z)', rest)
    assert ",".join(f'{name}="{value}"' for name, value in found) == rest
    return dict(found)


def signing_string(request: httpx.Request) -> bytes:
    """What the sender says that it has signed, from what has arrived (draft-cavage-http-signatures 2.3)."""
    target = f"{request.method.lower()} {request.url.raw_path.decode()}"
    names = parameters(request)["headers"].split(" ")
    return "\n".join(
        f"{name}: {target if name == '(request-target)' else request.headers[name]}" for name in names
    ).encode()


def verify(request: httpx.Request, jwk: PublicJwk) -> None:
    signature = b64decode(parameters(request)["signature"], validate=True)
    public_key(jwk).verify(signature, signing_string(request), ec.ECDSA(SHA256()))


def test_a_receiver_verifies_a_callback() -> None:
    request = signed()
    verify(request, KEY.public_jwk)

    said = parameters(request)
    assert said.keys() == {"keyId", "algorithm", "headers", "signature"}
    assert said["keyId"] == KEY.public_jwk.kid
    assert said["algorithm"] == "ecdsa-sha256"
    assert said["headers"] == "(request-target) host date x-tru-callback digest"
    assert signing_string(request).decode().split("\n") == [
        "(request-target): post /app/challenges?tenant=7",
        "host: acme.example",
        "date: Mon, 01 Jun 2020 16:43:30 GMT",
        "x-tru-callback: authenticator",
        "digest: SHA-256=" + b64encode(sha256(BODY).digest()).decode(),
    ]


def test_headers_are_spelled_as_documented() -> None:
    headers = sign(Target.parse(URL), BODY, message_id="msg_1", now_s=NOW_S, key=KEY, secrets=[SECRET])
    assert [name for name, _ in headers] == [
        "Content-Type",
        "Date",
        "digest",
        "x-tru-callback",
        "Authorization",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
    assert headers[0] == ("Content-Type", "application/json")
    assert headers[5:7] == (("webhook-id", "msg_1"), ("webhook-timestamp", "1591029810"))


def test_both_instants_are_one() -> None:
    request = signed()
    instant = datetime(2020, 6, 1, 16, 43, 30, tzinfo=UTC)

    assert parsedate_to_datetime(request.headers["date"]) == instant
    assert int(request.headers["webhook-timestamp"]) == instant.timestamp()


@pytest.mark.parametrize("name", ["date", "x-tru-callback", "digest", "host"])
def test_a_changed_header_does_not_verify(name: str) -> None:
    request = signed()
    request.headers[name] += "x"
    with pytest.raises(InvalidSignature):
        verify(request, KEY.public_jwk)


def test_another_key_or_target_does_not_verify() -> None:
    request = signed()
    with pytest.raises(InvalidSignature):
        verify(request, SigningKey.load(new_key()).public_jwk)
    request.url = httpx.URL(URL + "8")
    with pytest.raises(InvalidSignature):
        verify(request, KEY.public_jwk)


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.example",
        "https://acme.example/",
        "HTTPS://Acme.Example/Hook",
        "https://acme.example:443/hook",
        "http://acme.example:80/hook",
        "http://acme.example:443/hook",
        "https://acme.example:08443/hook",
        "https://acme.example?a=/b",
        "https://acme.example/?",
        "https://acme.example/hook?a=b&c=%20d+e",
        "https://acme.example/a%2Fb//c;d=e,f/~g",
        "https://acme.example./hook",
        "http://127.0.0.1:8080/hook",
        "http://[2001:db8::1]/hook",
        "http://[::1]:8080/hook",
        "https://xn--bcher-kva.example/hook",
    ],
)
def test_the_host_and_the_target_are_those_that_a_client_sends(url: str) -> None:
    verify(signed(url), KEY.public_jwk)


def test_the_same_callback_verifies_by_standard_webhooks_under_both_secrets() -> None:
    rotated = (new_secret(), SECRET)
    request = signed(now_s=time.time(), secrets=rotated)

    verify(request, KEY.public_jwk)
    for secret in rotated:
        assert Webhook(secret).verify(request.content, dict(request.headers))["status"] == "VERIFIED"

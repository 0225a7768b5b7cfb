"""The link over TLS, with a certificate authority made for the test."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from engine.store.keys import KeySpace
from tests.engine.calls import opened, serves
from tests.engine.servers import RedisServer, free_port, has_tls, server_binaries
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = pytest.mark.anyio


class Authority(NamedTuple):
    """Files of an authority, and of a certificate that it has issued for 127.0.0.1."""

    ca: "Path"
    certificate: "Path"
    key: "Path"


def make_authority(directory: "Path") -> Authority:
    directory.mkdir()
    authority = Authority(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    now = datetime.now(UTC)

    def issue(
        name: x509.Name, public_key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType, to: "Path"
    ) -> None:
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(ca_name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(extension, critical=True)
            .sign(ca_key, SHA256())
        )
        to.write_bytes(certificate.public_bytes(Encoding.PEM))

    issue(ca_name, ca_key.public_key(), x509.BasicConstraints(ca=True, path_length=None), authority.ca)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    issue(x509.Name([]), key.public_key(), address, authority.certificate)
    authority.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return authority


@pytest.fixture
def authority(tmp_path: "Path") -> Authority:
    return make_authority(tmp_path / "authority")


@pytest.fixture
def tls_port(authority: Authority) -> "Generator[int]":
    """The port of a server that speaks TLS and asks clients for a certificate of the authority."""
    binary = next(filter(has_tls, server_binaries()), None)
    if binary is None:
        pytest.skip("no server of this machine was built with TLS")
    port = free_port()
    files = ("--tls-cert-file", authority.certificate, "--tls-key-file", authority.key)
    options = ("--tls-port", port, "--bind", "127.0.0.1", *files, "--tls-ca-cert-file", authority.ca)
    with RedisServer(binary, *map(str, options)):
        yield port


async def test_a_server_of_the_given_authority_is_trusted_and_trusts_our_certificate(
    tls_port: int, authority: Authority, space: KeySpace
) -> None:
    files = f"ssl_ca_certs={authority.ca}&ssl_certfile={authority.certificate}&ssl_keyfile={authority.key}"
    async with opened(f"rediss://127.0.0.1:{tls_port}?{files}") as link:
        assert await serves(link, space)


async def test_the_server_is_not_verified_only_where_the_url_says_so(
    tls_port: int, authority: Authority, space: KeySpace
) -> None:
    files = f"ssl_cert_reqs=none&ssl_certfile={authority.certificate}&ssl_keyfile={authority.key}"
    async with opened(f"rediss://127.0.0.1:{tls_port}?{files}") as link:
        assert await serves(link, space)


@pytest.mark.parametrize("query", ["", "?ssl_ca_certs={other}"])
async def test_a_server_of_another_authority_is_not_trusted(
    tls_port: int, tmp_path: "Path", query: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_authority(tmp_path / "other")
    async with opened(f"rediss://127.0.0.1:{tls_port}{query.format(other=other.ca)}") as link:
        await wait_until_async(lambda: "CERTIFICATE_VERIFY_FAILED" in caplog.text)
        assert not link.is_up

"""A certificate authority made for a test, and what it has certified."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = x509.IPAddress(ip_address("127.0.0.1"))


class Authority(NamedTuple):
    """Files of an authority, and of a certificate that it has issued."""

    ca: "Path"
    certificate: "Path"
    key: "Path"

    def server_context(self) -> ssl.SSLContext:
        """For a server that shows the certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_authority(directory: "Path", holder: x509.GeneralName = LOOPBACK) -> Authority:
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
    names = x509.SubjectAlternativeName([holder])
    issue(x509.Name([]), key.public_key(), names, authority.certificate)
    authority.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return authority

"""Fixtures of the mail tests: a certificate of our own for localhost, on both sides."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Encryption(NamedTuple):
    """What a server shows, and what a client trusts."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="session")
def encryption(tmp_path_factory: pytest.TempPathFactory) -> Encryption:
    """A server that is localhost, and a client that knows its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    return _encryption(folder, [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])


@pytest.fixture(scope="session")
def other_host(tmp_path_factory: pytest.TempPathFactory) -> Encryption:
    """A server that is somebody else, and a client that trusts who says so."""
    return _encryption(tmp_path_factory.mktemp("other"), [x509.DNSName("mail.example.org")])


def _encryption(folder: Path, names: list[x509.GeneralName]) -> Encryption:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    both = folder / "both.pem"
    own = folder / "certificate.pem"
    own.write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both.write_bytes(own.read_bytes() + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(both)
    return Encryption(server, ssl.create_default_context(cafile=own))

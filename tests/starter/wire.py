"""Servers that a command meets in place of Temporal: with an old certificate, or hanging up."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

HOLD = 2.0  # seconds for which a server keeps a broken call, so that it is carried out
GZIP = b"\x1f\x8b\x08\x00"


@contextlib.contextmanager
def with_expired_certificate(folder: Path) -> Iterator[tuple[str, Path]]:
    """Listen with TLS whose certificate ended yesterday; yield the address and the certificate."""
    certificate, key = _expired(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])

    def greet(client: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as secure:
            secure.recv(1)

    with _listening(greet) as address:
        yield address, certificate


@contextlib.contextmanager
def hanging_up_after(calls: int, server: str, *, delivers: bool = True) -> Iterator[str]:
    """Stand before Temporal, take so many calls, and hang up before the last is answered.

    The last one is passed on or, where nothing is delivered, lost.
    """
    with _standing_before(server, _Line(calls, delivers=delivers)) as address:
        yield address


@contextlib.contextmanager
def silent_after(calls: int, server: str) -> Iterator[tuple[str, threading.Event]]:
    """Pass so many calls on, and answer the last no more; the event tells when it was taken."""
    line = _Line(calls, hangs_up=False)
    with _standing_before(server, line) as address:
        yield address, line.is_cut


@contextlib.contextmanager
def saying_nothing() -> Iterator[str]:
    """Take connections and answer none."""
    with _listening(_drained) as address:
        yield address


class _Line:
    """Counts the calls of a client by their bodies, which are compressed."""

    def __init__(self, calls: int, *, delivers: bool = True, hangs_up: bool = True) -> None:
        self._left, self._delivers, self._hangs_up = calls, delivers, hangs_up
        self.is_cut = threading.Event()

    def ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                self._left -= data.count(GZIP)
                if self._left <= 0:
                    self.is_cut.set()  # before the server can answer
                if self._delivers or not self.is_cut.is_set():
                    server.sendall(data)
                if self._hangs_up and self.is_cut.is_set():
                    client.shutdown(socket.SHUT_RDWR)
                    return
        server.shutdown(socket.SHUT_RDWR)  # the client left by itself

    def answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                if not self.is_cut.is_set():
                    client.sendall(data)


def _standing_before(server: str, line: _Line) -> contextlib.AbstractContextManager[str]:
    host, _, port = server.rpartition(":")

    def carry(client: socket.socket) -> None:
        if line.is_cut.is_set():
            return
        with socket.create_connection((host, int(port))) as behind:
            answering = threading.Thread(target=line.answer, args=(behind, client), daemon=True)
            answering.start()
            line.ask(client, behind)
            answering.join(HOLD)

    return _listening(carry)


def _drained(client: socket.socket) -> None:
    while client.recv(65_536):
        pass


def _met(meet: Callable[[socket.socket], None], client: socket.socket) -> None:
    with client, contextlib.suppress(OSError):
        meet(client)


@contextlib.contextmanager
def _listening(meet: Callable[[socket.socket], None]) -> Iterator[str]:
    server = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=_met, args=(meet, client), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _expired(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now - timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    return files

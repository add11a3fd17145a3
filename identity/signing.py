"""Ed25519 signatures over canonical JSON, for those who give commands and for the door."""

import base64
import binascii
import secrets
from datetime import datetime
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from approvals.canonical import canonical
from approvals.commands import Command, unsigned
from approvals.ports import Signatures
from identity.files import read_secret, write_secret


class Ed25519Signatures(Signatures):
    """Verifies with the `cryptography` library."""

    def holds(self, public_key: str, message: bytes, signature: str) -> bool:
        try:
            key = Ed25519PublicKey.from_public_bytes(decoded(public_key))
            key.verify(decoded(signature), message)
        except (InvalidSignature, ValueError, binascii.Error):
            return False
        return True


class SigningKey:
    """A private key that signs commands."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def fresh(cls) -> "SigningKey":
        """Make a new key pair."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, path: Path) -> "SigningKey":
        """Read a key file. Raises SecretFileError when others may read it or it holds no key."""
        return cls.of(read_secret(path, length=32))

    @classmethod
    def of(cls, raw: bytes) -> "SigningKey":
        """Return the key of 32 raw bytes. Raises ValueError for any other length."""
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    @property
    def raw(self) -> bytes:
        """The private half: 32 bytes."""
        return self._private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())

    def save(self, path: Path) -> None:
        """Write the private half, readable by its owner alone."""
        write_secret(path, self.raw)

    @property
    def public(self) -> str:
        """The public half: base64url, 43 characters."""
        return encoded(self._private.public_key().public_bytes_raw())

    @property
    def private(self) -> Ed25519PrivateKey:
        """The private half, for libraries that sign with it."""
        return self._private

    def signature(self, data: bytes) -> str:
        """Sign bytes: base64url, 86 characters."""
        return encoded(self._private.sign(data))

    def signed(
        self,
        process: UUID,
        command: Command,
        *,
        actor: UUID | None,
        key_id: UUID,
        issued_at: datetime,
        nonce: str,
    ) -> bytes:
        """Return the message that the door takes: canonical JSON of the six fields + signature."""
        body = unsigned(process, command, actor=actor, issued_at=issued_at, key=key_id, nonce=nonce)
        return canonical({**body, "signature": self.signature(canonical(body))})


def fresh_nonce() -> str:
    """Draw 128 random bits as base64url, 22 characters."""
    return encoded(secrets.token_bytes(16))


def encoded(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Read base64url without padding. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

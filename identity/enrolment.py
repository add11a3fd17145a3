"""One-time codes: drawn here, mailed sealed, compared by a keyed hash; never stored in clear."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from approvals.facts import FreshSecret
from approvals.ports import Codes

DIGITS = 8
TOKEN_BYTES = 32
LINK_PREFIX = "apl_"  # says what a token is for: a pairing link
NONCE_BYTES = 12
LABEL = b"gatehouse.outbox.v1"


class KeyedCodes(Codes):
    """Codes under two server keys of 32 bytes: one for proofs, one for what waits in the outbox."""

    def __init__(self, proof_key: bytes, outbox_key: bytes) -> None:
        self._proof_key, self._sealer = proof_key, AESGCM(outbox_key)

    def fresh(self, login: UUID, public_key: str) -> FreshSecret:
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        return FreshSecret(
            check=self.keyed(proof_of(login, public_key, code)), sealed=self._sealed(code)
        )

    def link(self, process: UUID) -> FreshSecret:
        token = LINK_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        return FreshSecret(
            check=self.keyed(proof_of_link(process, token)), sealed=self._sealed(token)
        )

    def keyed(self, proof: str) -> str:
        return hmac.new(self._proof_key, proof.encode(), hashlib.sha256).hexdigest()

    def opened(self, sealed: str) -> str:
        try:
            data = base64.b64decode(sealed, validate=True)
            return self._sealer.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], LABEL).decode()
        except (InvalidTag, binascii.Error, ValueError) as broken:
            raise ValueError("this was not sealed with the outbox key") from broken

    def _sealed(self, text: str) -> str:
        nonce = os.urandom(NONCE_BYTES)
        return base64.b64encode(nonce + self._sealer.encrypt(nonce, text.encode(), LABEL)).decode()


def proof_of(login: UUID, public_key: str, code: str) -> str:
    """Return what a client sends instead of the code: SHA-256 over id, public key and code, hex."""
    return hashlib.sha256(f"{login} {public_key} {code}".encode()).hexdigest()


def proof_of_link(process: UUID, token: str) -> str:
    """Return what a client sends instead of a link's token: SHA-256 over id and token, hex."""
    return hashlib.sha256(f"gatehouse.link.v1 {process} {token}".encode()).hexdigest()

"""A passkey's device in software: it makes credentials and signs as WebAuthn says, or wrongly."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256

from approvals.passkeys import Assertion
from approvals.people import Person
from identity.signing import decoded, encoded

PRESENT, VERIFIED, MADE = 0x01, 0x04, 0x40  # flags of the authenticator data


@dataclass
class Device:
    """One device of one person, with one credential for one site."""

    host: str
    origin: str
    owner: Person
    counts: bool = True
    verifies: bool = True
    count: int = 0
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def public_key(self) -> bytes:
        """The public half in COSE, as ES256."""
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32), numbers.y.to_bytes(32)
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def made(self, options: str, **changes: Any) -> str:
        """Answer what a page asks that adds a passkey."""
        said = {"type": "webauthn.create", "challenge": json.loads(options)["challenge"]}
        client_data = self._client_data({**said, **changes})
        about = bytes(16) + len(self.credential).to_bytes(2) + self.credential + self.public_key
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(MADE) + about}
        response = {
            "clientDataJSON": encoded(client_data),
            "attestationObject": encoded(cbor2.dumps(attestation)),
        }
        return self._answer(response)

    def used(self, options: str, **changes: Any) -> str:
        """Answer what a page asks that needs a passkey."""
        assertion = self.asserted(decoded(json.loads(options)["challenge"]), **changes)
        response = {
            "clientDataJSON": assertion.client_data,
            "authenticatorData": assertion.authenticator_data,
            "signature": assertion.signature,
            "userHandle": encoded(self.owner.id.bytes),
        }
        return self._answer(response)

    def asserted(self, challenge: bytes, /, **changes: Any) -> Assertion:
        """Sign a challenge. *changes* are of what the browser says of itself."""
        said = {"type": "webauthn.get", "challenge": encoded(challenge)}
        client_data, data = self._client_data({**said, **changes}), self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ECDSA(SHA256()))
        return Assertion(
            credential=encoded(self.credential),
            authenticator_data=encoded(data),
            client_data=encoded(client_data),
            signature=encoded(signature),
        )

    def _client_data(self, said: dict[str, Any]) -> bytes:
        return json.dumps({"origin": self.origin, "crossOrigin": False, **said}).encode()

    def _data(self, flags: int) -> bytes:
        self.count += self.counts
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _answer(self, response: dict[str, str]) -> str:
        number = encoded(self.credential)
        return json.dumps(
            {"id": number, "rawId": number, "type": "public-key", "response": response}
        )

"""The portal's own keys: one that vouches for sign-ins, one that seals, one for forms."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from identity.files import ensure_secret, write_secret
from identity.signing import SigningKey
from starter.portal_server import PORTAL_KEY, PORTAL_PUBLIC_KEY
from starter.visits import ASSERTION_KEY, assertion_keys

SEALING, FORMS = "portal-sealing.key", "portal-forms.key"
NONCE_BYTES = 12


class Sealer:
    """Encrypts what the portal alone may read later (AES-256-GCM)."""

    def __init__(self, key: bytes) -> None:
        self._sealer = AESGCM(key)

    def sealed(self, text: str, purpose: str) -> str:
        """Return *text* encrypted; it opens for the same purpose only."""
        nonce = os.urandom(NONCE_BYTES)
        data = self._sealer.encrypt(nonce, text.encode(), purpose.encode())
        return base64.urlsafe_b64encode(nonce + data).decode()

    def opened(self, sealed: str, purpose: str) -> str | None:
        """Return the text, or None for what was not sealed here for this purpose."""
        try:
            data = base64.urlsafe_b64decode(sealed)
            return self._sealer.decrypt(
                data[:NONCE_BYTES], data[NONCE_BYTES:], purpose.encode()
            ).decode()
        except (InvalidTag, ValueError):
            return None


@dataclass(frozen=True)
class PortalKeys:
    """What the portal holds. *service* signs vouchers.

    The first of the *assertions* signs the way into a tenant; all of them are published.
    """

    service: SigningKey
    assertions: tuple[SigningKey, ...]
    sealer: Sealer
    forms: bytes

    def mark(self, *parts: str) -> str:
        """Return the mark of a form: HMAC-SHA256 over its parts, hex."""
        return hmac.new(self.forms, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def ensured(folder: Path, public: Path | None = None) -> PortalKeys:
    """Read the portal's keys, drawing those that are missing, and write the public half.

    The worker reads that half, from *PORTAL_PUBLIC_KEY* beside them or from *public*, to know
    vouchers of this portal.
    """
    for name in (PORTAL_KEY, ASSERTION_KEY):
        ensure_secret(folder / name)
    service = SigningKey.read(folder / PORTAL_KEY)
    public = public or folder / PORTAL_PUBLIC_KEY
    if not public.exists():
        write_secret(public, f"{service.public}\n".encode())
    return PortalKeys(
        service=service,
        assertions=assertion_keys(folder),
        sealer=Sealer(ensure_secret(folder / SEALING)),
        forms=ensure_secret(folder / FORMS),
    )

"""WebAuthn by py_webauthn: what a browser is asked, and whether what it returns holds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from webauthn.helpers import parse_client_data_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from approvals.passkeys import Assertion, Authenticators, Passkey
from approvals.people import Person, PersonId
from identity.signing import decoded, encoded

NAME = "Gatehouse"
LOCAL = "localhost"  # the one name that browsers trust without https
MILLISECONDS = 300_000  # how long a browser waits for its person; the challenge lives as long
VERIFIED = UserVerificationRequirement.REQUIRED  # by PIN, finger or face: the device is not enough


class PasskeyAnswerError(ValueError):
    """What a browser returned is no passkey of this portal's. The text is for the log."""


class Created(NamedTuple):
    """What a browser says of a passkey that it has just made."""

    credential: str
    public_key: str
    sign_count: int


@dataclass(frozen=True)
class RelyingParty(Authenticators):
    """One portal, as browsers know it: by the name of its host, and by its origin."""

    host: str
    origin: str

    @classmethod
    def of(cls, url: str | None) -> "RelyingParty | None":
        """Return the one at that address; None where browsers allow no passkeys.

        They need a name, not a number such as 127.0.0.1, and https unless it is localhost.
        """
        parsed = urlsplit(url or "")
        host = parsed.hostname or ""
        if not host or _is_number(host) or (parsed.scheme != "https" and host != LOCAL):
            return None
        return cls(host, f"{parsed.scheme}://{parsed.netloc}")

    def creation(self, person: Person, challenge: bytes, known: Sequence[Passkey]) -> str:
        """Return, as JSON, what a browser is told that is to make a passkey for *person*."""
        options = webauthn.generate_registration_options(
            rp_id=self.host,
            rp_name=NAME,
            user_id=person.id.bytes,
            user_name=person.email,
            user_display_name=person.name,
            challenge=challenge,
            timeout=MILLISECONDS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
            ),
            exclude_credentials=_described(known),
        )
        return webauthn.options_to_json(options)

    def request(self, challenge: bytes, known: Sequence[Passkey]) -> str:
        """Return, as JSON, what a browser is told that is to use one of *known*, or any."""
        options = webauthn.generate_authentication_options(
            rp_id=self.host,
            challenge=challenge,
            timeout=MILLISECONDS,
            allow_credentials=_described(known),
            user_verification=VERIFIED,
        )
        return webauthn.options_to_json(options)

    def created(self, answer: str, challenge: bytes) -> Created:
        """Check what a browser returns that has made a passkey. Raises PasskeyAnswerError."""
        try:
            said = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self.host,
                expected_origin=self.origin,
                require_user_verification=True,
            )
            _require_own_window(_read(answer)["response"]["clientDataJSON"])
        except Exception as wrong:  # whatever a stranger's bytes do to a parser
            raise PasskeyAnswerError(f"{type(wrong).__name__}: {wrong}") from wrong
        return Created(
            encoded(said.credential_id), encoded(said.credential_public_key), said.sign_count
        )

    def counted(self, passkey: Passkey, challenge: bytes, assertion: Assertion) -> int | None:
        try:
            said = webauthn.verify_authentication_response(
                credential=_credential(assertion),
                expected_challenge=challenge,
                expected_rp_id=self.host,
                expected_origin=self.origin,
                credential_public_key=decoded(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
            _require_own_window(assertion.client_data)
        except Exception:  # whatever a stranger's bytes do to a parser
            return None
        return said.new_sign_count if encoded(said.credential_id) == passkey.credential else None


def asserted(answer: str) -> tuple[Assertion, PersonId | None]:
    """Read what a browser returns that has used a passkey: nothing of it is checked yet.

    With it comes whose passkey it is, if the browser says so. Raises PasskeyAnswerError.
    """
    try:
        said = _read(answer)
        response = said["response"]
        handle = response.get("userHandle")
        assertion = Assertion(
            credential=said["id"],
            authenticator_data=response["authenticatorData"],
            client_data=response["clientDataJSON"],
            signature=response["signature"],
        )
        return assertion, None if not handle else PersonId(UUID(bytes=decoded(handle)))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as wrong:
        raise PasskeyAnswerError(f"{type(wrong).__name__}") from wrong


def _read(answer: str) -> dict[str, Any]:
    said = json.loads(answer)
    if not isinstance(said, dict):
        raise PasskeyAnswerError("it is no object")
    return said


def _credential(assertion: Assertion) -> dict[str, Any]:
    """Return an assertion in the browsers' own words."""
    return {
        "id": assertion.credential,
        "rawId": assertion.credential,
        "type": "public-key",
        "response": {
            "authenticatorData": assertion.authenticator_data,
            "clientDataJSON": assertion.client_data,
            "signature": assertion.signature,
        },
    }


def _require_own_window(client_data: str) -> None:
    """Refuse what was signed inside a page of somebody else's; the library leaves that to us."""
    if parse_client_data_json(decoded(client_data)).cross_origin:
        raise PasskeyAnswerError("another site had our page inside its own")


def _described(known: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=decoded(one.credential)) for one in known]


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

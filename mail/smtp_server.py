"""Where mail goes, and the refusal of settings that cannot work or would send in clear."""

from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import SecretStr

from approvals.hosts import is_loopback
from mail.message import envelope_address


class Security(StrEnum):
    """How the connection is encrypted: after the greeting, from the first byte, or not at all."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True)
class SmtpServer:
    """One mail server. *sender* is ``address`` or ``Name <address>``; *helo* is its domain."""

    host: str
    port: int
    security: Security
    sender: str
    username: str | None = None
    password: SecretStr | str | None = field(default=None, repr=False)
    helo: str | None = None

    @property
    def envelope_sender(self) -> str:
        """The bare address of the sender."""
        return envelope_address(self.sender)

    @property
    def helo_name(self) -> str:
        """What we call ourselves to the server."""
        return self.helo or self.envelope_sender.partition("@")[2]

    @property
    def opened_password(self) -> str:
        """The password as the server wants it; empty if there is none."""
        if isinstance(self.password, SecretStr):
            return self.password.get_secret_value()
        return self.password or ""


def require_usable(server: SmtpServer, private_network: bool) -> None:
    """Raise ValueError with a sentence that names the setting, if mail cannot go this way."""
    if server.security is Security.NONE and not (private_network or is_loopback(server.host)):
        raise ValueError(
            f"GATEHOUSE_SMTP_SECURITY is 'none', but {server.host} is not this machine:"
            " set it to 'starttls' or 'tls', or declare the network private"
            " with GATEHOUSE_PRIVATE_NETWORK."
        )
    if (server.username is None) != (server.password is None):
        raise ValueError(
            "Set GATEHOUSE_SMTP_USERNAME and GATEHOUSE_SMTP_PASSWORD_FILE together, or neither."
        )
    try:
        server.host.encode("idna")
    except UnicodeError:
        raise ValueError("GATEHOUSE_SMTP_HOST is not a host name.") from None
    envelope_address(server.sender)

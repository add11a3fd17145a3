"""Secrets by reference: `file:NAME` in one folder, `env:NAME` in variables set apart for them."""

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from approvals.platform import PlatformRefused

# Whoever writes a reference must not be able to name any variable, such as a database's password.
VARIABLE_PREFIX = "GATEHOUSE_SECRET_"
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_SIZE_LIMIT = 8_192  # bytes


class Secrets(Protocol):
    """Knows the secrets that references name."""

    def resolved(self, reference: str) -> SecretStr:
        """Return the secret. Raises PlatformRefused `secret_missing`, which names the reference."""


class SecretReferences(Secrets):
    """Reads secrets when they are used, so that a renewed one counts at once.

    *folder* holds one file a secret, open to nobody else; *environment* is looked up with the
    prefix ``GATEHOUSE_SECRET_``.
    """

    def __init__(self, folder: Path | None, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment

    def resolved(self, reference: str) -> SecretStr:
        kind, _, name = reference.partition(":")
        match kind:
            case "file" if _FILE_NAME.fullmatch(name):
                secret = self._in_file(reference, name)
            case "env" if _VARIABLE_NAME.fullmatch(name):
                secret = self._environment.get(VARIABLE_PREFIX + name, "")
            case _:
                raise PlatformRefused(
                    "secret_missing",
                    "A secret is named 'file:NAME' or 'env:NAME'; this reference is neither.",
                )
        if not secret.strip():
            raise _missing(reference, "is empty or not set")
        return SecretStr(secret.strip())

    def _in_file(self, reference: str, name: str) -> str:
        if self._folder is None:
            raise _missing(reference, "cannot be read: there is no folder of secrets")
        path = self._folder / name
        try:
            status = path.stat()
            if status.st_mode & (stat.S_IRWXO | stat.S_IWGRP):
                raise _missing(reference, "is in a file that is open to others (chmod 600)")
            if not stat.S_ISREG(status.st_mode) or status.st_size > _SIZE_LIMIT:
                raise _missing(reference, "is in no plain file, or one that is too large")
            return path.read_text(encoding="utf-8")
        except OSError as trouble:
            raise _missing(reference, f"cannot be read: {trouble.strerror}") from None
        except UnicodeDecodeError:
            raise _missing(reference, "does not hold text") from None


def _missing(reference: str, trouble: str) -> PlatformRefused:
    return PlatformRefused("secret_missing", f"The secret '{reference}' {trouble}.")

"""Secrets in files: written for the owner alone, refused when others can read them."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from approvals.errors import FieldError


class SecretFileError(FieldError):
    """A key file is missing, readable by others, or holds something else."""

    def __init__(self, sentence: str) -> None:
        super().__init__("secret_file", sentence)


def read_secret(path: Path, *, length: int) -> bytes:
    """Return exactly *length* bytes from a file of mode 0600 or stricter."""
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as trouble:
        raise SecretFileError(f"The key file {path} cannot be read: {trouble.strerror}.") from None
    if mode & 0o077:
        raise SecretFileError(f"The key file {path} is readable by others. Run: chmod 600 {path}")
    if len(data) != length:
        raise SecretFileError(f"The key file {path} does not hold a key of {length} bytes.")
    return data


def write_secret(path: Path, data: bytes) -> None:
    """Write *data* so that nobody else can read it at any moment, whole or not at all."""
    os.replace(_draft(path, data), path)


def ensure_secret(path: Path, length: int = 32) -> bytes:
    """Return the secret in *path*, drawing it first if there is none yet.

    Of several processes that start at once, all return the one that was first.
    """
    if not path.exists():
        draft = _draft(path, secrets.token_bytes(length))
        with suppress(FileExistsError):
            os.link(draft, path)  # a replacement would take the key from who has read it already
        draft.unlink()
    return read_secret(path, length=length)


def _draft(path: Path, data: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return draft

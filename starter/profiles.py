"""Profiles: who is signed in at this terminal, with which key. One folder a profile, mode 0700."""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from platformdirs import user_config_path
from pydantic import ValidationError

from approvals.records import Record
from identity.files import write_secret
from identity.signing import SigningKey
from starter.console import UsageError

DEFAULT = "default"


class Profile(Record):
    """A signed-in person: the key's id (that of the sign-in), and until when it signs."""

    name: str
    key_id: UUID
    person: UUID
    email: str
    expires_at: datetime

    @property
    def key(self) -> SigningKey:
        """The private key. Raises SecretFileError when others can read it."""
        return SigningKey.read(folder(self.name) / "signing.key")


def chosen(option: str | None) -> str:
    """Return the profile's name: the option, GATEHOUSE_PROFILE, or ``default``."""
    name = option or os.environ.get("GATEHOUSE_PROFILE") or DEFAULT
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) or name in (".", ".."):
        raise UsageError("--profile takes letters, digits, '.', '_' and '-', at most 64.")
    return name


def folder(name: str) -> Path:
    """Return a profile's folder below the user's configuration."""
    return user_config_path("gatehouse") / "profiles" / name


def saved(profile: Profile, key: SigningKey) -> None:
    """Keep a profile and its key, readable by their owner alone. Raises UsageError."""
    where = folder(profile.name)
    try:
        key.save(where / "signing.key")
        write_secret(where / "profile.json", profile.model_dump_json().encode())
    except OSError as trouble:
        raise UsageError(f"The profile cannot be kept in {where}: {trouble.strerror}.") from None


def current(option: str | None) -> Profile:
    """Return the profile in use. Raises UsageError when nobody is signed in under that name."""
    name = chosen(option)
    try:
        text = (folder(name) / "profile.json").read_text(encoding="utf-8")
        profile = Profile.model_validate_json(text)
    except FileNotFoundError:
        raise UsageError(
            f"Nobody is signed in (profile {name}). Run: gatehouse login EMAIL"
        ) from None
    except (OSError, ValidationError, json.JSONDecodeError):
        raise UsageError(
            f"The profile {name} is not readable. Sign in again: gatehouse login EMAIL"
        ) from None
    if datetime.now(UTC) >= profile.expires_at:
        raise UsageError(f"Your sign-in (profile {name}) has ended. Run: gatehouse login EMAIL")
    return profile


def forget(name: str) -> None:
    """Remove the files of a profile whose key has ended. Raises UsageError."""
    where = folder(name)
    try:
        for file in ("profile.json", "signing.key"):
            (where / file).unlink(missing_ok=True)
    except OSError as trouble:
        raise UsageError(
            f"The key has ended, but the profile in {where} cannot be removed: {trouble.strerror}."
        ) from None

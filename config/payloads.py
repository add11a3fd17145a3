"""Payloads under a key: Temporal keeps messages and reasons as ciphertext (AES-256-GCM).

Which key encrypts, its name says: it begins with the instant from which it does. All decrypt.
"""

import base64
import binascii
import dataclasses
import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)

from config.settings import ConfigurationError, secret

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
LABEL = b"gatehouse.payload.v1 "
NONCE_BYTES, KEY_BYTES = 12, 32
NAME = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}", re.ASCII)


def key_name(begins: datetime, mark: str) -> str:
    """Return the id of a key that encrypts from *begins* (UTC) on; *mark* is 8 hex digits."""
    return f"{begins.astimezone(UTC):%Y%m%dT%H%M%SZ}-{mark}"


def begin_of(key_id: str) -> datetime | None:
    """Return the instant from which a key encrypts, or None for what is no key's id."""
    if (found := NAME.fullmatch(key_id)) is None:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


class KeyRing:
    """The keys of a folder, ``<key id>.key`` each; one that is added is found without a restart."""

    def __init__(
        self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._folder, self._now = folder, now
        self._keys: dict[str, AESGCM] = {}
        self._wrong: ConfigurationError | None = None
        self._seen = -1

    def newest(self) -> tuple[str, AESGCM]:
        """Return the key that encrypts now. Raises ConfigurationError where there is none."""
        self._read()
        if self._wrong is not None:
            raise self._wrong
        now = self._now()
        begun = [one for one in self._keys if (begin_of(one) or now) <= now]
        if not begun:
            raise ConfigurationError(
                f"There is no key for Temporal's payloads in {self._folder}."
                " Run `gatehouse up`, or copy the worker's keys there."
            )
        return (key_id := max(begun)), self._keys[key_id]

    def get(self, key_id: str) -> AESGCM | None:
        """Return the key of that id, or None for one that is not here."""
        self._read()
        return self._keys.get(key_id)

    def _read(self) -> None:
        try:
            changed = os.stat(self._folder).st_mtime_ns
        except OSError:
            changed = 0  # no folder is an empty ring
        if changed == self._seen:
            return
        self._seen, self._keys, self._wrong = changed, {}, None
        for file in sorted(self._folder.glob("*.key")):
            try:
                self._keys[file.stem] = _key(file)
            except ConfigurationError as wrong:  # it must not keep the others from decrypting
                self._wrong = wrong


def _key(file: Path) -> AESGCM:
    text = secret(file).get_secret_value()
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES or begin_of(file.stem) is None:
        raise ConfigurationError(f"The file {file} is not a key for payloads.")
    return AESGCM(key)


class EncryptedPayloads(PayloadCodec):
    """Encrypts whatever leaves; decrypts what it can, and never raises on what it cannot.

    A foreign or broken ciphertext reaches our handlers as it is, and they refuse it. An error here
    would fail a workflow's task for ever.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        key_id, key = self._ring.newest()
        return [_sealed(one, key_id, key) for one in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._opened(one) for one in payloads]

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata.get(KEY_ID, b"").decode("ascii", "replace")
        if (key := self._ring.get(key_id)) is None:
            return payload
        nonce, data = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            return Payload.FromString(key.decrypt(nonce, data, LABEL + key_id.encode()))
        except (InvalidTag, ValueError, DecodeError):
            return payload


def _sealed(payload: Payload, key_id: str, key: AESGCM) -> Payload:
    nonce = os.urandom(NONCE_BYTES)
    data = key.encrypt(nonce, payload.SerializeToString(), LABEL + key_id.encode())
    return Payload(metadata={"encoding": ENCODING, KEY_ID: key_id.encode()}, data=nonce + data)


def encrypting(ring: KeyRing) -> DataConverter:
    """Return the data converter of Gatehouse with this ring's keys; failures are encoded too."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=EncryptedPayloads(ring),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )

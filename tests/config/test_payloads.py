"""Payloads under a key: whatever is written can be read, and nothing that arrives can break it."""

import base64
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from config.payloads import ENCODING, KEY_ID, EncryptedPayloads, KeyRing, encrypting, key_name
from config.settings import ConfigurationError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CANARY = "The fence needs paint."


def put(folder: Path, begins: datetime, mark: str, mode: int = 0o600) -> str:
    """Put a random key into a ring's folder and return its id."""
    folder.mkdir(exist_ok=True)
    key_id = key_name(begins, mark * 8)
    file = folder / f"{key_id}.key"
    file.write_text(base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("="))
    file.chmod(mode)
    return key_id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a ring with one key."""
    put(tmp_path / "payload", NOW - timedelta(days=1), "a")
    return tmp_path / "payload"


@pytest.fixture
def codec(folder: Path) -> EncryptedPayloads:
    """The codec on that ring, at NOW."""
    return EncryptedPayloads(KeyRing(folder, lambda: NOW))


def payload(text: str = CANARY) -> Payload:
    return Payload(metadata={"encoding": b"json/plain", "other": b"x"}, data=text.encode())


async def test_what_is_encrypted_shows_nothing_and_comes_back_whole(
    codec: EncryptedPayloads,
) -> None:
    (sealed,) = await codec.encode([payload()])

    assert CANARY.encode() not in sealed.SerializeToString()
    assert sealed.metadata["encoding"] == ENCODING
    assert await codec.decode([sealed]) == [payload()]


async def test_the_same_payload_never_gives_the_same_ciphertext(codec: EncryptedPayloads) -> None:
    first, second = await codec.encode([payload(), payload()])

    assert first.data != second.data


async def test_plain_payloads_are_read_as_they_are(codec: EncryptedPayloads) -> None:
    plain = [payload(), Payload(), Payload(data=b"\xff")]

    assert await codec.decode(plain) == plain


async def test_a_broken_or_foreign_ciphertext_comes_back_unchanged(
    codec: EncryptedPayloads,
) -> None:
    (good,) = await codec.encode([payload()])
    flipped = bytearray(good.data)
    flipped[20] ^= 1
    meta, kid = dict(good.metadata), KEY_ID
    broken = [
        Payload(metadata=meta, data=bytes(flipped)),
        Payload(metadata=meta, data=good.data[:13]),
        Payload(metadata=meta, data=b""),
        Payload(metadata={**meta, kid: b"20260301T000000Z-00000000"}, data=good.data),
        Payload(metadata={**meta, kid: b"\xff\xfe"}, data=good.data),
        Payload(metadata={**meta, kid: b"../../secret"}, data=good.data),
        Payload(metadata={"encoding": ENCODING}, data=good.data),
    ]

    assert await codec.decode(broken) == broken


async def test_a_ciphertext_does_not_open_under_another_keys_name(folder: Path) -> None:
    codec = EncryptedPayloads(KeyRing(folder, lambda: NOW))
    (sealed,) = await codec.encode([payload()])
    old = sealed.metadata[KEY_ID].decode()
    other = key_name(NOW, "b" * 8)
    (folder / f"{other}.key").write_text((folder / f"{old}.key").read_text())
    (folder / f"{other}.key").chmod(0o600)

    renamed = Payload(metadata={**sealed.metadata, KEY_ID: other.encode()}, data=sealed.data)

    assert await codec.decode([renamed]) == [renamed]


async def test_a_new_key_encrypts_and_the_old_one_still_decrypts(
    codec: EncryptedPayloads, folder: Path
) -> None:
    (before,) = await codec.encode([payload("old")])
    newer = put(folder, NOW, "b")

    (after,) = await codec.encode([payload("new")])

    assert after.metadata[KEY_ID].decode() == newer
    assert before.metadata[KEY_ID] != after.metadata[KEY_ID]
    assert await codec.decode([before, after]) == [payload("old"), payload("new")]


async def test_a_key_of_the_future_decrypts_and_waits_with_encrypting(
    codec: EncryptedPayloads, folder: Path
) -> None:
    later = put(folder, NOW + timedelta(hours=1), "c")
    ahead = EncryptedPayloads(KeyRing(folder, lambda: NOW + timedelta(hours=1)))

    (mine,), (theirs,) = await codec.encode([payload()]), await ahead.encode([payload()])

    assert mine.metadata[KEY_ID].decode() != later
    assert theirs.metadata[KEY_ID].decode() == later
    assert await codec.decode([theirs]) == [payload()]


async def test_without_a_key_nothing_is_sent(tmp_path: Path) -> None:
    codec = EncryptedPayloads(KeyRing(tmp_path / "none"))

    with pytest.raises(ConfigurationError, match="There is no key for Temporal's payloads in"):
        await codec.encode([payload()])


@pytest.mark.parametrize("fault", ["open to others", "not a key", "no name of a key"])
async def test_a_wrong_key_file_stops_encrypting_and_not_decrypting(
    folder: Path, fault: str
) -> None:
    codec = EncryptedPayloads(KeyRing(folder, lambda: NOW))
    (sealed,) = await codec.encode([payload()])
    wrong = folder / f"{put(folder, NOW, 'd', 0o644 if 'open' in fault else 0o600)}.key"
    if fault == "not a key":
        wrong.write_text("short")
    if fault == "no name of a key":
        wrong.rename(wrong.with_name("mine.key"))

    with pytest.raises(ConfigurationError, match="mine.key" if "name" in fault else wrong.name):
        await codec.encode([payload()])

    assert await codec.decode([sealed]) == [payload()]


async def test_a_failures_text_is_encrypted_too(codec: EncryptedPayloads, folder: Path) -> None:
    converter = encrypting(KeyRing(folder, lambda: NOW))
    failure = Failure()

    await converter.encode_failure(ApplicationError(CANARY, type="denied"), failure)

    assert CANARY.encode() not in failure.SerializeToString()
    assert failure.application_failure_info.type == "denied"
    assert str(await converter.decode_failure(failure)) == f"denied: {CANARY}"

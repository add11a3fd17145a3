"""Key files: the owner's alone, whole or not at all, and the same for all who start at once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from identity.files import SecretFileError, ensure_secret, read_secret, write_secret


def mode_of(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "outbox.key"

    write_secret(file, b"k" * 32)

    assert (mode_of(file), mode_of(file.parent)) == (0o600, 0o700)
    assert read_secret(file, length=32) == b"k" * 32


def test_writing_again_replaces_it_and_leaves_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "outbox.key"
    write_secret(file, b"a" * 32)

    write_secret(file, b"b" * 32)

    assert read_secret(file, length=32) == b"b" * 32
    assert [one.name for one in tmp_path.iterdir()] == ["outbox.key"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666])
def test_a_secret_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "outbox.key"
    write_secret(file, b"k" * 32)
    file.chmod(mode)

    with pytest.raises(SecretFileError, match="readable by others") as caught:
        read_secret(file, length=32)

    assert f"chmod 600 {file}" in caught.value.sentence


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_that_is_the_owners_alone_is_read(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "outbox.key"
    write_secret(file, b"k" * 32)
    file.chmod(mode)

    assert read_secret(file, length=32) == b"k" * 32


@pytest.mark.parametrize("content", [b"", b"k" * 31, b"k" * 33, b"k" * 32 + b"\n"])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "outbox.key"
    write_secret(file, content)

    with pytest.raises(SecretFileError, match="does not hold a key of 32 bytes"):
        read_secret(file, length=32)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    for path, cause in ((tmp_path / "none.key", "No such file"), (tmp_path, "directory")):
        with pytest.raises(SecretFileError, match=cause) as caught:
            read_secret(path, length=32)

        assert str(path) in caught.value.sentence


def test_a_missing_secret_is_drawn_once(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "outbox.key"

    first, second = ensure_secret(file), ensure_secret(file)

    assert first == second
    assert (len(first), mode_of(file)) == (32, 0o600)
    assert ensure_secret(tmp_path / "other.key") != first


def test_all_who_start_at_once_have_the_same_secret(tmp_path: Path) -> None:
    for turn in range(20):
        file = tmp_path / str(turn) / "outbox.key"
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(lambda path: ensure_secret(path), [file] * 8))

        assert len(found) == 1
        assert [one.name for one in file.parent.iterdir()] == ["outbox.key"]

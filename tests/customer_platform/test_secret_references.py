"""A secret is found by its reference alone, and a reference reaches nothing else."""

import os
from pathlib import Path

import pytest

from approvals.platform import PlatformRefused
from customer_platform.secret_references import SecretReferences
from tests.customer_platform.customers import BENBOW, adapter_to, make_customer

SECRET = "open-sesame"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of secrets, beside a file that is none of them."""
    (tmp_path / "outside").write_text(SECRET)
    (tmp_path / "outside").chmod(0o600)
    inside = tmp_path / "secrets"
    inside.mkdir()
    for name, content in {"pbx.north": f"{SECRET}\n", "empty": "\n", "open": SECRET}.items():
        (inside / name).write_text(content)
        (inside / name).chmod(0o600)
    (inside / "open").chmod(0o644)
    (inside / "bytes").write_bytes(b"\xff\xfe")
    (inside / "bytes").chmod(0o600)
    (inside / "large").write_text("x" * 10_000)
    (inside / "large").chmod(0o600)
    (inside / "folder").mkdir(mode=0o700)
    return inside


def test_a_secret_is_read_from_its_file_when_it_is_asked_for(folder: Path) -> None:
    secrets = SecretReferences(folder, {})

    first = secrets.resolved("file:pbx.north")
    (folder / "pbx.north").write_text("renewed")
    second = secrets.resolved("file:pbx.north")

    assert first.get_secret_value() == SECRET
    assert second.get_secret_value() == "renewed"
    assert SECRET not in f"{first} {first!r}"


def test_a_mounted_secret_is_read_through_its_link(folder: Path) -> None:
    os.symlink(folder / "pbx.north", folder / "mounted")

    assert SecretReferences(folder, {}).resolved("file:mounted").get_secret_value() == SECRET


def test_a_variable_counts_only_with_its_prefix() -> None:
    secrets = SecretReferences(None, {"GATEHOUSE_SECRET_NORTH": SECRET, "NORTH": "another"})

    assert secrets.resolved("env:NORTH").get_secret_value() == SECRET
    with pytest.raises(PlatformRefused):
        secrets.resolved("env:GATEHOUSE_SECRET_NORTH")


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("file:missing", "cannot be read: No such file"),
        ("file:empty", "is empty or not set"),
        ("file:open", "open to others"),
        ("file:bytes", "does not hold text"),
        ("file:large", "too large"),
        ("file:folder", "no plain file|open to others"),
        ("file:../outside", "'file:NAME' or 'env:NAME'"),
        ("file:/etc/passwd", "'file:NAME' or 'env:NAME'"),
        ("file:.hidden", "'file:NAME' or 'env:NAME'"),
        ("file:", "'file:NAME' or 'env:NAME'"),
        ("env:NOWHERE", "is empty or not set"),
        ("env:north", "'file:NAME' or 'env:NAME'"),
        ("env:A=B", "'file:NAME' or 'env:NAME'"),
        ("vault:north", "'file:NAME' or 'env:NAME'"),
        (SECRET, "'file:NAME' or 'env:NAME'"),
        ("", "'file:NAME' or 'env:NAME'"),
    ],
)
def test_a_reference_that_leads_nowhere_says_why(
    folder: Path, reference: str, sentence: str
) -> None:
    with pytest.raises(PlatformRefused, match=sentence) as refusal:
        SecretReferences(folder, {}).resolved(reference)

    assert refusal.value.code == "secret_missing"
    assert SECRET not in refusal.value.sentence


def test_without_a_folder_there_are_no_files() -> None:
    with pytest.raises(PlatformRefused, match="no folder of secrets"):
        SecretReferences(None, {}).resolved("file:pbx.north")


async def test_our_own_secret_is_given_to_no_pbx() -> None:
    adapter = adapter_to("http://127.0.0.1:9")
    pbx = BENBOW.model_copy(update={"secret": "env:PLATFORM"})

    with pytest.raises(PlatformRefused, match="the platform's own secret"):
        await adapter.create_customer(make_customer(pbx=pbx))
    await adapter.close()

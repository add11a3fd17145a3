"""What we run on: its licences are listed and agreed to, its known flaws fail the checks."""

import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "requirements" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


licences, vulnerabilities = _loaded("licences"), _loaded("vulnerabilities")
SAFE: dict[str, Any] = {"name": "safe", "version": "1.0", "vulns": []}
UNKNOWN: dict[str, Any] = {"name": "unknown", "skip_reason": "not found"}
FLAWED: dict[str, Any] = {
    "name": "flawed",
    "version": "2.0",
    "vulns": [{"id": "CVE-2026-1", "fix_versions": ["2.1"]}, {"id": "CVE-2026-2"}],
}


@pytest.mark.parametrize("package", licences.locked())
def test_every_package_that_runs_has_a_licence_we_agreed_to(package: str) -> None:
    assert licences.unwelcome(licences.licence(package)) == []


def test_an_unknown_licence_is_unwelcome() -> None:
    assert licences.unwelcome("GPL-3.0-only OR MIT") == ["GPL-3.0-only"]
    assert licences.unwelcome("not stated") == ["not stated"]


def test_the_list_of_licences_is_the_one_of_the_lock() -> None:
    assert (ROOT / "docs" / "licences.md").read_text() == licences.page()


@pytest.mark.parametrize("found", [None, [], [UNKNOWN]])
def test_advisories_that_cannot_be_reached_are_said_and_stop_nothing(found: Any) -> None:
    assert vulnerabilities.judged(found) == (0, [vulnerabilities.AWAY])


def test_known_flaws_are_named_and_fail() -> None:
    code, lines = vulnerabilities.judged([SAFE, FLAWED, UNKNOWN])

    assert code == 1
    assert lines == [
        "flawed 2.0: CVE-2026-1, fixed in 2.1.",
        "flawed 2.0: CVE-2026-2, fixed in no version yet.",
        "Not checked: unknown.",
        "Known vulnerabilities: 2 in 2 packages.",
    ]


def test_packages_without_known_flaws_pass() -> None:
    assert vulnerabilities.judged([SAFE]) == (0, ["Known vulnerabilities: 0 in 1 packages."])


def wheel(folder: Path, content: str) -> Path:
    """Write a package of one module, as an index would serve it."""
    about = "planted-1.0.dist-info"
    file = folder / "planted-1.0-py3-none-any.whl"
    files = {
        "planted.py": content,
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(file, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return file


def installed(folder: Path, lock: str) -> subprocess.CompletedProcess[str]:
    """Install what a lock names from a folder, as `make` and the image install theirs."""
    (folder / "lock.txt").write_text(lock)
    words = ["--require-hashes", "--no-deps", "--no-index", "--find-links", str(folder)]
    where = ["--target", str(folder / "there"), "--requirement", str(folder / "lock.txt")]
    return subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-cache-dir", *words, *where],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_package_that_was_replaced_is_not_installed(tmp_path: Path) -> None:
    good = hashlib.sha256(wheel(tmp_path, "good = True").read_bytes()).hexdigest()
    lock = f"planted==1.0 --hash=sha256:{good}\n"
    before = installed(tmp_path, lock)
    (tmp_path / "there" / "planted.py").unlink()
    wheel(tmp_path, "good = False")

    after = installed(tmp_path, lock)

    assert before.returncode == 0, before.stderr
    assert after.returncode == 1
    assert "DO NOT MATCH THE HASHES" in after.stderr
    assert not (tmp_path / "there" / "planted.py").exists()


def test_a_lock_without_a_hash_installs_nothing(tmp_path: Path) -> None:
    wheel(tmp_path, "good = True")

    end = installed(tmp_path, "planted==1.0\n")

    assert end.returncode == 1
    assert not (tmp_path / "there").exists()


def test_the_environment_is_made_of_hashed_packages_alone() -> None:
    made = [
        one
        for one in (ROOT / "Makefile").read_text().replace("\\\n", " ").splitlines()
        if "pip install" in one
    ]

    assert made
    assert all("--require-hashes" in one or "--no-deps" in one for one in made), made

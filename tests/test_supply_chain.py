"""What we run on: its licences are listed and agreed to, its known flaws fail the checks."""

import importlib.util
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

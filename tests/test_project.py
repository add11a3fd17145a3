"""The project keeps its own habits: locked packages, no traces of a machine, small files."""

import ast
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PRODUCT = [
    "activities",
    "approvals",
    "config",
    "customer_platform",
    "examples",
    "identity",
    "mail",
    "migrations",
    "portal",
    "starter",
    "store",
    "workflows",
]
STATEMENTS = ("benchmarks", "examples", "migrations", "store")  # who may speak SQL
DRIVERS = ("aiosqlite", "asyncpg", "sqlalchemy", "sqlite3")
LONGEST_FILE, LONGEST_TEST, LONGEST_FUNCTION, LONGEST_ROOT = 300, 500, 50, 80
# A migration reads as one list, from the first table to the last.
MIGRATIONS = ROOT / "migrations" / "versions"
# Joined here, so that this file is not what it looks for.
REGISTRIES = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("npmjs", "org"),
        ("deb", "debian", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
    ]
]
MACHINE_PATH = re.compile(r"(?<![\w.$~/-])/(?:work|root|home|Users|opt/(?:pypi|wheels))/[\w.]")


def _tracked() -> list[Path]:
    """Return every file that git has or would take."""
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        text=True,
    )
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def _texts() -> Iterator[tuple[str, str]]:
    for path in _tracked():
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture


def _modules(folders: list[str]) -> list[Path]:
    return [ROOT / "worker.py", *(p for f in folders for p in sorted((ROOT / f).rglob("*.py")))]


@pytest.mark.parametrize("host", REGISTRIES)
def test_no_file_names_a_package_registry(host: str) -> None:
    naming = [name for name, text in _texts() if host in text]

    assert naming == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    holding = [
        f"{name}: {found.group()}"
        for name, text in _texts()
        for found in MACHINE_PATH.finditer(text)
    ]

    assert holding == []


@pytest.mark.parametrize("name", ["base", "dev"])
def test_a_lock_holds_versions_and_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z])", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE).strip())

    for entry in entries:
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( \\\n +--hash=sha256:[0-9a-f]{64})+\s*", entry), (
            entry
        )
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([\w.]+)", text, re.MULTILINE))


def test_we_develop_with_the_versions_that_run() -> None:
    assert _pins("base").items() <= _pins("dev").items()


@pytest.mark.parametrize("name", ["base", "dev"])
def test_a_lock_holds_everything_that_its_source_asks_for(name: str) -> None:
    source = (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8")
    asked = set(re.findall(r"^([a-z][a-z0-9-]*)", source, re.MULTILINE))

    assert asked <= set(_pins(name))


def test_statements_are_made_in_the_store_alone() -> None:
    elsewhere = [
        str(path.relative_to(ROOT))
        for path in _modules([one for one in PRODUCT if one not in STATEMENTS])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom | ast.Import) and _makes_statements(node)
    ]

    assert elsewhere == []


def _makes_statements(node: ast.ImportFrom | ast.Import) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "sqlalchemy" or str(node.module).startswith("sqlalchemy.sql")
    return any(one.name.partition(".")[0] in DRIVERS for one in node.names)


@pytest.mark.parametrize("path", _modules(PRODUCT), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_small(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    functions = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {
        node.name: length
        for node in functions
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    }

    assert path.parent == MIGRATIONS or source.count("\n") <= LONGEST_FILE
    assert path.parent == MIGRATIONS or long == {}


def test_a_test_module_stays_readable() -> None:
    long = {
        path.name: lines
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if (lines := path.read_text(encoding="utf-8").count("\n")) > LONGEST_TEST
    }

    assert long == {}


def test_the_composition_root_only_composes() -> None:
    lines = (ROOT / "worker.py").read_text(encoding="utf-8").count("\n")

    assert lines < LONGEST_ROOT


def test_every_package_is_installed_and_under_the_import_contracts() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    there = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
    own = [name for name in there if name not in {"benchmarks", "tests"}]

    assert [p.removesuffix("*") for p in tools["setuptools"]["packages"]["find"]["include"]] == (
        PRODUCT
    )
    assert set(own) <= set(PRODUCT)
    assert {*tools["importlinter"]["root_packages"], "migrations"} == set(PRODUCT)


def test_make_prints_its_targets() -> None:
    environment = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL"}}
    printed = subprocess.check_output(["make", "-s"], cwd=ROOT, env=environment, text=True)

    for target in ["demo", "up", "test", "check", "bench", "lock", "clean"]:
        assert re.search(rf"^make {target} +\w", printed, re.MULTILINE)


def test_continuous_integration_runs_what_a_developer_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]

    assert re.findall("^make .*", script, re.MULTILINE) == ["make check", "make test"]
    assert commands == ["make check", "make test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_an_action_of_the_workflow_is_pinned_to_a_commit() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    used = [s["uses"] for job in workflow["jobs"].values() for s in job["steps"] if "uses" in s]

    assert used
    for action in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)

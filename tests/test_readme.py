"""The README names every setting and every group of commands, and no setting that is not there."""

import re
from pathlib import Path

import typer

from config.settings import Settings
from starter.cli import app

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PREFIX = "GATEHOUSE_"
OTHERS = {"GATEHOUSE_PROFILE"}  # read by the command line alone
WRITTEN = {"GATEHOUSE_TEMPORAL_ADDRESS"}  # by `up`; people set Temporal's own TEMPORAL_ADDRESS


def named() -> set[str]:
    """Return the settings of the table; `A_B`, `_C` in one row stands for A_B and A_C."""
    found = set()
    for line in README.splitlines():
        if not line.startswith(f"| `{PREFIX}"):
            continue
        first, *rest = re.findall(r"`([A-Z_]+)`", line.split("|")[1])
        found |= {first, *rest} - {one for one in rest if one.startswith("_")}
        for tail in (one for one in rest if one.startswith("_")):
            fits = {f"{first[: at.start()]}{tail}" for at in re.finditer("_", first)}
            found |= fits & {f"{PREFIX}{one.upper()}" for one in Settings.model_fields}
    return found


def test_the_table_of_settings_is_complete_and_names_nothing_else() -> None:
    settings = {f"{PREFIX}{one.upper()}" for one in Settings.model_fields}

    assert named() - OTHERS == settings - WRITTEN


def test_every_group_of_commands_of_the_processes_is_introduced() -> None:
    groups = {one.name for one in app.registered_groups}
    processes = {"onboarding", "customer", "pairing", "request", "tenant", "session", "site"}

    assert processes | {"contacts", "access"} <= groups
    for one in sorted(processes | {"contacts"}):
        introduced = re.findall(rf"`gatehouse {one} ([a-z\\|-]+)", README)
        said = set(re.split(r"\\\|", "\\|".join(introduced)))
        assert said >= commands_of(one), one


def commands_of(group: str) -> set[str]:
    """Return the names of a group's own commands and of those below it."""
    (found,) = [one.typer_instance for one in app.registered_groups if one.name == group]
    names = typer.main.get_group(found).commands if isinstance(found, typer.Typer) else {}
    told_apart = {"roles", "clone", "consent", "change"} if group == "pairing" else set()
    return {name for name, one in names.items() if not one.hidden} - told_apart

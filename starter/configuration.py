"""`gatehouse config`: what this installation is configured to, and where each value comes from."""

import json
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import typer
from sqlalchemy.engine import URL, make_url
from temporalio.envconfig import ClientConfig

from config.logging import SECRET_KEY
from config.settings import ConfigurationError, Settings, load, run_file
from starter.console import print_json, print_table, runs
from starter.options import AsJson

PREFIX = "GATEHOUSE_"
MASK = "***"
_USER_IN_URL = re.compile(r"(?<=://)[^/@\s]*(?=@)")

app = typer.Typer(help="The configuration of this installation.", no_args_is_help=True)


class Value(NamedTuple):
    """One setting as it may be shown: its name, its value without secrets, and its source."""

    name: str
    value: str | int | bool | None
    source: str


@app.callback()
def config() -> None:
    """The configuration of this installation."""


@app.command()
@runs
async def show(as_json: AsJson = False) -> None:
    """Show every setting, its value with secrets masked, and where the value comes from.

    The environment outranks run.json, which `gatehouse up` writes; what neither says has its
    default.
    """
    values = [*_values(load()), *_temporal()]
    if as_json:
        print_json([one._asdict() for one in values])
        return
    rows = [(one.name, "" if one.value is None else str(one.value), one.source) for one in values]
    print_table(("SETTING", "VALUE", "FROM"), rows)


def _values(settings: Settings) -> list[Value]:
    given = {name.upper() for name in os.environ}
    written = _run_json()
    effective = {
        "database_url": _database(settings),
        "checkpoint_file": str(settings.checkpoints),
        "keys_dir": str(settings.keys),
        "secrets_dir": str(settings.secrets),
        "policy_file": str(settings.policy_file or settings.home / "policy.toml"),
    }
    return [
        Value(
            name=f"{PREFIX}{field.upper()}",
            value=effective.get(field) or _shown(getattr(settings, field)),
            source=_source(field, given, written),
        )
        for field in Settings.model_fields
    ]


def _source(field: str, given: set[str], written: Mapping[str, Any]) -> str:
    if f"{PREFIX}{field.upper()}" in given:
        return "environment"
    return str(run_file()) if field in written else "default"


def _temporal() -> list[Value]:
    """Return what Temporal's own environment or profile says, which outranks ours."""
    try:
        said = ClientConfig.load_client_connect_config()
    except (RuntimeError, ValueError) as broken:
        raise ConfigurationError(f"Temporal's configuration cannot be read: {broken}.") from None
    source = "Temporal's environment or profile"
    fields = {"TEMPORAL_ADDRESS": "target_host", "TEMPORAL_NAMESPACE": "namespace"}
    return [
        Value(name, _shown(said.get(field)), source)
        for name, field in fields.items()
        if said.get(field)
    ]


def _run_json() -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(run_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _database(settings: Settings) -> str:
    """Return the database's URL without its password, whether or not that can be read."""
    url: URL = make_url(settings.database_url) if settings.database_url else settings.database
    masked = {name: MASK for name in url.query if SECRET_KEY.search(name)}
    shown = url.update_query_dict(masked).render_as_string(hide_password=True)
    return shown.replace(quote(MASK, safe=""), MASK)


def _shown(value: object) -> str | int | bool | None:
    if value is None or isinstance(value, bool | int):
        return value
    return _USER_IN_URL.sub(MASK, str(value))

"""The command line: every group of commands, in one place."""

import os
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from starter import (
    access,
    audit,
    backup,
    configuration,
    contacts,
    customer_access,
    directory,
    gate_clients,
    mail,
    onboarding,
    pairing,
    passkeys,
    payload_keys,
    profiles,
    sign_in,
    site_access,
    system,
    tenant_access,
    visits,
    worker,
)
from starter.console import UsageError, print_text
from starter.front_page import FrontPage, in_full

app = typer.Typer(
    name="gatehouse",
    cls=FrontPage,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The life of access to customers' tenants: asked for, granted or denied, ended on time.",
    epilog="New here? `gatehouse demo` tells one story of it all. Every command has a --help.",
)
app.add_typer(tenant_access.app, name="request")
app.add_typer(visits.tenants, name="tenant")
app.add_typer(visits.sessions, name="session")
app.add_typer(customer_access.app, name="customer")
app.add_typer(pairing.app, name="pairing")
app.add_typer(site_access.app, name="site")
app.add_typer(contacts.app, name="contacts")
app.add_typer(onboarding.app, name="onboarding")
app.add_typer(access.app, name="access")
app.add_typer(directory.app, name="directory")
app.add_typer(gate_clients.app, name="client")
app.add_typer(sign_in.keys, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(mail.app, name="mail")
app.add_typer(configuration.app, name="config")
app.add_typer(worker.app, name="worker")
sign_in.keys.command("rotate-payload")(payload_keys.rotate)
sign_in.keys.command("passkeys")(passkeys.list_passkeys)
sign_in.keys.command("remove-passkey")(passkeys.remove_passkey)
COMMANDS: tuple[Callable[..., None], ...] = (
    sign_in.login,
    sign_in.logout,
    sign_in.whoami,
    system.up,
    system.portal,
    system.migrate,
    system.reconcile,
    backup.backup,
    system.demo,
)
for command in COMMANDS:
    app.command()(command)
in_full(app)


def _version(wanted: bool) -> None:
    if wanted:
        print_text(f"gatehouse {version('gatehouse')}")
        raise typer.Exit


@app.callback()
def root(
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which sign-in to use (also GATEHOUSE_PROFILE)."),
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hand the profile down to whatever command follows."""
    if profile is not None:
        try:
            os.environ["GATEHOUSE_PROFILE"] = profiles.chosen(profile)
        except UsageError as wrong:
            raise typer.BadParameter(str(wrong)) from None

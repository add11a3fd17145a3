"""Onboardings on the command line; also `python -m starter.onboarding`."""

from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer

from approvals.commands import Command
from approvals.onboarding.commands import Abandon, Retry
from approvals.onboarding.customer_file import CustomerFileError, read_customer
from approvals.onboarding.record import Status
from approvals.onboarding.views import OnboardingView
from approvals.slugs import slug
from approvals.texts import message
from starter import onboarding_batches, onboardings, screens
from starter.console import (
    REFUSED,
    USAGE,
    AsJson,
    DryRun,
    UsageError,
    print_json,
    print_text,
    runs,
    status,
)
from starter.decisions import SignOnly
from starter.desk import desk
from starter.onboardings import OnboardingDesk
from starter.typed import checked, id_of, text_of

EXAMPLE = Path(__file__).parent / "examples" / "customer.toml"
app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Bring new customers onto the customer platform, and into the directory.",
)
Onboarding = Annotated[
    UUID, typer.Argument(metavar="ONBOARDING", parser=id_of, help="The onboarding's id.")
]
Follow = Annotated[
    bool | None,
    typer.Option(
        "--wait/--no-wait",
        help="Wait until it is ready or parked; or leave it with Temporal. Without either: wait"
        " until it is accepted.",
    ),
]


@app.command()
@runs
async def start(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A customer.toml; `onboarding example` prints one."),
    ] = None,
    from_csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A CSV file of many, one a line.")
    ] = None,
    organization: Annotated[
        str | None, typer.Option(metavar="SLUG", help="For which vendor (operators only).")
    ] = None,
    dry_run: DryRun = False,
    wait: Follow = None,
    as_json: AsJson = False,
) -> None:
    """Onboard a customer, or many of a CSV file.

    It is created on the platform, its admins are named, and its people get their roles.
    """
    if (file is None) == (from_csv is None):
        raise UsageError("Give FILE or --from-csv, one of them.")
    if organization is not None:
        checked("--organization", slug, organization)
    if from_csv is not None:
        how = onboarding_batches.How(dry_run, wait, as_json)
        async with desk() as at:
            await onboarding_batches.send(OnboardingDesk(at), from_csv, organization, how)
    elif file is not None:
        await _start_one(file, organization, dry_run=dry_run, wait=wait, as_json=as_json)


@app.command("list")
@runs
async def list_(
    statuses: Annotated[
        list[Status] | None,
        typer.Option("--status", metavar="STATUS", help=f"Only these: {', '.join(Status)}."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List the onboardings of your organization, newest first."""
    async with desk() as at:
        found = OnboardingDesk(at)
        views = await found.listed([one.value for one in statuses or []], limit)
        if as_json:
            print_json([one.model_dump(mode="json") for one in views])
            return
        status(f"Onboardings: {len(views)}")
        if views:
            onboardings.print_list(views, await found.zone())


@app.command()
@runs
async def show(onboarding: Onboarding, as_json: AsJson = False) -> None:
    """Show one onboarding: steps, people, timeline."""
    async with desk() as at:
        found = OnboardingDesk(at)
        view = await found.viewed(onboarding)
        lines = await found.timeline(onboarding)
        if as_json:
            timeline = [one.model_dump(mode="json") for one in lines]
            print_json({**view.model_dump(mode="json"), "timeline": timeline})
            return
        zone = await found.zone()
        onboardings.print_view(view, zone)
        status("Timeline")
        screens.timeline(lines, zone)


@app.command()
@runs
async def watch(onboarding: Onboarding) -> None:
    """Show the steps while they happen, until it is over or parked."""
    async with desk() as at:
        _tell_end(await onboardings.followed(OnboardingDesk(at), onboarding))


@app.command()
@runs
async def retry(
    onboarding: Onboarding,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Follow = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a parked onboarding, from the step that failed."""
    await _give(onboarding, Retry(), (dry_run, sign_only, wait, as_json))


@app.command()
@runs
async def abandon(
    onboarding: Onboarding,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why, for the other operators.")
    ] = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Follow = None,
    as_json: AsJson = False,
) -> None:
    """Take back all that it made on the platform.

    What was made last is taken back first.
    """
    command = Abandon(reason=checked("--reason", message, reason))
    await _give(onboarding, command, (dry_run, sign_only, wait, as_json))


@app.command()
def example(
    path: Annotated[bool, typer.Option("--path", help="Print the file's path instead.")] = False,
) -> None:
    """Print an example customer.toml.

    It fits the reference platform of `gatehouse up --with-platform`.
    """
    print_text(str(EXAMPLE) if path else EXAMPLE.read_text(encoding="utf-8").rstrip("\n"))


async def _start_one(
    file: Path, organization: str | None, *, dry_run: bool, wait: bool | None, as_json: bool
) -> None:
    try:
        form = read_customer(text_of("FILE", file), uuid4(), organization)
    except CustomerFileError as broken:
        for problem in broken.problems:
            status(f"{file}: {problem}")
        status("Nothing was changed.")
        raise typer.Exit(USAGE) from None
    async with desk() as at:
        found = OnboardingDesk(at)
        view = await found.drafted(form)
        for warning in view.warnings:
            status(f"Note: {warning}")
        if dry_run:
            if as_json:
                print_json({"dry_run": True, **view.model_dump(mode="json")})
            else:
                onboardings.print_draft(view)
            status("Nothing was changed. The form would be accepted now.")
            return
        process = await found.start(form, wait=wait is not False)
        await _tell(found, process, Status.READY, wait=wait, as_json=as_json)


async def _give(process: UUID, command: Command, how: tuple[bool, bool, bool | None, bool]) -> None:
    dry_run, sign_only, wait, as_json = how
    if dry_run and sign_only:
        raise UsageError("Give --dry-run or --sign-only, not both.")
    async with desk() as at:
        found = OnboardingDesk(at)
        await found.viewed(process)
        if sign_only:
            found.print_signed(process, command, as_json=as_json)
            return
        after = (await found.judged(process, command)).after
        wanted = Status.ABANDONED if after.status is Status.UNDOING else Status.READY
        if dry_run:
            if as_json:
                print_json({"dry_run": True, "status": after.status})
            status(f"Nothing was changed. With this command it would be {after.status}.")
            return
        await found.give(process, command, wait=wait is not False)
        await _tell(found, process, wanted, wait=wait, as_json=as_json)


async def _tell(
    found: OnboardingDesk, process: UUID, wanted: Status, *, wait: bool | None, as_json: bool
) -> None:
    """Say what became of a command; with *wait* only once there is no step left to take.

    Then it has failed if the onboarding is not as *wanted*.
    """
    if wait is False:
        if as_json:
            print_json({"id": str(process), "waited": False})
        else:
            print_text(str(process))
        status("Left with Temporal; its outcome will stand on the timeline.")
        return
    if wait:
        status(f"Onboarding {process}. Ctrl-C ends this display; the onboarding goes on.")
    view = await (onboardings.followed(found, process) if wait else found.viewed(process))
    if as_json:
        print_json(view.model_dump(mode="json"))
    else:
        print_text(str(process))
    if wait:
        _tell_end(view, wanted)
    else:
        status(f"{view.name} is {view.status}; see `gatehouse onboarding watch {process}`.")


def _tell_end(view: OnboardingView, wanted: Status = Status.READY) -> None:
    why = "" if view.reason is None else f": {view.reason}"
    status(f"{view.name} is {view.status}{why}")
    if view.status == Status.PARKED:
        status(f"Go on with `gatehouse onboarding retry {view.id}`, or undo it with `abandon`.")
    if view.status != wanted:
        raise typer.Exit(REFUSED)


if __name__ == "__main__":
    app()

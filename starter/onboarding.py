"""Onboardings on the command line; also `python -m starter.onboarding`."""

from dataclasses import dataclass
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
from starter import onboarding_batches, onboardings, showing
from starter.console import (
    REFUSED,
    UsageError,
    command_group,
    print_json,
    print_text,
    runs,
    status,
)
from starter.desk import desk
from starter.giving import require_one_way, say_judged, say_left
from starter.onboarding_batches import Follow, HowStarted
from starter.onboardings import OnboardingDesk
from starter.options import AsJson, DryRun, Limit, SignOnly, Vendor, only
from starter.typed import checked, id_of, mistaken, text_of

EXAMPLE = Path(__file__).parent / "examples" / "customer.toml"
app = command_group("Bring new customers onto the customer platform, and into the directory.")
Onboarding = Annotated[
    UUID, typer.Argument(metavar="ONBOARDING", parser=id_of, help="The onboarding's id.")
]


@dataclass(frozen=True)
class How:
    """How a command on an onboarding is given. *wait* None: until it is accepted."""

    dry_run: DryRun = False
    sign_only: SignOnly = False
    wait: Follow = None
    as_json: AsJson = False

    def __post_init__(self) -> None:
        require_one_way(dry_run=self.dry_run, sign_only=self.sign_only)


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
    organization: Vendor = None,
    *,
    how: HowStarted,
) -> None:
    """Onboard a customer, or many of a CSV file.

    It is created on the platform, its admins are named, and its people get their roles.
    """
    if (file is None) == (from_csv is None):
        raise UsageError("Give FILE or --from-csv, one of them.")
    if organization is not None:
        checked("--organization", slug, organization)
    if from_csv is not None:
        async with desk() as at:
            await onboarding_batches.send(OnboardingDesk(at), from_csv, organization, how)
    elif file is not None:
        await _start_one(file, organization, how)


@app.command("list")
@runs
async def list_(
    statuses: Annotated[list[Status] | None, only(Status)] = None,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List the onboardings of your organization, newest first."""
    async with desk() as at:
        found = OnboardingDesk(at)
        views = await found.listed([one.value for one in statuses or []], limit)
        if as_json:
            print_json(views)
            return
        status(f"Onboardings: {len(views)}")
        if views:
            onboardings.print_list(views, await found.zone())


@app.command()
@runs
async def show(onboarding: Onboarding, as_json: AsJson = False) -> None:
    """Show one onboarding: steps, people, timeline."""
    async with desk() as at:
        await showing.show(OnboardingDesk(at), onboarding, onboardings.print_view, as_json=as_json)


@app.command()
@runs
async def watch(onboarding: Onboarding) -> None:
    """Show the steps while they happen, until it is over or parked."""
    async with desk() as at:
        _tell_end(await onboardings.followed(OnboardingDesk(at), onboarding))


@app.command()
@runs
async def retry(onboarding: Onboarding, how: How) -> None:
    """Go on with a parked onboarding, from the step that failed."""
    await _give(onboarding, Retry(), how)


@app.command()
@runs
async def abandon(
    onboarding: Onboarding,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why, for the other operators.")
    ] = None,
    *,
    how: How,
) -> None:
    """Take back all that it made on the platform.

    What was made last is taken back first.
    """
    command = Abandon(reason=checked("--reason", message, reason))
    await _give(onboarding, command, how)


@app.command()
def example(
    path: Annotated[bool, typer.Option("--path", help="Print the file's path instead.")] = False,
) -> None:
    """Print an example customer.toml.

    It fits the reference platform of `gatehouse up --with-platform`.
    """
    print_text(str(EXAMPLE) if path else EXAMPLE.read_text(encoding="utf-8").rstrip("\n"))


async def _start_one(file: Path, organization: str | None, how: HowStarted) -> None:
    try:
        form = read_customer(text_of("FILE", file), uuid4(), organization)
    except CustomerFileError as broken:
        raise mistaken(file, broken.problems) from None
    async with desk() as at:
        found = OnboardingDesk(at)
        view = await found.drafted(form)
        for warning in view.warnings:
            status(f"Note: {warning}")
        if how.dry_run:
            if how.as_json:
                print_json({"dry_run": True, **view.model_dump(mode="json")})
            else:
                onboardings.print_draft(view)
            status("Nothing was changed. The form would be accepted now.")
            return
        process = await found.start(form, wait=how.wait is not False)
        await _tell(found, process, Status.READY, how)


async def _give(process: UUID, command: Command, how: How) -> None:
    async with desk() as at:
        found = OnboardingDesk(at)
        await found.viewed(process)
        if how.sign_only:
            found.print_signed(process, command, as_json=how.as_json)
            return
        after = (await found.judged(process, command)).after
        if how.dry_run:
            say_judged(found, after, as_json=how.as_json)
            return
        wanted = Status.ABANDONED if after.status is Status.UNDOING else Status.READY
        await found.give(process, command, wait=how.wait is not False)
        await _tell(found, process, wanted, how)


async def _tell(
    found: OnboardingDesk, process: UUID, wanted: Status, how: How | HowStarted
) -> None:
    """Say what became of a command; with *wait* only once there is no step left to take.

    Then it has failed if the onboarding is not as *wanted*.
    """
    if how.wait is False:
        if not how.as_json:
            print_text(str(process))
        say_left(process, as_json=how.as_json)
        return
    if how.wait:
        status(f"Onboarding {process}. Ctrl-C ends this display; the onboarding goes on.")
        view = await onboardings.followed(found, process)
    else:
        _, view = await found.viewed(process)
    if how.as_json:
        print_json(view)
    else:
        print_text(str(process))
    if how.wait:
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

"""An import on real databases: all of a file or nothing, once, and on record."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from approvals import audit
from approvals.access import Reason
from approvals.directory_difference import Difference
from approvals.directory_file import DirectoryFile, read
from approvals.directory_forms import DirectoryFileError
from approvals.facts import Needed
from approvals.people import Directory, OrganizationId
from approvals.tenant_access.commands import Deny
from store.directory import part_of
from store.engine import Engines
from store.gate import SqlGate
from store.registrar import Registrar
from store.trail import Trail
from tests.approvals.small_directory import SMALL, ZONES, small
from tests.factories import (
    CAROLINE,
    CLASSICS,
    DIRECTORY,
    ELIZABETH,
    LYDIA,
    NETHERFIELD,
    START,
    TOM,
    TOM_SAWYER,
    changed,
    make_id,
    without_roles,
)
from tests.installation import Installation
from tests.store.rows import digest_of, rows_of
from tests.stored_life import StoredLife

DIRECTORY_TABLES = (
    "organization", "serves", "tenant", "site", "team", "person", "team_member", "role_assignment",
)  # fmt: skip
OWN = (*DIRECTORY_TABLES, "audit")  # all that an import may write


def of(directory: Directory) -> DirectoryFile:
    """Return a file that says this directory."""
    return DirectoryFile(directory=directory)


def ordered(file: DirectoryFile) -> dict[str, list[Any]]:
    """Return what a file says, without the order in which it says it."""
    said = {**file.directory.model_dump(), **file.model_dump(exclude={"directory"})}
    return {kind: sorted(map(repr, entries)) for kind, entries in said.items()}


async def imports(engines: Engines, text: str) -> Difference:
    """Import a file's text."""
    return await Registrar(engines).write(read(text, ZONES))


async def test_what_was_imported_is_read_back_the_same(engines: Engines) -> None:
    registrar = Registrar(engines)

    await registrar.write(small())

    assert ordered(await registrar.read()) == ordered(small())


async def test_an_import_is_one_entry_of_the_installations_chain(engines: Engines) -> None:
    await Registrar(engines).write(small())

    (entry,) = await Trail(engines).entries(audit.INSTALLATION)
    assert (entry.event, entry.actor, entry.channel) == ("directory.imported", None, "owner")
    assert entry.reason == "12 added, 0 changed, 0 removed; 0 not in the file, left alone"
    assert entry.at == START
    assert await Trail(engines).breaches_of(audit.INSTALLATION) == ()


async def test_importing_a_file_again_writes_nothing(engines: Engines) -> None:
    await Registrar(engines).write(small())
    before = await digest_of(engines)

    found = await Registrar(engines).write(small())

    assert found.is_empty
    assert await digest_of(engines) == before


async def test_a_comparison_writes_nothing(engines: Engines) -> None:
    before = await digest_of(engines)

    found = await Registrar(engines).compare(small())

    assert len(found.added) == 12
    assert await digest_of(engines) == before


async def test_every_import_that_changes_something_lengthens_the_chain(engines: Engines) -> None:
    for name in ("Ann", "Ann Lee", "Ann Lee", "Ann"):
        await imports(engines, SMALL.replace('name = "Ann"', f'name = "{name}"'))

    entries = await Trail(engines).entries(audit.INSTALLATION)
    assert [one.seq for one in entries] == [1, 2, 3]
    assert await Trail(engines).breaches_of(audit.INSTALLATION) == ()


async def test_an_address_changes_and_the_person_stays_the_same(engines: Engines) -> None:
    await Registrar(engines).write(small())
    ann = small().directory.people[0]

    await imports(engines, SMALL.replace('email = "ann@', f'id = "{ann.id}"\nemail = "Ann.Lee@'))

    stored = (await Registrar(engines).read()).directory
    assert stored.person_of("ann.lee@example.com") == ann.model_copy(
        update={"email": "Ann.Lee@example.com"}
    )
    assert stored.person_of("ann@example.com") is None


async def test_two_people_swap_their_addresses(engines: Engines) -> None:
    await Registrar(engines).write(small())
    ann, tom, _ = small().directory.people
    swapped = SMALL.replace('email = "Tom@', f'id = "{tom.id}"\nemail = "ann@').replace(
        'email = "ann@example.com"', f'id = "{ann.id}"\nemail = "tom@example.org"'
    )

    await imports(engines, swapped)

    stored = (await Registrar(engines).read()).directory
    assert {one.id: one.email for one in stored.people if one.id in (ann.id, tom.id)} == {
        ann.id: "tom@example.org",
        tom.id: "ann@example.org",
    }


async def test_two_organizations_swap_their_slugs(installation: Installation) -> None:
    registrar = Registrar(installation.engines)
    wanted = changed(changed(DIRECTORY, CLASSICS, slug="netherfield"), NETHERFIELD, slug="classics")

    await registrar.write(of(wanted))

    assert ordered(await registrar.read()) == ordered(of(wanted))


async def test_roles_that_the_file_takes_away_are_gone(installation: Installation) -> None:
    registrar = Registrar(installation.engines)

    found = await registrar.write(of(without_roles(DIRECTORY, TOM, ELIZABETH)))

    stored = (await registrar.read()).directory
    assert len(found.removed) == 2
    assert not [one for one in stored.roles if one.person in (TOM.id, ELIZABETH.id)]
    assert len(stored.roles) == len(DIRECTORY.roles) - 2


async def test_whom_a_file_does_not_name_stays(installation: Installation) -> None:
    registrar = Registrar(installation.engines)

    found = await registrar.write(small_beside_classics())

    stored = (await registrar.read()).directory
    assert set(DIRECTORY.people) <= set(stored.people)
    assert set(DIRECTORY.roles) <= set(stored.roles)
    assert set(DIRECTORY.serves) <= set(stored.serves)
    assert (found.changed, found.removed) == ((), ())
    assert len(found.left_alone) == len(DIRECTORY.organizations) + 2 + len(DIRECTORY.people)


def small_beside_classics() -> DirectoryFile:
    """Return SMALL under slugs that the installation's directory does not have."""
    text = SMALL.replace('"classics"', '"others"').replace('"netherfield"', '"vendors"')
    return read(text, ZONES)


async def test_a_slug_that_somebody_keeps_is_refused_and_nothing_written(
    installation: Installation,
) -> None:
    before = await digest_of(installation.engines)

    with pytest.raises(DirectoryFileError, match=r"organization 1 \(classics\): slug: The stored"):
        await Registrar(installation.engines).write(small())

    assert await digest_of(installation.engines) == before


async def test_an_import_that_breaks_halfway_leaves_nothing_behind(engines: Engines) -> None:
    before = await digest_of(engines)
    nowhere = OrganizationId(make_id("nowhere"))
    stranger = changed(DIRECTORY, LYDIA, organization=nowhere)

    with pytest.raises(IntegrityError):
        await Registrar(engines).write(of(stranger))

    assert await digest_of(engines) == before


async def test_two_imports_at_once_write_once(engines: Engines) -> None:
    registrar = Registrar(engines)

    found = await asyncio.gather(*(registrar.write(small()) for _ in range(4)))

    assert sorted(one.is_empty for one in found) == [False, True, True, True]
    assert len(await rows_of(engines, "audit")) == 1


async def test_imports_and_refusals_share_the_installations_chain(life: StoredLife) -> None:
    registrar = Registrar(life.engines)
    names = [f"Lydia {number}" for number in range(8)]
    nowhere = [make_id(f"nowhere {name}") for name in names]

    await asyncio.gather(
        *(registrar.write(of(changed(DIRECTORY, LYDIA, name=name))) for name in names),
        *(
            life.hears(
                life.installation.signed(TOM, process, Deny(reason="No."), at=START),
                process=process,
            )
            for process in nowhere
        ),
    )

    entries = await life.trail.entries(audit.INSTALLATION)
    assert len([one for one in entries if one.event == "directory.imported"]) == len(names)
    assert len(entries) > len(names)
    assert await life.trail.breaches_of(audit.INSTALLATION) == ()


async def test_an_import_touches_no_key_and_no_process(life: StoredLife) -> None:
    await life.granted()
    before = await digest_of(life.engines, besides=OWN)

    await Registrar(life.engines).write(of(changed(DIRECTORY, LYDIA, name="Mrs. Wickham")))

    assert await digest_of(life.engines, besides=OWN) == before


async def test_the_gate_shuts_at_once_on_whom_an_import_puts_out(life: StoredLife) -> None:
    await life.granted()
    gate = SqlGate(life.engines)
    open_before = (await gate.check(CAROLINE.id, TOM_SAWYER.id)).is_open

    await Registrar(life.engines).write(of(changed(DIRECTORY, CAROLINE, is_active=False)))

    assert open_before
    assert (await gate.check(CAROLINE.id, TOM_SAWYER.id)).reason is Reason.PERSON_INACTIVE


async def test_a_role_is_not_taken_away_in_the_middle_of_a_decision(
    installation: Installation,
) -> None:
    engines = installation.engines
    async with engines.write.begin() as deciding:
        await part_of(deciding, Needed(people=(TOM.id,)), hold=True)

        taken = asyncio.create_task(Registrar(engines).write(of(without_roles(DIRECTORY, TOM))))
        await asyncio.sleep(0.3)

        assert not taken.done()
    assert len((await taken).removed) == 1

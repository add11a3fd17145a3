"""An import on real databases leaves alone what a process holds: contacts, and new customers."""

from uuid import uuid4

from approvals import audit
from approvals.contacts.commands import ContactForm, SaveContacts, SetNotificationAddress
from approvals.contacts.record import Contacts, process_id_of, shown_digest
from approvals.directory_file import DirectoryFile
from approvals.onboarding.entry import entry_of
from approvals.people import Directory, OrganizationId, Person, Role
from approvals.transition import DirectoryChange
from store import directory_changes
from store.registrar import Registrar
from tests.factories import BECKY, DIRECTORY, FENCE_PAINTING, TOM, make_person, role
from tests.installation import write_directory
from tests.onboardings import life_in
from tests.sites import SITE
from tests.stored_life import StoredLife, code_of

POLLY = make_person("Aunt Polly", FENCE_PAINTING)
SITED = DIRECTORY.model_copy(
    update={
        "people": (*DIRECTORY.people, POLLY),
        "sites": (SITE,),
        "roles": (*DIRECTORY.roles, role(BECKY, Role.PRIMARY_CONTACT, SITE.id)),
    }
)


def of(directory: Directory, *gone: Person) -> DirectoryFile:
    """Return a file that says this directory, in which these people are not active."""
    left = {one.id for one in gone}
    people = tuple(
        one.model_copy(update={"is_active": one.id not in left}) for one in directory.people
    )
    return DirectoryFile(
        directory=directory.model_copy(update={"people": people, "sites": ()}), sites=(SITE,)
    )


def naming(primary: Person, *gone: Person) -> DirectoryFile:
    """Return a file with another primary contact of the site."""
    roles = (*DIRECTORY.roles, role(primary, Role.PRIMARY_CONTACT, SITE.id))
    return of(SITED.model_copy(update={"roles": roles}), *gone)


def saving(state: Contacts | None, directory: Directory, *people: Person) -> SaveContacts:
    """Return the command that makes these the contacts, the primary first."""
    first, *others = (ContactForm(person=one.email) for one in people)
    shown = shown_digest(state, SITE.id, directory)
    return SaveContacts(site=SITE.slug, primary=first, secondaries=tuple(others), shown=shown)


async def at_the_site(life: StoredLife) -> StoredLife:
    """Return the process of the site's contacts, which nobody has saved yet."""
    async with life.engines.write.begin() as connection:
        await write_directory(connection, SITED)
    return StoredLife(life.installation, life.clock, process=process_id_of(SITE.id))


async def kept(life: StoredLife) -> StoredLife:
    """Return the process of the site's contacts after Becky saved herself and Tom."""
    site = await at_the_site(life)
    outcome = await site.says(BECKY, saving(None, SITED, BECKY, TOM))
    assert code_of(outcome) is None
    return site


async def holders(life: StoredLife, held: Role) -> list[str]:
    """Return the names of those who hold a contact role, active or not."""
    stored = (await Registrar(life.engines).read()).directory
    return sorted(stored.name_of(one.person) for one in stored.roles if one.role is held)


async def contacts(site: StoredLife) -> Contacts:
    """Return the stored record."""
    state = await site.installation.inbox.state(site.process)
    assert isinstance(state, Contacts)
    return state


async def test_a_customer_that_an_onboarding_entered_is_served_after_another_import(
    life: StoredLife,
) -> None:
    onboarding = life_in("ready").onboarding
    async with life.engines.write.begin() as connection:
        await directory_changes.write(connection, entry_of(onboarding))
    before = (await Registrar(life.engines).read()).directory

    found = await Registrar(life.engines).write(of(DIRECTORY))

    after = (await Registrar(life.engines).read()).directory
    assert set(after.serves) == set(before.serves)
    assert set(after.roles) == set(before.roles)
    assert set(before.people) <= set(after.people)
    assert found.removed == ()
    told = [(one.key, one.fact) for one in found.left_alone if one.kind == "serves"]
    names = {one.id: one.slug for one in after.organizations}
    served = set(entry_of(onboarding).serves)
    assert sorted(told) == sorted((names[one], names[other]) for one, other in served)


async def test_a_customer_that_a_file_names_is_served_by_whom_the_file_says(
    life: StoredLife,
) -> None:
    gone = DIRECTORY.serves[0]
    wanted = DIRECTORY.model_copy(update={"serves": DIRECTORY.serves[1:]})

    found = await Registrar(life.engines).write(of(wanted))

    assert [one.kind for one in found.removed] == ["serves"]
    assert gone not in (await Registrar(life.engines).read()).directory.serves


async def test_whom_a_file_names_without_saying_who_serves_them_is_served_by_nobody(
    life: StoredLife,
) -> None:
    customer = FENCE_PAINTING.model_copy(update={"id": OrganizationId(uuid4()), "slug": "new"})
    server = DIRECTORY.serves[0][0]
    change = DirectoryChange(organizations=(customer,), serves=((server, customer.id),))
    async with life.engines.write.begin() as connection:
        await directory_changes.write(connection, change)
    wanted = DIRECTORY.model_copy(update={"organizations": (*DIRECTORY.organizations, customer)})

    found = await Registrar(life.engines).write(of(wanted))

    assert [(one.kind, one.fact) for one in found.removed] == [("serves", "new")]


async def test_contacts_that_were_saved_stay_whatever_a_file_says(life: StoredLife) -> None:
    await kept(life)

    found = await Registrar(life.engines).write(naming(POLLY))

    assert await holders(life, Role.PRIMARY_CONTACT) == [BECKY.name]
    assert await holders(life, Role.SECONDARY_CONTACT) == [TOM.name]
    assert len(found.ignored) == 3


async def test_a_site_whose_contacts_have_all_left_gets_those_of_the_file(life: StoredLife) -> None:
    site = await kept(life)

    # Tom stays, but a secondary contact without contact updates cannot save anything.
    found = await Registrar(life.engines).write(naming(POLLY, BECKY))

    assert await holders(life, Role.PRIMARY_CONTACT) == [POLLY.name]
    assert await holders(life, Role.SECONDARY_CONTACT) == []
    assert found.ignored == ()
    (entry,) = await life.trail.entries(audit.INSTALLATION)
    assert entry.reason is not None
    assert f"contacts of {SITE.slug} taken from the file" in entry.reason
    assert (await contacts(site)).primary.person == BECKY.id  # follows with the next command


async def test_the_record_follows_the_contacts_that_a_file_put_in_their_place(
    life: StoredLife,
) -> None:
    site = await kept(life)
    await Registrar(life.engines).write(naming(TOM, BECKY))

    outcome = await site.says(TOM, SetNotificationAddress(site=SITE.slug, email="tom@home.example"))

    assert code_of(outcome) is None
    after = await contacts(site)
    assert after.primary.person == TOM.id
    assert after.secondaries == ()


async def test_who_a_file_put_in_the_place_of_the_contacts_can_save_them(life: StoredLife) -> None:
    site = await kept(life)
    await Registrar(life.engines).write(naming(TOM, BECKY))
    stored = (await Registrar(life.engines).read()).directory
    seen = stored.model_copy(update={"sites": (SITE,)})

    outcome = await site.says(TOM, saving(await contacts(site), seen, TOM, POLLY))

    assert code_of(outcome) is None
    assert await holders(life, Role.SECONDARY_CONTACT) == [POLLY.name]


async def test_a_file_that_names_no_live_contact_takes_nothing_over(life: StoredLife) -> None:
    await kept(life)

    await Registrar(life.engines).write(naming(POLLY, BECKY, POLLY))

    assert await holders(life, Role.PRIMARY_CONTACT) == [BECKY.name]
    assert await holders(life, Role.SECONDARY_CONTACT) == [TOM.name]


async def test_a_notification_address_leaves_the_contacts_to_the_file(life: StoredLife) -> None:
    site = await at_the_site(life)
    await site.says(BECKY, SetNotificationAddress(site=SITE.slug, email="becky@home.example"))

    found = await Registrar(life.engines).write(naming(POLLY))

    assert await holders(life, Role.PRIMARY_CONTACT) == [POLLY.name]
    assert found.ignored == ()


async def test_an_import_that_is_repeated_after_a_rescue_changes_nothing(life: StoredLife) -> None:
    await kept(life)
    await Registrar(life.engines).write(naming(POLLY, BECKY))

    found = await Registrar(life.engines).write(naming(POLLY, BECKY))

    assert found.is_empty

"""What a directory file would change, as lines for people to read before and after."""

from collections.abc import Iterator, Mapping
from itertools import chain
from uuid import UUID

from approvals.addresses import canonical
from approvals.directory_file import DirectoryFile
from approvals.directory_forms import DirectoryFileError, Problem
from approvals.people import Directory, Group, Organization, Person, PersonId, Site, Tenant
from approvals.records import Record

Listed = Organization | Tenant | Site | Group | Person
Place = tuple[str, UUID]  # kind and id
Link = tuple[Place, tuple[object, ...]]  # an entry, and what it holds
_APART = frozenset(("id", "members"))  # an id never changes, and members are lines of their own


class Line(Record):
    """One fact: what *kind* of thing, whose (slug or address), and what about it."""

    kind: str
    key: str
    fact: str


class Difference(Record):
    """What an import adds, changes and removes, and what the file does not name, so stays.

    The file says all about whom it names: roles, members and served customers that it leaves out
    of a listed person, group or organization are removed, but for a served customer that it does
    not name at all. What a file says of contacts that a site keeps itself is *ignored*; *rescued*
    are the slugs of sites that kept their own, until none of these could save any.
    """

    added: tuple[Line, ...] = ()
    changed: tuple[Line, ...] = ()
    removed: tuple[Line, ...] = ()
    left_alone: tuple[Line, ...] = ()
    ignored: tuple[Line, ...] = ()
    rescued: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to be written."""
        return not (self.added or self.changed or self.removed)

    def summary(self) -> str:
        """Return the counts on one line."""
        return (
            f"{len(self.added)} added, {len(self.changed)} changed, {len(self.removed)} removed;"
            f" {len(self.left_alone)} not in the file, left alone"
            + (f"; {len(self.ignored)} ignored" if self.ignored else "")
            + (f"; contacts of {', '.join(self.rescued)} taken from the file" * bool(self.rescued))
        )


def difference(current: DirectoryFile, wanted: DirectoryFile) -> Difference:
    """Compare what is stored with what a file says, in the file's order.

    Raises DirectoryFileError for a slug or address that a stored entry has and keeps.
    """
    before, after = dict(_listed(current)), dict(_listed(wanted))
    if taken := tuple(_taken(before, after)):
        raise DirectoryFileError(taken)
    names = {one: key_of(entry) for (_, one), entry in (before | after).items()}
    old, new = dict(_links(current, names)), dict(_links(wanted, names))
    new_entries = (_line(*one) for one in after.items() if one[0] not in before)
    return Difference(
        added=(*new_entries, *(line for link, line in new.items() if link not in old)),
        changed=tuple(
            chain.from_iterable(
                _changes(place[0], before[place], entry, names)
                for place, entry in after.items()
                if place in before
            )
        ),
        removed=tuple(line for link, line in old.items() if link[0] in after and link not in new),
        left_alone=tuple(_line(*one) for one in before.items() if one[0] not in after),
    )


def signed_out(before: Directory, after: Directory) -> frozenset[PersonId]:
    """Return the people of the new directory who lose a role, an address, or their place here."""
    people = {one.id: one for one in after.people}
    less = {one.person for one in {*before.roles} - {*after.roles}}
    for one in before.people:
        new = people.get(one.id, one)
        is_off = one.is_active and not new.is_active
        has_moved = new.organization != one.organization
        if is_off or has_moved or canonical(new.email) != canonical(one.email):
            less.add(one.id)
    return frozenset(less & people.keys())


def key_of(entry: Listed) -> str:
    """Return the slug or address by which people know an entry."""
    return entry.email if isinstance(entry, Person) else entry.slug


def _listed(file: DirectoryFile) -> Iterator[tuple[Place, Listed]]:
    kinds: tuple[tuple[str, tuple[Listed, ...]], ...] = (
        ("organization", file.directory.organizations),
        ("tenant", file.directory.tenants),
        ("site", file.sites),
        ("group", file.groups),
        ("person", file.directory.people),
    )
    return (((kind, one.id), one) for kind, entries in kinds for one in entries)


def _links(file: DirectoryFile, names: Mapping[UUID, str]) -> Iterator[tuple[Link, Line]]:
    for server, customer in file.directory.serves:
        line = Line(kind="serves", key=names[server], fact=names[customer])
        yield (("organization", server), ("serves", customer)), line
    for group in file.groups:
        for member in group.members:
            line = Line(kind="member", key=group.slug, fact=names[member])
            yield (("group", group.id), ("member", member)), line
    for held in file.directory.roles:
        scope = "the installation" if held.scope is None else names.get(held.scope, "nothing")
        line = Line(kind="role", key=names[held.person], fact=f"{held.role} for {scope}")
        yield (("person", held.person), ("role", held.role, held.scope)), line


def _line(place: Place, entry: Listed) -> Line:
    return Line(kind=place[0], key=key_of(entry), fact=entry.name)


def _changes(kind: str, old: Listed, new: Listed, names: Mapping[UUID, str]) -> Iterator[Line]:
    after = new.model_dump(exclude=set(_APART))
    for field, was in old.model_dump(exclude=set(_APART)).items():
        if after[field] != was:
            label = field.removeprefix("is_").replace("_", " ")
            fact = f"{label}: {_shown(was, names)} -> {_shown(after[field], names)}"
            yield Line(kind=kind, key=key_of(new), fact=fact)


def _shown(value: object, names: Mapping[UUID, str]) -> str:
    match value:
        case UUID():
            return names[value]
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _taken(before: Mapping[Place, Listed], after: Mapping[Place, Listed]) -> Iterator[Problem]:
    """Find keys of the file that an entry outside it has; inside it they are unique already."""
    kept = {
        (kind, canonical(key_of(entry))): one
        for (kind, one), entry in before.items()
        if (kind, one) not in after
    }
    counts: dict[str, int] = {}
    for (kind, _), entry in after.items():
        counts[kind] = counts.get(kind, 0) + 1
        key, field = key_of(entry), "email" if kind == "person" else "slug"
        if (holder := kept.get((kind, canonical(key)))) is not None:
            yield Problem(
                where=f"{kind} {counts[kind]} ({key})",
                field=field,
                code="key_taken",
                sentence=f"The stored {kind} {holder} has this {field}. If it is the same {kind},"
                f' write id = "{holder}".',
            )

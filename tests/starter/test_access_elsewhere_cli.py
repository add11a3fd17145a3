"""`gatehouse access check` on pairings, platforms and sites, and words that do not fit there."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from approvals.people import Role
from starter.access import app
from tests.factories import (
    BECKY,
    CAROLINE,
    CHRISTOPHER,
    CLASSICS,
    JANE,
    LYDIA,
    MARY,
    MERYTON,
    TOM,
    TOM_SAWYER,
    WICKHAM,
)
from tests.starter.terminal import run, with_life
from tests.store.entries import SITE, Entries
from tests.stored_life import StoredLife
from tests.switching import ON, OTHER_SWITCH, SWITCH, accepting, fill

CHANGE, OTHER_CHANGE = str(UUID(int=1)), str(UUID(int=2))


async def story(life: StoredLife) -> None:
    """Let one partner's switch be accepted, another's pending; pair a group; open a site."""
    await fill(life.engines)
    switch = StoredLife(life.installation, life.clock, process=SWITCH)
    other = StoredLife(life.installation, life.clock, process=OTHER_SWITCH)
    await switch.says(JANE, ON)
    await switch.says(TOM, accepting())
    await other.says(WICKHAM, ON)
    entries = Entries(life.engines)
    await entries.group(MARY)
    await entries.pairing("employees.view", "tests.run", consents=[CHANGE])
    await entries.site()
    await entries.role(BECKY, Role.PRIMARY_CONTACT, SITE)
    await entries.membership(LYDIA, reporting="view")


@pytest.fixture
def filled(gatehouse_home: Path) -> Path:
    """The folder of an installation with one of each."""
    with_life(gatehouse_home, story)
    return gatehouse_home


ON_PLATFORM, AT_SITE = f"platform:{CLASSICS.slug}", f"site:{SITE}"
SWITCHED_ON = "The customer is switched on and has accepted the terms: access"
CASES = {
    "paired": (MARY, TOM_SAWYER.slug, "", 0, "Allowed by pairing "),
    "tenant: spelt out": (MARY, f"tenant:{TOM_SAWYER.slug}", "", 0, "Allowed by pairing "),
    "paired, by permission": (
        MARY, TOM_SAWYER.slug, "--action employees.view", 0, "Allowed by pairing ",
    ),
    "not permitted": (
        MARY, TOM_SAWYER.slug, "--mode configure", 1,
        "There is an open pairing, but its roles do not allow this.",
    ),
    "no such action": (
        MARY, TOM_SAWYER.slug, "--action everything", 1, "There is no such action here.",
    ),
    "consented": (
        MARY, TOM_SAWYER.slug, f"--action disruptive-change --change {CHANGE.upper()}", 0,
        "Allowed by pairing ",
    ),
    "not consented": (
        MARY, TOM_SAWYER.slug, f"--action disruptive-change --change {OTHER_CHANGE}", 1,
        "The customer has not consented to this disruptive change.",
    ),
    "accepted": (BECKY, ON_PLATFORM, "", 0, SWITCHED_ON),
    "by id": (BECKY, f"platform:{CLASSICS.id}", "", 0, SWITCHED_ON),
    "no visit": (BECKY, ON_PLATFORM, "--via session", 1, "There is access, but no open session."),
    "pending": (
        BECKY, f"platform:{MERYTON.slug}", "", 1,
        "Only as far as the terms of use, which nobody has accepted yet: access",
    ),
    "pending, to the terms": (
        BECKY, f"platform:{MERYTON.slug}", "--action accept_terms", 0,
        "Only as far as the terms of use, which nobody has accepted yet: access",
    ),
    "another's customer": (
        CHRISTOPHER, ON_PLATFORM, "", 1,
        "The partner has never switched this person's organization on.",
    ),
    "no such partner": (
        BECKY, "platform:nobody", "", 1, "There is no such person or no such place.",
    ),
    "a contact": (BECKY, AT_SITE, "--area manage_access --level update", 0, "Held as the site's"),
    "a member": (LYDIA, AT_SITE, "--area reporting", 0, "Held by site access "),
    "too high": (
        LYDIA, AT_SITE, "--area reporting --level update", 1,
        "This person does not hold that level in this area of the site.",
    ),
    "a stranger": (
        CAROLINE, AT_SITE, "--area reporting", 1, "This person has no access to the site.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_answer_its_exit_code_and_why(filled: Path, case: str) -> None:
    person, resource, words, code, sentence = CASES[case]

    end = run(app, "check", person.email, resource, *words.split())

    assert (end.code, end.out) == (code, "no\n" if code else "yes\n")
    assert end.err.startswith(sentence)


def test_json_names_the_process_on_which_the_answer_rests(filled: Path) -> None:
    end = run(app, "check", TOM.email, ON_PLATFORM, "--json")

    assert json.loads(end.out) == {
        "answer": "yes",
        "reason": "accepted",
        "process": str(SWITCH),
        "until": None,
    }


WRONG = {
    "platform:": "After 'platform:' there must be the slug or id of a partner. Tenant ids use",
    "site:A B": "After 'site:' there must be the slug or id of a site. Tenant ids use",
    "door:x": "RESOURCE must be a tenant's slug or id, platform:PARTNER or site:SLUG.",
    "classics --area reporting": "--area says nothing about a tenant.",
    "platform:classics --mode support": "--mode says nothing about a platform.",
    "platform:classics --via legacy": "--via legacy says nothing about a platform.",
    "platform:classics --action support": (
        "--action on a platform is one of: sign_in, accept_terms."
    ),
    "site:works": "A site is asked about by --area (and --level).",
    "site:works --via session --area reporting": "--via says nothing about a site.",
    "site:works --area documents --level update": (
        "--level: documents can be asked about at level view only."
    ),
    "site:works --area reporting --level none": (
        "--level: reporting can be asked about at level view or update only."
    ),
    "fence --mode support --action logs.view": "Give --mode or --action, not both.",
    "fence --action disruptive-change": "--change and --action disruptive-change belong together.",
    f"fence --change {CHANGE}": "--change and --action disruptive-change belong together.",
}


@pytest.mark.parametrize("line", WRONG)
def test_words_that_do_not_fit_are_named(gatehouse_home: Path, line: str) -> None:
    resource, *words = line.split(" --")
    options = [part for one in words for part in f"--{one}".split()]

    end = run(app, "check", TOM.email, resource, *options)

    assert (end.code, end.out) == (2, "")
    assert end.err.startswith(WRONG[line])


@pytest.mark.parametrize("resource", [ON_PLATFORM, f"{AT_SITE} --area reporting"])
def test_where_the_database_cannot_be_read_the_answer_is_no(
    gatehouse_home: Path, resource: str, caplog: pytest.LogCaptureFixture
) -> None:
    (gatehouse_home / "gatehouse.db").write_bytes(b"")

    with caplog.at_level("CRITICAL"):
        end = run(app, "check", str(TOM.id), *resource.split())

    assert (end.code, end.out) == (3, "no\n")
    assert "cannot be read" in end.err

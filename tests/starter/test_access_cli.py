"""`gatehouse access check`: yes or no on stdout, the reason on stderr, and the exit code."""

import json
import logging
from pathlib import Path

import pytest

from approvals.sessions import BeginSession, Mode
from starter.access import app
from tests.factories import CAROLINE, CHRISTOPHER, HUNDRED_ACRE, LYDIA, PROCESS, TOM_SAWYER
from tests.starter.terminal import run, with_life
from tests.stored_life import StoredLife


async def story(life: StoredLife) -> None:
    """Let Tom grant Caroline and Charlotte access without an end; Caroline opens a session."""
    await life.granted(no_end=True)
    await life.says(CAROLINE, BeginSession(mode=Mode.SUPPORT))


@pytest.fixture
def granted(gatehouse_home: Path) -> Path:
    """The folder of an installation in which Caroline gets into one tenant."""
    with_life(gatehouse_home, story)
    return gatehouse_home


@pytest.mark.parametrize("person", [CAROLINE.email, CAROLINE.email.upper(), str(CAROLINE.id)])
@pytest.mark.parametrize("tenant", [TOM_SAWYER.slug, str(TOM_SAWYER.id)])
def test_who_was_granted_access_gets_a_yes(granted: Path, person: str, tenant: str) -> None:
    end = run(app, "check", person, tenant)

    assert (end.code, end.out) == (0, "yes\n")
    assert end.err == f"Granted by request {PROCESS}, without an end."


@pytest.mark.parametrize(
    ("person", "tenant", "reason"),
    [
        (LYDIA.email, TOM_SAWYER.slug, "No open grant names this person for this tenant."),
        (CAROLINE.email, HUNDRED_ACRE.slug, "No open grant names this person for this tenant."),
        ("nobody@example.com", TOM_SAWYER.slug, "There is no such person or no such place."),
        (CAROLINE.email, "nowhere", "There is no such person or no such place."),
        (str(PROCESS), TOM_SAWYER.slug, "There is no such person or no such place."),
    ],
)
def test_everybody_else_gets_a_no_and_why(
    granted: Path, person: str, tenant: str, reason: str
) -> None:
    end = run(app, "check", person, tenant)

    assert end == (1, "no\n", reason)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--via", "session"), 0),
        (("--via", "session", "--mode", "configure"), 1),
        (("--via", "legacy"), 0),
    ],
)
def test_the_way_in_and_the_mode_count(granted: Path, words: tuple[str, ...], code: int) -> None:
    assert run(app, "check", CAROLINE.email, TOM_SAWYER.slug, *words).code == code


def test_json_has_answer_reason_and_request(granted: Path) -> None:
    end = run(app, "check", CAROLINE.email, TOM_SAWYER.slug, "--json")

    assert json.loads(end.out) == {
        "answer": "yes",
        "reason": "granted",
        "process": str(PROCESS),
        "until": None,
    }


@pytest.mark.parametrize(
    ("person", "tenant", "sentence"),
    [
        ("caroline", "tom-sawyer", "PERSON must be an e-mail address or an id."),
        ("", "tom-sawyer", "PERSON must be an e-mail address or an id."),
        (
            CHRISTOPHER.email,
            "Tom Sawyer",
            "RESOURCE must be a tenant's slug or id, platform:PARTNER or site:SLUG.",
        ),
        (
            CHRISTOPHER.email,
            "admin",
            "RESOURCE must be a tenant's slug or id, platform:PARTNER or site:SLUG.",
        ),
    ],
)
def test_a_malformed_argument_is_named(
    gatehouse_home: Path, person: str, tenant: str, sentence: str
) -> None:
    end = run(app, "check", person, tenant)

    assert (end.code, end.out) == (2, "")
    assert end.err.startswith(sentence)


@pytest.mark.parametrize("words", [("--mode", "admin"), ("--via", "door"), ("--mood", "support")])
def test_an_unknown_way_is_a_usage_error(gatehouse_home: Path, words: tuple[str, str]) -> None:
    end = run(app, "check", CAROLINE.email, TOM_SAWYER.slug, *words)

    assert (end.code, end.out) == (2, "")


@pytest.mark.parametrize("person", [CAROLINE.email, str(CAROLINE.id)])
@pytest.mark.parametrize("is_there", [True, False])
def test_where_the_database_cannot_be_read_the_answer_is_no(
    gatehouse_home: Path, person: str, is_there: bool, caplog: pytest.LogCaptureFixture
) -> None:
    (gatehouse_home / "gatehouse.db").write_bytes(b"")
    if not is_there:
        (gatehouse_home / "gatehouse.db").unlink()

    with caplog.at_level(logging.CRITICAL):
        end = run(app, "check", person, TOM_SAWYER.slug)

    assert (end.code, end.out) == (3, "no\n")
    assert "cannot be read" in end.err

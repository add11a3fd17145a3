"""After a story of all five processes: no name, text or secret stands where it must not."""

import json
import re
import tomllib
from typing import NamedTuple

import pytest
from temporalio.client import Client

from config.settings import Settings
from starter.leaks import Place, secrets_of
from starter.letters import letters
from starter.reference_platform import ACCOUNT, pbx_secrets
from starter.story import pairing, request, site
from starter.story.cast import EMAILS
from starter.temporal_server import TemporalServer
from tests.played import Played
from tests.security.canaries import (
    file_places,
    held_by,
    mailed_secrets,
    opened,
    temporal_places,
)

ASSERTION = re.compile(rb"eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}")
NAMES = ("Jim Hawkins", "Sid Sawyer", "Doctor Livesey", "Admiral Benbow")
TEXTS = (
    pairing.MESSAGE,
    request.MESSAGE,
    request.REASON,
    site.REASON,
    "Mind the wet floor.",
    "I count the brushes.",
    "I want to watch.",
)
REQUEST_NAME = b"SupportAccess"


class Scene(NamedTuple):
    """A played story, and what must not be found."""

    played: Played
    personal: list[bytes]
    secret: list[bytes]


@pytest.fixture(scope="module")
def scene(played: Played) -> Scene:
    """The demo, played to its end under watch."""
    assert played.code == 0, played.said
    directory = tomllib.loads((played.home.parent / "desk" / "directory.toml").read_text())
    people = [*NAMES, *(one["name"] for one in directory["person"])]
    emails = [*EMAILS.values(), *(one["email"] for one in directory["person"])]
    personal = [one.encode() for one in (*people, *emails, *TEXTS)]
    account = (played.home / "secrets" / ACCOUNT).read_text().strip()
    secret = [
        *mailed_secrets(played.home / "mail"),
        *(one.encode() for one in (*pbx_secrets().values(), account)),
        *secrets_of(Settings(home=played.home)),
        *(file.read_bytes().strip() for file in played.config.rglob("*.key")),
    ]
    return Scene(played, [*personal, REQUEST_NAME], secret)


class Told(NamedTuple):
    """What Temporal has of the story: as it holds it, and to whoever has the keys."""

    raw: list[Place]
    open: list[Place]


@pytest.fixture(scope="module")
async def told(scene: Scene) -> Told:
    """All histories, descriptions and activities, read by a client that has no codec."""
    server = TemporalServer(scene.played.home / "temporal.db")
    await server.start()
    told = Told([], [])
    keys = scene.played.home / "keys" / "payload"
    async for name, message in temporal_places(await Client.connect(server.address)):
        told.raw.append(Place(name, message.SerializeToString()))
        told.open.append(Place(name, b"\n".join(await opened(message, keys))))
    await server.stop()
    return told


def test_the_story_had_something_to_hide(scene: Scene) -> None:
    mailed = mailed_secrets(scene.played.home / "mail")
    text = "\n".join(one.text for one in letters(scene.played.home / "mail"))

    assert len([one for one in mailed if b"_" not in one]) >= 20  # codes, in two spellings each
    assert [one for one in mailed if one.startswith(b"apl_")] != []
    assert [one for one in TEXTS if one[:20] not in text] == []  # long ones are wrapped
    assert len(scene.secret) > len(mailed) + 10
    assert all(len(one) >= 7 for one in scene.secret)


def test_temporal_shows_nothing_of_people_and_no_secret(scene: Scene, told: Told) -> None:
    kinds = {place.name.split()[-1].partition("/")[0] for place in told.raw}

    assert {
        "tenant_access", "pairing", "site_access", "customer_access", "onboarding", "sign_in",
        "notices",
    } <= kinds  # fmt: skip
    assert held_by(told.raw, [*scene.personal, *scene.secret]) == []
    assert [place.name for place in told.raw if ASSERTION.search(place.content)] == []


def test_the_files_of_temporal_hold_nothing_of_people_and_no_secret(
    scene: Scene, told: Told
) -> None:
    places = file_places(scene.played.home, "temporal.db*")

    assert sum(len(place.content) for place in places) > 1_000_000
    assert held_by(places, [*scene.personal, *scene.secret]) == []


def test_who_has_the_keys_of_payloads_reads_texts_and_still_no_secret(
    scene: Scene, told: Told
) -> None:
    found = held_by(told.open, [*scene.personal])

    assert [one for one in found if request.REASON in one] != []  # so the search does find
    assert held_by(told.open, scene.secret) == []
    assert [place.name for place in told.open if ASSERTION.search(place.content)] == []


def test_the_logs_hold_nothing_of_people_and_no_secret(scene: Scene) -> None:
    places = file_places(scene.played.home, "*.log")

    assert {place.name.split()[-1] for place in places} == {
        "platform.log", "portal.log", "temporal.log", "worker.log",
    }  # fmt: skip
    assert held_by(places, [*scene.personal, *scene.secret]) == []
    assert [place.name for place in places if ASSERTION.search(place.content)] == []


def test_the_database_and_what_is_published_hold_no_secret(scene: Scene) -> None:
    places = file_places(
        scene.played.home, "gatehouse.db*", "checkpoints.jsonl", "jwks.json", "keys/*.pub"
    )

    assert len(places) >= 5
    assert held_by(places, scene.secret) == []
    assert [place.name for place in places if ASSERTION.search(place.content)] == []


def test_no_command_line_held_a_secret(scene: Scene) -> None:
    places = [Place("a command line", one) for one in scene.played.lines]

    assert held_by(places, [b"-m\0worker"]) != []  # so it did look at the stack's processes
    assert held_by(places, scene.secret) == []


def test_every_line_of_worker_and_portal_is_json_whoever_wrote_it(scene: Scene) -> None:
    writers = {}
    for part in ("worker", "portal"):
        text = (scene.played.home / f"{part}.log").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        assert [one for one in lines if not {"ts", "level", "event", "logger"} <= set(one)] == []
        writers[part] = {one["logger"].partition(".")[0] for one in lines}

    assert "temporalio" in writers["worker"]
    assert {"uvicorn", "portal"} <= writers["portal"]

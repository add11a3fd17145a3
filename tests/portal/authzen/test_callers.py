"""Who may ask: by a token that is known, as far as its client may, and as often as it may."""

import pytest

from config.settings import Settings
from portal.authzen.callers import KNOWN_SECONDS, Caller, Callers
from portal.authzen.problems import ProblemError
from store.gate_clients import GateClients, fresh_token, hashed
from tests.bad_inputs import rows
from tests.factories import ART_GALLERY, CAROLINE, CLASSICS, FENCE_PAINTING, TOM_SAWYER
from tests.portal.authzen.asking import Program, question, without
from tests.store.entries import Entries
from tests.stored_life import StoredLife

PATHS = ("evaluation", "evaluations", "search/subject", "search/resource", "search/action")
# What a token may be made of by those who have none, or had one.
RECIPES = {
    "'A'*42": lambda _: "A" * 42,
    "'A'*43 (well formed, unknown)": lambda _: "agt_" + "A" * 43,
    "valid token, first char changed": lambda token: "b" + token[1:],
    "valid token, case swapped": lambda token: token.swapcase(),
    "valid token + '.'": lambda token: token + ".",
    "valid token + '%20'": lambda token: token + "%20",
    "valid token + '\\x00'": None,  # no header can hold it
    "valid token reversed": lambda token: token[::-1],
    "two valid tokens joined": lambda token: token + token,
    "standard base64 '+/' instead of '-_'": lambda token: token[:-2] + "+/",
    "prefix of the stored hash": lambda token: "agt_" + hashed(token)[:43],
    "token of another purpose (session id as pairing link)": lambda token: "apl_" + token[4:],
    "token of tenant B at tenant A's host": None,  # a client has one token for all of it
    "CSRF token as link token": lambda token: hashed(token),
    "token made with the previous signing key after rotation": None,  # nothing signs it
}
BAD_TOKENS = [
    row.value if row.recipe is None else RECIPES[row.recipe]
    for row in rows("tokens")
    if row.expect == "link_invalid"
]


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_asks_without_a_token(program: Program, path: str) -> None:
    found = await program.post(path, question(), authorization="Basic canary")

    assert found.status_code == 401
    assert found.headers["www-authenticate"] == 'Bearer realm="gatehouse"'
    assert found.headers["content-type"] == "application/problem+json"
    assert "canary" not in found.text


async def test_no_bad_token_opens_the_gate(program: Program) -> None:
    made = [one(program.token) if callable(one) else one for one in BAD_TOKENS if one is not None]
    tokens = [one for one in made if isinstance(one, str)]

    answers = [
        await program.post("evaluation", question(), authorization=f"Bearer {one}")
        for one in tokens
        if one.isascii() and one.isprintable()
    ]

    assert len(answers) > 15
    assert {one.status_code for one in answers} == {401}
    assert all("error=" in one.headers["www-authenticate"] for one in answers)


async def test_a_token_that_is_sent_twice_is_none(program: Program) -> None:
    request = program.client.build_request(
        "POST",
        "/access/v1/evaluation",
        json=question(),
        headers=[("authorization", f"Bearer {program.token}")] * 2,
    )

    found = await program.client.send(request)

    assert found.status_code == 401


async def test_a_revoked_token_opens_nothing_after_a_second(program: Program) -> None:
    moment = 0.0
    callers = Callers(program.engines, 100, clock=lambda: moment)
    caller = Caller("127.0.0.1", program.token, hashed(program.token))
    async with callers.gate(caller) as gate:
        assert gate.client.name == "target"

    await GateClients(program.engines).revoke("target")

    moment = KNOWN_SECONDS
    with pytest.raises(ProblemError) as refusal:
        async with callers.gate(caller):
            pass
    assert refusal.value.status == 401


async def test_guesses_are_limited_and_a_good_client_goes_on_beside_them(
    program: Program,
) -> None:
    assert await program.decision() == "granted"

    guesses = [
        (
            await program.post("evaluation", question(), authorization=f"Bearer {fresh_token()}")
        ).status_code
        for _ in range(12)
    ]

    assert guesses == [401] * 10 + [429] * 2
    assert await program.decision() == "granted"


async def test_a_client_may_ask_so_often_in_a_minute(
    stranger: Program, life: StoredLife, settings: Settings
) -> None:
    limited = Program(life.engines, settings.model_copy(update={"gate_requests_per_minute": 3}))
    await limited.enrolled()

    answers = [await limited.post("evaluation", question()) for _ in range(4)]

    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 61
    await limited.client.aclose()


async def test_programs_are_not_limited_as_people_are(
    stranger: Program, life: StoredLife, settings: Settings
) -> None:
    few = settings.model_copy(update={"portal_requests_per_minute": 2})
    program = await Program(life.engines, few).enrolled()

    pages = [(await program.client.get("/sign-in")).status_code for _ in range(3)]
    answers = [await program.decision() for _ in range(3)]

    assert pages == [200, 200, 429]
    assert answers == ["granted"] * 3
    await program.client.aclose()


async def test_a_confined_client_sees_the_places_of_its_organizations_alone(
    stranger: Program, entries: Entries
) -> None:
    await stranger.enrolled(ART_GALLERY.slug, CLASSICS.slug)
    await entries.process(
        "customer_access", "accepted", customer_id=FENCE_PAINTING.id, organization_id=CLASSICS.id
    )

    asked = [
        await stranger.decision(),
        await stranger.decision(where=TOM_SAWYER.id),
        await stranger.decision(where="nowhere"),
        await stranger.decision(where="hundred-acre"),
    ]
    places = await stranger.found("resource", without(question(), "resource", "id"))
    people = await stranger.found("subject", without(question(), "subject", "id"))

    assert asked == ["(unknown)", "(unknown)", "(unknown)", "(no_grant)"]
    assert (places, people) == ([], [])


async def test_who_may_only_ask_cannot_search(stranger: Program) -> None:
    await stranger.enrolled(may_search=False)

    answers = [await stranger.post(path, question()) for path in PATHS]

    assert [one.status_code for one in answers] == [200, 200, 403, 403, 403]
    assert CAROLINE.email not in answers[2].text

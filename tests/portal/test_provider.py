"""Signing in with the account of a provider of identities, against one that answers for real."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from oidc_provider_mock import User, run_server_in_thread
from temporalio.client import Client

from config.settings import ConfigurationError, Settings
from identity.files import write_secret
from portal.keys import ensured
from portal.openid import Attempt, NotIdentifiedError, OpenIdProvider
from portal.parts import parts_of
from store.engine import Engines
from tests.factories import CAROLINE, LYDIA, TOM
from tests.installation import Installation
from tests.portal.site import Browser, Page, Site
from tests.store.rows import rows_of

STRANGER = "nobody@classics.example"


def account(email: str, *, is_verified: object = True) -> User:
    """Return somebody's account with the provider."""
    return User(sub=f"sub-{email}", claims={"email": email, "email_verified": is_verified})


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider with accounts of Caroline and Tom, of a stranger, and of Lydia, unverified."""
    people = [
        account(CAROLINE.email.upper()),
        account(TOM.email),
        account(STRANGER),
        account(LYDIA.email, is_verified=False),
    ]
    with run_server_in_thread(user_claims=people, require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def settings(settings: Settings, issuer: str) -> Settings:
    """The portal's settings, with the provider."""
    file = settings.home / "client"
    write_secret(file, b"a secret of the client\n")
    more = {"oidc_issuer": issuer, "oidc_client_secret_file": file}
    return settings.model_copy(update=more)


@pytest.fixture
async def site(
    installation: Installation, settings: Settings, client: Client, issuer: str
) -> AsyncIterator[Site]:
    """The portal, and a worker that believes the provider."""
    installation.portals = (ensured(settings.keys).service.public,)
    installation.issuers = (issuer,)
    async with installation.working(client, mailer=None) as mailer:
        site = Site(installation, settings, client, mailer)
        yield site
        await site.close()


async def consent(page: Page, sub: str) -> str:
    """Let somebody sign in at the provider; return where it sends the browser."""
    assert page.status == 303, page.text
    async with httpx2.AsyncClient(trust_env=False) as provider:
        answer = await provider.post(page.goal, data={"sub": sub})
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"]).removeprefix(Site.ORIGIN)


async def signed_in(browser: Browser, email: str) -> Page:
    """Go through the whole of it; return the last answer."""
    asked = await browser.get("/sign-in/provider")
    return await browser.get(await consent(asked, f"sub-{email}"))


async def keys(engines: Engines) -> list[Any]:
    """Return the keys that portals hold."""
    return [one for one in await rows_of(engines, "key") if one["channel"] == "portal"]


async def test_somebody_signs_in_without_a_code(site: Site) -> None:
    browser = site.browser()
    offered = await browser.get("/sign-in")

    answer = await signed_in(browser, CAROLINE.email.upper())
    home = await browser.follow(answer)

    assert "/sign-in/provider" in offered.html
    assert (answer.goal, home.status) == ("/", 200)
    assert CAROLINE.name in home.html
    (key,) = await keys(site.installation.engines)
    assert key["person_id"] == CAROLINE.id
    assert not any("code" in letter.subject.lower() for letter in site.letters)


async def test_a_sign_in_leads_on_to_the_page_that_was_wanted(site: Site) -> None:
    browser = site.browser()
    wanted = await browser.get("/account")

    answer = await signed_in(browser, TOM.email)

    assert (wanted.status, wanted.goal, answer.goal) == (303, "/sign-in", "/account")


@pytest.mark.parametrize("email", [STRANGER, LYDIA.email])
async def test_whom_nobody_knows_or_nobody_verified_is_not_signed_in(
    site: Site, email: str
) -> None:
    answer = await signed_in(site.browser(), email)

    assert answer.status == 403
    assert "You could not be signed in" in answer.text
    assert await keys(site.installation.engines) == []


async def test_an_answer_counts_in_the_browser_that_asked_alone(site: Site) -> None:
    asked = await site.browser().get("/sign-in/provider")
    location = await consent(asked, f"sub-{TOM.email}")

    answer = await site.browser().get(location)

    assert answer.status == 403
    assert await keys(site.installation.engines) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.replace("state=", "state=x"),
        lambda query: query.replace("code=", "code=x"),
        lambda query: query + "&state=x",
        lambda query: query + "&iss=https%3A%2F%2Fevil.example",
        lambda query: query.replace("code=", "nothing="),
    ],
    ids=["other state", "other code", "two states", "other issuer", "no code"],
)
async def test_a_changed_answer_signs_nobody_in(site: Site, change: Any) -> None:
    browser = site.browser()
    location = await consent(await browser.get("/sign-in/provider"), f"sub-{TOM.email}")

    answer = await browser.get(change(location))

    assert answer.status == 403
    assert await keys(site.installation.engines) == []


async def test_an_answer_counts_once(site: Site) -> None:
    browser = site.browser()
    location = await consent(await browser.get("/sign-in/provider"), f"sub-{TOM.email}")

    first, again = await browser.get(location), await browser.get(location)

    assert (first.status, again.status) == (303, 403)
    assert len(await keys(site.installation.engines)) == 1


async def test_the_provider_is_asked_with_pkce_a_nonce_and_for_somebody_who_is_there(
    site: Site, issuer: str
) -> None:
    asked = await site.browser().get("/sign-in/provider")

    query = parse_qs(urlsplit(asked.goal).query)
    assert asked.goal.startswith(f"{issuer}/oauth2/authorize?")
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{Site.ORIGIN}/sign-in/provider/answer"]
    assert query["scope"] == ["openid email"]
    assert query["max_age"] == ["900"]
    assert all(len(query[name][0]) == 43 for name in ("state", "nonce", "code_challenge"))


async def test_without_a_provider_there_is_no_such_page(
    installation: Installation, settings: Settings
) -> None:
    without = settings.model_copy(update={"oidc_issuer": None})
    site = Site(installation, without, None)

    pages = [await site.browser().get(one) for one in ("/sign-in/provider", "/sign-in")]

    assert [one.status for one in pages] == [404, 200]
    assert "/sign-in/provider" not in pages[1].html
    await site.close()


async def test_a_provider_that_is_away_says_so(
    installation: Installation, settings: Settings
) -> None:
    site = Site(
        installation, settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:1"}), None
    )

    answer = await site.browser().get("/sign-in/provider")

    assert answer.status == 503
    assert answer.has_form("/sign-in")
    await site.close()


@pytest.mark.parametrize("issuer_said", ["http://id.example.com", "ftp://127.0.0.1", "id", ""])
def test_an_issuer_that_would_be_asked_in_clear_stops_the_portal(
    settings: Settings, engines: Engines, issuer_said: str
) -> None:
    with pytest.raises(ConfigurationError, match="GATEHOUSE_OIDC_ISSUER"):
        parts_of(settings.model_copy(update={"oidc_issuer": issuer_said}), engines)


GOOD = {"iss": "https://id.example.com", "sub": "tom", "aud": "gatehouse", "nonce": "n"}
SECRET_KEY = "0" * 64


@pytest.fixture(scope="module")
def signer() -> Any:
    """A provider's key pair."""
    return ec.generate_private_key(ec.SECP256R1())


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good ID token, with changes; None takes one away."""
    moment = int(time.time())
    said = {**GOOD, "iat": moment, "exp": moment + 60, "auth_time": moment - 60, **changes}
    return {name: value for name, value in said.items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example.com"},
        {"aud": "other"},
        {"aud": ["gatehouse", "other"]},
        {"azp": "other"},
        {"nonce": "other"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 2**40},
        {"auth_time": 1},
        {"auth_time": None},
        {"auth_time": "now"},
        {"sub": None},
    ],
)
def test_an_id_token_that_is_not_for_us_is_refused(
    settings: Settings, signer: Any, changes: dict[str, Any]
) -> None:
    provider = OpenIdProvider(settings.model_copy(update={"oidc_issuer": GOOD["iss"]}), Site.ORIGIN)
    keys_of_it = {"keys": [jwk_of(signer)]}
    token = jwt.encode(claims(**changes), signer, "ES256", headers={"kid": "a"})
    good = jwt.encode(claims(), signer, "ES256", headers={"kid": "a"})

    assert provider.claims(good, keys_of_it, "n")["sub"] == "tom"
    with pytest.raises((NotIdentifiedError, jwt.PyJWTError)):
        provider.claims(token, keys_of_it, "n")


@pytest.mark.parametrize("kind", ["none", "HS256", "strange key", "strange name"])
def test_an_id_token_that_the_provider_did_not_sign_is_refused(
    settings: Settings, signer: Any, kind: str
) -> None:
    provider = OpenIdProvider(settings.model_copy(update={"oidc_issuer": GOOD["iss"]}), Site.ORIGIN)
    strange = ec.generate_private_key(ec.SECP256R1())
    token = {
        "none": lambda: jwt.encode(claims(), "", "none", headers={"kid": "a"}),
        "HS256": lambda: jwt.encode(claims(), SECRET_KEY, "HS256", headers={"kid": "a"}),
        "strange key": lambda: jwt.encode(claims(), strange, "ES256", headers={"kid": "a"}),
        "strange name": lambda: jwt.encode(claims(), signer, "ES256", headers={"kid": "b"}),
    }[kind]()

    with pytest.raises((NotIdentifiedError, jwt.PyJWTError)):
        provider.claims(token, {"keys": [jwk_of(signer)]}, "n")


def jwk_of(signer: Any) -> dict[str, Any]:
    """Return the public half as a provider lists it."""
    said: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(signer.public_key()))
    return {**said, "kid": "a", "use": "sig", "alg": "ES256"}


def test_an_attempt_is_read_as_it_was_written() -> None:
    attempt = Attempt.fresh()

    assert Attempt.of(attempt.text()) == attempt
    assert len({attempt.state, attempt.nonce, attempt.verifier}) == 3

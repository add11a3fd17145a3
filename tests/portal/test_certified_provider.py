"""Signing in against an implementation that the OpenID Foundation has certified, in Node."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from temporalio.client import Client

from config.settings import Settings
from identity.files import write_secret
from portal.keys import ensured
from tests.factories import CAROLINE
from tests.installation import Installation
from tests.portal.site import Page, Site

PROGRAM = Path(__file__).with_name("certified_provider.mjs")
PACKAGE = "oidc-provider@9.13.3"
SECRET = "a secret of the client, long enough"
INSTALL_SECONDS, OLDEST_NODE = 120, 20


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running provider; skipped where Node or its registry is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node and npm are not installed here")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node {OLDEST_NODE} or newer is not installed here")
    folder = tmp_path_factory.mktemp("provider")
    install = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", PACKAGE]
    try:
        subprocess.run(
            install, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip(f"{PACKAGE} cannot be installed here")
    program = shutil.copy(PROGRAM, folder)
    redirect = f"{Site.ORIGIN}/sign-in/provider/answer"
    environment = {"PATH": os.environ["PATH"], "NODE_NO_WARNINGS": "1"}
    with subprocess.Popen(
        [node, program, redirect, SECRET],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        said = next((one for one in running.stdout if one.startswith("http")), "").strip()
        try:
            assert said, "the provider did not start"
            yield said
        finally:
            running.terminate()


@pytest.fixture
async def site(
    issuer: str, installation: Installation, settings: Settings, client: Client
) -> AsyncIterator[Site]:
    """The portal, and a worker that believes the provider."""
    file = settings.home / "client"
    write_secret(file, f"{SECRET}\n".encode())
    more = {"oidc_issuer": issuer, "oidc_client_secret_file": file}
    installation.portals = (ensured(settings.keys).service.public,)
    installation.issuers = (issuer,)
    async with installation.working(client, mailer=None) as mailer:
        site = Site(installation, settings.model_copy(update=more), client, mailer)
        yield site
        await site.close()


class _Form(HTMLParser):
    """Finds where the form of a page goes, and the fields that are filled in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action, self.fields = "", dict[str, str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given.get("action") or ""
        elif tag == "input" and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""


async def consent(page: Page, email: str) -> str:
    """Sign in at the provider and agree; return where it sends the browser."""
    assert page.status == 303, page.text
    address, fields = page.goal, dict[str, str]()
    async with httpx2.AsyncClient(trust_env=False) as browser:
        for _ in range(12):
            answer = await browser.request("POST" if fields else "GET", address, data=fields)
            fields = {}
            if answer.is_redirect:
                address = urljoin(address, answer.headers["location"])
                if address.startswith(Site.ORIGIN):
                    return address.removeprefix(Site.ORIGIN)
                continue
            form = _Form(answer.text)
            assert form.action, answer.text
            address = urljoin(address, form.action)
            fields = {**form.fields, **({"login": email} if "login" in form.fields else {})}
    raise AssertionError("the provider never sent the browser back")


async def test_somebody_signs_in_at_a_certified_provider(site: Site) -> None:
    browser = site.browser()

    location = await consent(await browser.get("/sign-in/provider"), CAROLINE.email)
    answer = await browser.get(location)
    home = await browser.follow(answer)

    assert (answer.status, home.status) == (303, 200)
    assert CAROLINE.name in home.html


@pytest.mark.parametrize("email", ["unverified@classics.example", "nobody@classics.example"])
async def test_whom_it_has_not_verified_or_nobody_knows_is_not_signed_in(
    site: Site, email: str
) -> None:
    browser = site.browser()

    location = await consent(await browser.get("/sign-in/provider"), email)
    answer = await browser.get(location)

    assert answer.status == 403

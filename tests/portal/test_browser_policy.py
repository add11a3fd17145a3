"""No page brings in or sends out anything, whatever people call themselves and write."""

from collections import defaultdict
from email.message import EmailMessage
from email.utils import localtime

from sqlalchemy import update

from approvals.people import Person
from approvals.tenant_access.commands import Deny, Grant
from store import tables as t
from tests.factories import BECKY, CAROLINE, CHARLOTTE, ELIZABETH, MARY, TOM, make_id
from tests.installation import write_directory
from tests.onboardings import CHARLES, VENDORS
from tests.portal.scenes import audit, customers, mailbox, pairings, requests, sites
from tests.portal.site import Site
from tests.portal.test_onboardings import sent
from tests.portal.windows import Windows, overheard

ELSEWHERE = "https://elsewhere.example"
HOSTILE = (
    f'"><img src="{ELSEWHERE}/i" onerror="alert(1)"><a href="{ELSEWHERE}">here</a>'
    f"<style>*{{background:url({ELSEWHERE}/s)}}</style><iframe src='{ELSEWHERE}/f'></iframe>"
    f'<script>document.title = "mine"</script><form action="{ELSEWHERE}"></form>{{{{ 7 * 7 }}}}'
)
SHORT = f'<img src="{ELSEWHERE}/n" onerror="alert(2)">'  # what a customer's name has room for
TAKEN = f"[src*='{ELSEWHERE}'], [href*='{ELSEWHERE}'], [action*='{ELSEWHERE}'], [onerror], style"
# Scenes that can be played on one portal; what the others show is of the same templates.
TOGETHER = (
    requests.SCENE,
    pairings.USED,
    customers.SCENE,
    sites.SCENE,
    audit.SCENE,
    mailbox.SCENE,
)
EMPTY = (  # pages on which nobody's words stand
    "/audit?",
    "/mailbox?to=nobody",
    "/onboardings/new",
    "/requests/incoming?status=lapsed",
)
Visits = dict[Person, list[str]]


async def test_no_page_asks_anybody_else_for_anything_or_breaks_its_own_policy(
    windows: Windows,
) -> None:
    visits = await written(windows.site)
    for scene in TOGETHER:
        made = await scene.prepare(windows.site)
        for one in scene.shown:
            assert one.who is not None
            visits[one.who].append(one.path.format(**made))
    await named(windows.site)
    mailed(windows.site)
    heard, taken, silent = [], [], []

    for who, paths in visits.items():
        page = await windows.of(who)
        found = overheard(page, windows.origin)
        for path in dict.fromkeys(paths):
            await page.goto(path)
            if await page.locator(TAKEN).count() or await page.title() == "mine":
                taken.append(path)
            if ELSEWHERE not in await page.get_by_role("main").inner_text():
                silent.append(path)
        heard += found

    assert heard == []
    assert taken == []
    assert [path for path in silent if not path.startswith(EMPTY)] == []


async def written(site: Site) -> Visits:
    """Let people write hostile words wherever others read them; return who looks at what."""
    batches = [make_id(f"hostile {number}") for number in range(3)]
    pending, granted, denied = [await site.asked(batch=one, message=HOSTILE) for one in batches]
    await site.decides(TOM, granted, Grant(no_end=True, message=HOSTILE))
    await site.decides(TOM, denied, Deny(reason=HOSTILE))
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, VENDORS)
    begun = await sent(await site.signed_in(CHARLES), name=SHORT)
    each = [f"/requests/{one}" for one in (pending, granted, denied)]
    visits: Visits = defaultdict(list)
    visits[CAROLINE] = ["/", f"/tenants/{granted}/open"]
    visits[CHARLOTTE] = ["/?status=denied"]
    visits[ELIZABETH], visits[BECKY] = [*each], [*each]
    visits[MARY] = [f"/audit/{denied}"]
    visits[CHARLES] = ["/onboardings", begun.goal, "/onboardings/new"]
    return visits


async def named(site: Site) -> None:
    """Give everybody and everything in the directory a hostile name."""
    async with site.installation.engines.write.begin() as connection:
        for table in (t.person, t.organization, t.tenant, t.site, t.team):
            await connection.execute(update(table).values(name=table.c.name + HOSTILE))


def mailed(site: Site) -> None:
    """Put hostile words into a mail that the mailbox keeps."""
    assert site.settings.maildir is not None
    letter = EmailMessage()
    letter["Delivered-To"], letter["Subject"], letter["Date"] = TOM.email, HOSTILE, localtime()
    letter.set_content(f"{HOSTILE}\n\n    {ELSEWHERE}/follow\n")
    (site.settings.maildir / "new" / "letter-1").write_bytes(bytes(letter))

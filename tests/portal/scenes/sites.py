"""Sites: who asks, the users and their privileges, contacts and the monthly review."""

from tests.factories import BECKY
from tests.installation import write_directory
from tests.portal.scenes.scene import Scene, Shown
from tests.portal.site import Site
from tests.portal.test_sites import CONTACTS, USERS, added, asked, done_by, path_of
from tests.sites import MUFF, SID, SITES


async def _prepare(site: Site) -> dict[str, str]:
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SITES)
    becky = await added(site, SID, level_reporting="update")
    await done_by(becky, CONTACTS, f"{CONTACTS}/switch_review_on")
    await asked(site, MUFF)
    return {}


SCENE = Scene(
    "sites",
    _prepare,
    (
        Shown("sites", BECKY, "/sites"),
        Shown("sites-mine", MUFF, "/sites"),
        Shown("site-users", BECKY, USERS),
        Shown("site-request", BECKY, path_of(MUFF)),
        Shown("site-request-of-mine", MUFF, path_of(MUFF)),
        Shown("site-user", BECKY, path_of(SID)),
        Shown("site-contacts", BECKY, CONTACTS),
        Shown("site-contacts-of-a-user", SID, CONTACTS),
    ),
)

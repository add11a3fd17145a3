"""Customers: a partner's switches, and the terms that a customer accepts."""

from tests.factories import JANE, TOM
from tests.installation import write_directory
from tests.portal.scenes.scene import Scene, Shown
from tests.portal.site import Site
from tests.portal.test_customers import switched_on
from tests.switching import SWITCH, SWITCHING


async def _prepare(site: Site) -> dict[str, str]:
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SWITCHING)
    await switched_on(site)
    return {"switch": str(SWITCH)}


SCENE = Scene(
    "customers",
    _prepare,
    (
        Shown("customers", JANE, "/customers"),
        Shown("customer", JANE, "/customers/{switch}"),
        Shown("platform-access", TOM, "/customers"),
        Shown("platform-access-pending", TOM, "/customers/{switch}"),
        Shown("terms", TOM, "/customers/{switch}/terms"),
    ),
)

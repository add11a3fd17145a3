"""The record of a process, as an operator of the installation reads it."""

from tests.factories import MARY, TOM, make_id
from tests.portal.scenes.scene import Scene, Shown
from tests.portal.site import Site


async def _prepare(site: Site) -> dict[str, str]:
    request = await site.asked(batch=make_id("audited"))
    tom = await site.signed_in(TOM)
    page = await tom.get(f"/requests/{request}")
    await tom.send(page, f"/requests/{request}/deny", shown="0" * 64, reason="Not now.")
    await tom.send(page, f"/requests/{request}/deny", reason="We paint ourselves.")
    return {"request": str(request)}


SCENE = Scene(
    "audit",
    _prepare,
    (
        Shown("audit", MARY, "/audit?process=nothing"),
        Shown("audit-record", MARY, "/audit/{request}"),
    ),
)

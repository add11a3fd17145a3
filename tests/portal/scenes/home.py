"""My tenants: empty, full, the way in, and an open session."""

from datetime import UTC, datetime, timedelta

from approvals.sessions import BeginSession, Mode
from approvals.tenant_access.commands import Deny, Grant
from tests.factories import CAROLINE, CHARLOTTE, LYDIA, TOM, make_id
from tests.portal.scenes.scene import Scene, Shown
from tests.portal.site import Site


async def _prepare(site: Site) -> dict[str, str]:
    granted = await site.asked(batch=make_id("granted"))
    welcome = "Welcome. Please start with the picket fence, and leave the gate as it is."
    ends_at = datetime.now(UTC) + timedelta(days=13, hours=5)
    await site.decides(TOM, granted, Grant(ends_at=ends_at, message=welcome))
    denied = await site.asked(batch=make_id("denied"))
    await site.decides(TOM, denied, Deny(reason="We paint ourselves."))
    await site.asked(batch=make_id("pending"))
    session = await site.says(CAROLINE, granted, BeginSession(mode=Mode.SUPPORT))
    return {"granted": str(granted), "denied": str(denied), "session": session}


SCENE = Scene(
    "home",
    _prepare,
    (
        Shown("tenants", CAROLINE, "/"),
        Shown("tenants-of-an-admin", TOM, "/"),
        Shown("tenants-none", LYDIA, "/"),
        Shown("tenants-no-such-status", CHARLOTTE, "/?status=revoked"),
        Shown("tenant-to-open", CAROLINE, "/tenants/{granted}/open"),
        Shown("tenant-not-open", CAROLINE, "/tenants/{denied}/open"),
        Shown("session", CAROLINE, "/sessions/{session}"),
    ),
)

"""What was typed on a page, kept sealed until its person has shown anew who they are."""

import json

from portal.parts import Parts
from portal.tidying import tidying
from store.portal_sessions import PortalSession

KEPT_FOR = "gatehouse.portal.kept.v1"


async def keep(
    parts: Parts, session: PortalSession, path: str, typed: dict[str, list[str]]
) -> None:
    """Keep what was typed on a page; only whoever signs in as the same person finds it again."""
    said = json.dumps({"path": path, "typed": typed})
    await parts.sessions.keep(session, parts.keys.sealer.sealed(said, KEPT_FOR))


def kept(parts: Parts, session: PortalSession, path: str) -> dict[str, list[str]]:
    """Return what was kept, if it was typed on the page at *path*."""
    text = None if session.kept is None else parts.keys.sealer.opened(session.kept, KEPT_FOR)
    said = {} if text is None else json.loads(text)
    typed: dict[str, list[str]] = said["typed"] if said.get("path") == path else {}
    return typed


async def forget(parts: Parts, session: PortalSession) -> None:
    """Drop what was kept, once it was given."""
    if session.kept is not None:
        with tidying("what was typed"):
            await parts.sessions.keep(session, None)

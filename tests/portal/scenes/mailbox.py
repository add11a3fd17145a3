"""The embedded stack's mailbox."""

from email.message import EmailMessage
from email.utils import localtime

from starter.portal_server import mailbox_key
from tests.factories import ELIZABETH, TOM
from tests.portal.scenes.scene import Scene, Shown
from tests.portal.site import Site

TEXT = """Hello Tom Sawyer,

Classics, Inc. asks for access to Tom Sawyer Fence Painting Co.

Look at the request and decide:

    {origin}/requests/0f5c2a7e-0000-4000-8000-000000000001

If nobody decides by Sunday, 29 March 2026, the request lapses.
"""
LETTERS = (
    (ELIZABETH.email, "Your code for Gatehouse", "Your code is\n\n    1234 5678\n"),
    (TOM.email, "A request for access to Tom Sawyer Fence Painting Co.", TEXT),
)


async def _prepare(site: Site) -> dict[str, str]:
    maildir = site.settings.maildir
    assert maildir is not None
    (maildir / "new").mkdir(parents=True)
    for number, (to, subject, text) in enumerate(LETTERS):
        letter = EmailMessage()
        letter["Delivered-To"], letter["Subject"], letter["Date"] = to, subject, localtime()
        letter.set_content(text.format(origin=site.parts.origin))
        (maildir / "new" / f"letter-{number}").write_bytes(bytes(letter))
    return {"key": mailbox_key(site.settings.keys)}


SCENE = Scene(
    "mailbox",
    _prepare,
    (
        Shown("mailbox", TOM, "/mailbox/open/{key}"),
        Shown("mailbox-of-nobody", TOM, "/mailbox?to=nobody@classics.example"),
        Shown("mailbox-letter", TOM, "/mailbox/letter-1"),
    ),
)

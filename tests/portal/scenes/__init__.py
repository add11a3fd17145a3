"""Every page of the portal with something on it: its pictures and its check for accessibility.

A scene belongs to one family of pages. ``prepare`` makes what its pages show, on a portal with a
worker, and returns ids by name; a page's path names them: ``"/requests/{pending}"``. A page that
only appears after something is done on another has a ``then``.
"""

from tests.portal.scenes import (
    account,
    audit,
    customers,
    home,
    mailbox,
    onboardings,
    pairings,
    requests,
    sign_in,
    sites,
)
from tests.portal.scenes.scene import Scene

SCENES: tuple[Scene, ...] = (
    sign_in.SCENE,
    home.SCENE,
    requests.SCENE,
    pairings.OFFERED,
    pairings.PAIRED,
    pairings.USED,
    customers.SCENE,
    sites.SCENE,
    onboardings.GOING_ON,
    onboardings.PARKED,
    audit.SCENE,
    account.SCENE,
    mailbox.SCENE,
)

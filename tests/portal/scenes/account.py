"""My account."""

from tests.factories import ELIZABETH
from tests.portal.scenes.scene import Scene, Shown, nothing

SCENE = Scene("account", nothing, (Shown("account", ELIZABETH, "/account"),))

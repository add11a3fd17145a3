"""Every page in a real browser: usable by everybody, light and dark, and as wide as a phone."""

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from approvals.people import Person
from tests.portal.pictures import FOLDER
from tests.portal.scenes import SCENES
from tests.portal.scenes.scene import Scene, Shown
from tests.portal.windows import Windows

PICTURES = os.environ.get(FOLDER)  # `make screenshots` says where they go
DESK, PHONE = {"width": 1200, "height": 800}, {"width": 390, "height": 844}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": DESK},
    "dark": {"color_scheme": "dark", "viewport": DESK},
    "phone": {"color_scheme": "light", "viewport": PHONE, "device_scale_factor": 2},
    "phone-dark": {"color_scheme": "dark", "viewport": PHONE, "device_scale_factor": 2},
}
GRAVE = ("serious", "critical")
TOO_WIDE = """() => [...document.querySelectorAll("main *, header *")]
    .filter(one => one.getBoundingClientRect().right > window.innerWidth + 1
        && !one.closest(".unseen, .skip, .scrolls, .top nav"))
    .map(one => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name.replace(" ", "-"))
async def test_everybody_can_use_every_page(windows: Windows, scene: Scene, look: str) -> None:
    names = await scene.prepare(windows.site)
    opened: dict[Person | None, Page] = {}
    found: list[str] = []

    for shown in scene.shown:
        page = opened.get(shown.who) or await windows.of(shown.who, **LOOKS[look])
        opened[shown.who] = page
        await _shown(page, shown, names)
        found += [f"{shown.name}: {one}" for one in await _faults(page)]
        if PICTURES is not None:
            to = Path(PICTURES) / f"{shown.name}.{look}.png"
            await page.screenshot(path=to, full_page=True)

    assert found == []


async def _shown(page: Page, shown: Shown, names: dict[str, str]) -> None:
    await page.goto(shown.path.format(**names))
    if shown.then is not None:
        await shown.then(page)
    await page.mouse.move(0, 0)


async def _faults(page: Page) -> list[str]:
    """Return what axe finds grave, and what is wider than the window."""
    results = await Axe().run(page)
    grave = [one for one in results.response["violations"] if one["impact"] in GRAVE]
    said = [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary']}"
        for one in grave
        for node in one["nodes"]
    ]
    return [*said, *(f"wider than the window: {one}" for one in await page.evaluate(TOO_WIDE))]

"""Every page in a real browser: usable by all, light and dark, as wide as a phone, on its own."""

import os
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, ViewportSize

from approvals.people import Person
from tests.portal.pictures import FOLDER
from tests.portal.scenes import SCENES
from tests.portal.scenes.scene import Scene, Shown
from tests.portal.windows import Windows, overheard

STYLE = Path(__file__).parents[2] / "portal" / "static" / "portal.css"
PICTURES = os.environ.get(FOLDER)  # `make screenshots` says where they go
Scheme = Literal["light", "dark"]
DESK, PHONE = ViewportSize(width=1200, height=800), ViewportSize(width=390, height=844)
EVERY_RULE: dict[str, Any] = {"resultTypes": ["violations"]}
# What a scheme changes is colours alone, and what a phone's width changes is colours, for what
# lies on what, and places: the same elements are there.
COLOURS = ["color-contrast", "link-in-text-block"]
PLACES = [*COLOURS, "scrollable-region-focusable", "target-size"]
OF_COLOURS = {**EVERY_RULE, "runOnly": {"type": "rule", "values": COLOURS}}
OF_PLACES = {**EVERY_RULE, "runOnly": {"type": "rule", "values": PLACES}}
LOOKS: dict[str, tuple[Scheme, ViewportSize, dict[str, Any]]] = {
    "light": ("light", DESK, EVERY_RULE),
    "dark": ("dark", DESK, OF_COLOURS),
    "phone": ("light", PHONE, OF_PLACES),
    "phone-dark": ("dark", PHONE, OF_COLOURS),
}
SHARPNESS = 2 if PICTURES else 1  # pixels of the picture for one of the page
GRAVE = ("serious", "critical")
TOO_WIDE = """() => [...document.querySelectorAll("main *, header *")]
    .filter(one => one.getBoundingClientRect().right > window.innerWidth + 1
        && !one.closest(".unseen, .skip, .scrolls, .top nav"))
    .map(one => one.outerHTML.slice(0, 80))"""


def test_a_narrow_window_has_the_elements_of_a_wide_one() -> None:
    style = STYLE.read_text(encoding="utf-8")
    narrow = style.partition("@media (max-width")[2].partition("\n}")[0]
    hiding = [one.strip() for one in narrow.splitlines() if re.search(r"display: none|visib", one)]

    assert narrow.count("{") > 10
    assert all("::before" in one or "::after" in one for one in hiding)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name.replace(" ", "-"))
async def test_everybody_can_use_every_page(windows: Windows, scene: Scene) -> None:
    names = await scene.prepare(windows.site)
    opened: dict[Person | None, Page] = {}
    heard: dict[Person | None, list[str]] = {}
    found: list[str] = []

    for shown in scene.shown:
        page = opened.get(shown.who)
        if page is None:
            page = await windows.of(shown.who, viewport=DESK, device_scale_factor=SHARPNESS)
            opened[shown.who], heard[shown.who] = page, overheard(page, windows.origin)
        await _shown(page, shown, names)
        found += [f"{shown.name}, {one}" for one in await faults(page, shown.name)]

    assert found == []
    assert [said for one in heard.values() for said in one] == []


async def _shown(page: Page, shown: Shown, names: dict[str, str]) -> None:
    await page.goto(shown.path.format(**names))
    if shown.then is not None:
        await shown.then(page)
    await page.mouse.move(0, 0)


async def faults(page: Page, picture: str | None = None) -> list[str]:
    """Return what axe finds grave in each look of a page, and what is wider than the window.

    Where pictures are wanted each look gives one, under the name *picture*.
    """
    await page.evaluate(AXE_SCRIPT)
    found = []
    for look, (scheme, size, rules) in LOOKS.items():
        await page.emulate_media(color_scheme=scheme)
        await page.set_viewport_size(size)
        results = await page.evaluate("rules => axe.run(rules)", rules)
        found += [
            f"{look}: {one['id']}: {node['html'][:120]} {node['failureSummary']}"
            for one in results["violations"]
            if one["impact"] in GRAVE
            for node in one["nodes"]
        ]
        wide = await page.evaluate(TOO_WIDE)
        found += [f"{look}: wider than the window: {one}" for one in wide]
        if PICTURES is not None and picture is not None:
            await page.screenshot(path=Path(PICTURES) / f"{picture}.{look}.png", full_page=True)
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(DESK)
    return found

"""Every part of the page, light and dark, on a desktop and on a phone: all can use it, and nothing is off the screen.

With VIDEOJOB_SCREENSHOTS, a folder, pictures for the documentation are left there; VIDEOJOB_VIEWS says of which views.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.web.conftest import DESKTOP, PHONE, Renders, tab_of
from videojob_contract.api_paths import VIDEOTEMPLATES
from videojob_contract.errors import Reason
from videojob_contract.resources import API_VERSION

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from tests.integration.gateway.conftest import Caller
    from tests.integration.operator.conftest import World

SCREENSHOTS = os.environ.get("VIDEOJOB_SCREENSHOTS", "")
PICTURES = os.environ.get("VIDEOJOB_VIEWS", "jobs-light-desktop new-light-desktop job-failed-dark-desktop").split()
TEMPLATE: dict[str, Any] = {
    "description": "A card with a name on it",
    "parameters": [
        {"name": "name", "description": "Whose birthday it is"},
        {"name": "age", "type": "integer", "default": 30},
        {"name": "mood", "enum": ["merry", "solemn"], "default": "merry"},
        {"name": "confetti", "type": "boolean", "default": True},
    ],
    "timeline": {"clips": [{"title": {"text": "{{ name }} {{ age }} {{ mood }} {{ confetti }}"}, "duration": "2s"}]},
}
VIEWS = {
    "jobs": "#/jobs",
    "job-running": "#/jobs/wedding-of-ana-and-ben",
    "job-failed": "#/jobs/holiday-with-a-lost-picture",
    "job-succeeded": "#/jobs/birthday-2026",
    "new": "#/new",
    "templates": "#/templates",
    "template": "#/templates/birthday-card",
    "pools": "#/pools",
    "statistics": "#/statistics",
}
CLIPS = [
    {"image": {"uri": "volume://media/photos/coffee.png"}, "duration": "3s", "motion": {"zoom": {}}},
    {"video": {"uri": "volume://media/clips/bikes.mp4"}, "transition": {"type": "crossfade", "duration": "500ms"}},
    {"title": {"text": "The end", "color": "#ffffff"}, "duration": "2s"},
]


@pytest.fixture
async def lived_in(call: Caller, patient: World, renders: Renders) -> Caller:
    """A gateway with VideoJobs in several phases, and a template."""
    body = {"apiVersion": API_VERSION, "kind": "VideoTemplate", "metadata": {"name": "birthday-card"}, "spec": TEMPLATE}
    assert await patient.kubernetes.create(VIDEOTEMPLATES, patient.namespace, body)
    plain = {"color": "#204060", "duration": "3s"}
    for name, word, phase in (
        ("birthday-2026", 100, "Succeeded"),
        ("holiday-with-a-lost-picture", Reason.SOURCE_NOT_FOUND, "Failed"),
        ("wedding-of-ana-and-ben", 62, "Running"),
    ):
        renders.go(word)
        await call.submit(name, clips=[plain], user="ana", project="films")
        await patient.reaches(name, phase, also=lambda status: status["phase"] != "Running" or status["progress"] == 62)
    await call.submit("trailer", suspend=True, user="ben", project="films")
    return call


async def faults(page: Page, axe: str) -> list[str]:
    """Return what axe finds, and whether something is beside the screen."""
    await page.evaluate(axe)
    found = await page.evaluate("async () => (await axe.run()).violations")
    assert page.viewport_size is not None
    wide = await page.evaluate("document.documentElement.scrollWidth") - page.viewport_size["width"]
    told = [f"{each['id']}: {node['html'][:200]} {node['failureSummary']}" for each in found for node in each["nodes"]]
    return told + ([f"{wide} pixels are beside the screen"] if wide > 0 else [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_view_is_for_everyone(browser: Browser, lived_in: Caller, built_page: Path, scheme: Any) -> None:
    axe = await asyncio.to_thread((built_page / "axe.min.js").read_text)
    wrong = {}
    for device, options in (("desktop", DESKTOP), ("phone", PHONE)):
        language = "de-DE" if device == "phone" else "en-US"
        async with tab_of(browser, lived_in.url, locale=language, color_scheme=scheme, **options) as tab:
            for view, path in VIEWS.items():
                page = await tab.open(path)
                await page.locator("h1").first.wait_for()
                if view == "new":
                    await page.get_by_role("button", name="JSON").click()
                    await page.locator("#json").fill(_document())
                    await page.get_by_role("button", name="JSON").click()
                    await page.locator(".good, .problems").wait_for()
                await page.locator(".quiet[role=status]", has_text="…").wait_for(state="hidden")
                if found := await faults(page, axe):
                    wrong[f"{view} {device}"] = found
                if SCREENSHOTS and f"{view}-{scheme}-{device}" in PICTURES:
                    target = Path(SCREENSHOTS) / f"page-{view}-{scheme}-{device}.png"
                    await page.screenshot(path=target, animations="disabled")
            await page.evaluate(
                "document.body.style.width = '2000px'; document.documentElement.removeAttribute('lang')"
            )
            broken = " ".join(await faults(page, axe))
            assert "html-has-lang" in broken
            assert "beside the screen" in broken
    assert wrong == {}


def _document() -> str:
    spec = {"clips": CLIPS, "audio": {"tracks": [{"uri": "volume://media/music/house_lo.mp3", "loop": True}]}}
    return json.dumps({"name": "holiday", "spec": spec})

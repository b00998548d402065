"""The form of a new VideoJob: what is wrong is said at its field, and clips are put in order by keyboard and mouse."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.integration.gateway.conftest import eventually

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.integration.gateway.conftest import Caller
    from tests.web.conftest import Tab

pytestmark = pytest.mark.usefixtures("renders")


async def clips(page: Page) -> list[str]:
    """Return the kind of each clip, in order: a legend says `Clip 1: Picture coffee.png`."""
    return [text.split(":")[1].split()[0] for text in await page.locator(".sortable legend").all_inner_texts()]


async def test_a_videojob_is_written_put_in_order_and_rendered(tab: Tab, call: Caller) -> None:
    page = await tab.open("#/new")
    await expect(page.get_by_text("thing is wrong")).to_be_visible()
    await page.get_by_label("Name", exact=True).fill("Not A Name")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Name", exact=True).fill("holiday")
    await expect(page.get_by_label("Name", exact=True)).not_to_have_attribute("aria-invalid", "true")
    await page.get_by_role("button", name="+ Title").click()
    await page.get_by_role("textbox", name="Text", exact=True).fill("Hello <b>world</b>")
    await page.get_by_role("button", name="+ Colour").click()
    await page.get_by_role("button", name="+ Picture").click()
    await page.get_by_label("Where the picture is").fill("volume://media/photos/coffee.png")
    duration = page.locator("[data-path='spec.clips[1].duration']")
    await duration.fill("3")
    await duration.blur()
    await expect(page.get_by_text("is not a duration").first).to_be_visible()
    await page.get_by_role("button", name="Render").click()
    await expect(page).to_have_url(f"{tab.url}/#/new")  # it is not sent like that
    await duration.fill("3s")
    await expect(page.get_by_text("It can be rendered.")).to_be_visible()
    assert await clips(page) == ["Title", "Colour", "Picture"]
    handle = page.get_by_role("button", name="Move Clip 3", exact=True)
    await handle.focus()
    await handle.press("ArrowUp")
    await expect(page.get_by_text("Clip 3 is now in place 2 of 3.")).to_be_attached()
    await expect(page.get_by_role("button", name="Move Clip 2", exact=True)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    assert await clips(page) == ["Picture", "Title", "Colour"]
    await page.get_by_role("button", name="Move Clip 3", exact=True).drag_to(page.locator("fieldset").first)
    assert await clips(page) == ["Colour", "Picture", "Title"]

    await page.reload()  # what was written is kept
    await expect(page.locator(".sortable legend")).to_have_count(3)
    await expect(page.get_by_text("It can be rendered.")).to_be_visible()
    await page.get_by_role("button", name="Render").click()
    await expect(page.get_by_role("heading", name="holiday")).to_be_visible()
    spec = (await call("GET", "jobs/holiday")).json["spec"]
    kinds = [next(iter(each.keys() & {"image", "title", "color"})) for each in spec["clips"]]
    assert kinds == ["color", "image", "title"]
    assert spec["clips"][2]["title"]["text"] == "Hello <b>world</b>"


async def test_another_is_made_like_one_and_changed_as_json(tab: Tab, call: Caller) -> None:
    await call.submit("holiday", project="films")
    page = await tab.open("#/jobs/holiday")
    await page.get_by_role("button", name="New one like this").click()
    await page.get_by_role("button", name="As JSON").click()
    document = page.get_by_label("Name, labels and spec")
    text = await document.input_value()
    await document.fill(text.replace('"1s"', '"2s"').replace("{", '{"name": "again",', 1))
    await expect(page.get_by_text("It can be rendered.")).to_be_visible()
    await document.fill("{")
    await expect(page.locator("#json-problem")).not_to_be_empty()
    await document.fill(text.replace('"1s"', '"2s"').replace("{", '{"name": "again",', 1))
    await page.get_by_role("button", name="Render").click()

    async def made() -> bool:
        return (await call("GET", "jobs/again")).status == 200

    await eventually(made)
    spec = (await call("GET", "jobs/again")).json["spec"]
    assert (spec["project"], spec["clips"][0]["duration"]) == ("films", "2s")


async def test_media_that_are_brought_become_clips_in_their_order(tab: Tab, call: Caller) -> None:
    page = await tab.open("#/new")
    picture = b"\x89PNG\r\n\x1a\n" + bytes(2000)
    sound = b"ID3\x04" + bytes(2000)
    film = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(300_000)
    await page.get_by_label("choose files").set_input_files([
        {"name": "<b>coffee</b>.png", "mimeType": "image/png", "buffer": picture},
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no media"},
        {"name": "bikes.mp4", "mimeType": "video/mp4", "buffer": film},
        {"name": "song.mp3", "mimeType": "audio/mpeg", "buffer": sound},
    ])  # fmt: skip
    await expect(page.locator(".sortable legend")).to_have_count(3)
    assert await clips(page) == ["Picture", "Video", "song.mp3"]
    await expect(page.locator(".notices .bad")).to_contain_text("notes.txt: ")
    await expect(page.get_by_text("It can be rendered.")).to_be_visible()
    brought = {each["uri"] for each in (await call("GET", "assets")).json["items"]}
    assert await page.get_by_label("Where the picture is").input_value() in brought
    assert await page.get_by_label("Where the sound is").input_value() in brought


async def test_some_frames_are_shown_before_it_is_rendered_or_why_not(tab: Tab, film: bytes) -> None:
    page = await tab.open("#/new")
    show = page.get_by_role("button", name="Show 6 frames of it")
    await expect(show).to_be_disabled()
    await page.get_by_role("button", name="+ Colour").click()
    await show.click()
    preview = page.get_by_role("region", name="Preview")
    await expect(preview.locator(".problem")).to_be_visible()  # this gateway asks no workers
    still = ["ffmpeg", "-v", "error", "-i", "-", "-frames:v", "1", "-f", "mjpeg", "-"]
    done = await asyncio.to_thread(subprocess.run, still, input=film, capture_output=True, check=True)
    await page.route("**/preview?*", lambda route: route.fulfill(content_type="image/jpeg", body=done.stdout))
    plan = {"predictedSeconds": 72.0, "predictedWaitSeconds": 3.0}
    await page.route("**/plan", lambda route: route.fulfill(json=plan))
    await show.click()
    await expect(preview.get_by_role("img")).to_have_js_property("naturalWidth", 320)
    await expect(preview).to_contain_text("It should take 1:12. It would wait 3 s.")

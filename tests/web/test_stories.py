"""What people do with the page, from a form to the video."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Page, expect

from videojob_contract.errors import Reason

if TYPE_CHECKING:
    from tests.integration.gateway.conftest import Caller
    from tests.web.conftest import Renders, Tab


async def percent(page: Page, name: str, wanted: int) -> None:
    bar = page.get_by_role("progressbar", name=f"Progress of {name}")
    await expect(bar).to_have_attribute("value", str(wanted))


async def test_a_bar_moves_by_itself_and_ends_in_a_video_that_plays(tab: Tab, call: Caller, renders: Renders) -> None:
    page = await tab.open()
    await expect(page.get_by_text("There are no VideoJobs here.")).to_be_visible()
    await page.evaluate("window.same = true")
    await call.submit("holiday")
    row = page.get_by_role("article").filter(has_text="holiday")
    await expect(row).to_be_visible()
    await expect(row).to_contain_text("Running")
    for done in (20, 60):
        renders.go(done)
        await percent(page, "holiday", done)
    await page.get_by_role("link", name="holiday").click()
    await percent(page, "holiday", 60)
    renders.go(100)
    await percent(page, "holiday", 100)
    video = page.locator("video")
    await expect(video).to_have_js_property("videoWidth", 320)
    await video.evaluate("element => { element.muted = true; return element.play(); }")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == "holiday-main.mp4"
    await expect(page.get_by_role("region", name="What happened")).to_contain_text("Succeeded")
    assert await page.evaluate("window.same") is True


async def test_a_failure_is_shown_in_words_and_mended_by_rendering_again(
    tab: Tab, call: Caller, renders: Renders
) -> None:
    await call.submit("holiday", outputs=[{"name": "main", "format": "mp4"}])
    renders.go(Reason.SOURCE_NOT_FOUND)
    page = await tab.open("#/jobs/holiday")
    failure = page.get_by_role("region", name="Why it failed: A source is not there")
    await expect(failure).to_contain_text("there is no file photos/coffee.png")
    await page.get_by_role("button", name="Render again").click()
    await expect(page.get_by_text("Running", exact=True).first).to_be_visible()
    renders.go(100)
    await percent(page, "holiday", 100)
    await expect(failure).to_be_hidden()
    await expect(page.locator("video")).to_be_visible()
    await expect(page.get_by_role("region", name="What happened")).to_contain_text("Failed")


async def test_what_runs_is_suspended_resumed_and_cancelled(tab: Tab, call: Caller, renders: Renders) -> None:
    await call.submit("holiday")
    page = await tab.open("#/jobs/holiday")
    state = page.get_by_role("region", name="State")
    renders.go(10)
    await percent(page, "holiday", 10)
    await page.get_by_role("button", name="Suspend").click()
    await expect(state).to_contain_text("Suspended")
    await page.get_by_role("button", name="Resume").click()
    await expect(state).not_to_contain_text("Suspended")
    page.once("dialog", lambda dialog: dialog.dismiss())
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("button", name="Cancel")).to_be_enabled()
    page.once("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".title .badge")).to_have_text("Cancelled")
    assert (await call("GET", "jobs/holiday")).json["spec"]["cancel"] is True


@pytest.mark.usefixtures("renders")
async def test_a_list_is_searched_and_filtered_and_stays_live(tab: Tab, call: Caller) -> None:
    for name in ("beach", "birthday", "wedding"):
        await call.submit(name, suspend=name == "wedding", project="films" if name == "beach" else "home")
    page = await tab.open()
    rows = page.locator(".row")
    await expect(rows).to_have_count(3)
    await page.get_by_role("searchbox").fill("b")
    await expect(rows).to_have_count(2)
    await page.get_by_role("searchbox").fill("")
    await page.get_by_role("button", name="Pending").click()
    await expect(rows).to_have_count(1)
    assert "phase=Pending" in page.url
    await call("POST", "jobs/wedding/resume")
    await expect(rows).to_have_count(0)
    await page.get_by_role("button", name="Pending").click()
    await page.get_by_text("More filters").click()
    await page.get_by_label("Project").fill("films")
    await page.get_by_label("Project").press("Enter")
    await expect(rows).to_have_count(1)
    await call.submit("sea", project="films")
    await expect(rows).to_have_count(2)
    await call("DELETE", "jobs/beach?purge=true")
    await expect(rows).to_have_count(1)


async def test_a_pool_is_drained_and_a_queue_stopped_once_that_is_sure(tab: Tab, renders: Renders) -> None:
    assert renders
    page = await tab.open("#/pools")
    pool = page.get_by_role("article", name="default")
    page.once("dialog", lambda dialog: dialog.dismiss())
    await pool.get_by_role("button", name="Drain").click()
    await expect(pool).not_to_contain_text("Draining")
    page.once("dialog", lambda dialog: dialog.accept())
    await pool.get_by_role("button", name="Drain").click()
    await expect(pool).to_contain_text("Draining")
    page.once("dialog", lambda dialog: dialog.accept())
    await pool.locator(".title").get_by_role("button", name="Let go on").click()
    await expect(pool.get_by_role("button", name="Drain")).to_be_visible()
    low = pool.get_by_role("row").filter(has=page.get_by_role("rowheader", name="low"))
    page.once("dialog", lambda dialog: dialog.accept())
    await low.get_by_role("button", name="Stop").click()
    await expect(low).to_contain_text("Stopped")
    page.once("dialog", lambda dialog: dialog.accept())
    await low.get_by_role("button", name="Let go on").click()
    await expect(low).to_contain_text("Runs")

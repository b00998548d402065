"""Media that are dropped on the page of a pool whose uploads are in an object store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.integration.client.conftest import client, cluster, configuration
from tests.integration.gateway.stores import Store, make_store, s3_store, sha256
from tests.integration.objects.conftest import direct, s3
from tests.web.conftest import tab_of

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser

__all__ = ["client", "cluster", "configuration", "direct", "make_store", "s3", "s3_store"]


@pytest.mark.usefixtures("built_page")
async def test_media_that_are_brought_come_into_the_store(browser: Browser, s3_store: Store, tmp_path: Path) -> None:
    film = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + os.urandom(20_000_000)  # more than the page sends at once
    notes, bikes = tmp_path / "notes.txt", tmp_path / "bikes.mp4"
    notes.write_bytes(b"no media")
    bikes.write_bytes(film)
    async with tab_of(browser, s3_store.open_to_all.url) as tab:
        page = await tab.open("#/new")
        await expect(page.get_by_label("choose files")).to_be_attached()
        # Playwright takes the browser for one on another machine, and would send it the bytes, a MB in half a second.
        devtools = await page.context.new_cdp_session(page)
        chooser = await devtools.send("Runtime.evaluate", {"expression": "document.querySelector('[type=file]')"})
        chosen = {"files": [str(notes), str(bikes)], "objectId": chooser["result"]["objectId"]}
        await devtools.send("DOM.setFileInputFiles", chosen)
        await expect(page.locator(".sortable legend")).to_have_count(1)
        await expect(page.locator(".notices .bad")).to_contain_text("notes.txt: ")
    path = f"assets/_/{sha256(film)}/bikes.mp4"
    assert s3_store.content(path) == film
    assert [each for each in s3_store.paths() if not each.startswith("partial")] == [path]

"""Ten thousand VideoJobs in the list, and a gateway that is killed while somebody looks."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from playwright.async_api import expect

from tests.integration.gateway.conftest import Caller, eventually
from tests.ports import free_port
from tests.web.conftest import Tab, tab_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Route

    from tests.integration.apiserver import ApiServer
    from tests.integration.operator.conftest import World

MANY = 10_000
PROGRAM = Path(sys.executable).parent / "videojob-gateway"


async def answer_many(route: Route) -> None:
    """Answer a list with a page of very many VideoJobs."""
    query = parse_qs(urlsplit(route.request.url).query)
    start, limit = int(query.get("cursor", ["0"])[0] or 0), int(query["limit"][0])
    newest = datetime(2026, 1, 1, tzinfo=UTC)
    items = [
        {
            "id": f"id-{number}",
            "name": f"job-{number:05}",
            "createdAt": (newest - timedelta(minutes=number)).isoformat(),
            "labels": {},
            "spec": {"user": "ana"},
            "status": {"phase": "Running", "progress": number % 100, "stage": "Rendering"},
        }
        for number in range(start, min(MANY, start + limit))
    ]
    following = start + limit
    body = {"items": items, "next": str(following) if following < MANY else None}
    await route.fulfill(content_type="application/json", body=json.dumps(body))


async def test_of_ten_thousand_only_those_are_in_the_document_that_are_seen(tab: Tab) -> None:
    await tab.page.route("**/api/v1/jobs?*", answer_many)
    page = await tab.open()
    first = page.get_by_role("link", name="job-00000")
    await first.focus()
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("link", name="job-00003")).to_be_focused()
    last = page.get_by_role("link", name=f"job-{MANY - 1:05}")

    async def at_the_end() -> bool:
        await page.locator(".list").evaluate("list => list.scrollTop = list.scrollHeight")
        assert await page.locator(".row").count() < 60
        return await last.is_visible()

    await eventually(at_the_end, timeout_s=60)
    assert await page.locator("li[aria-setsize]").last.get_attribute("aria-setsize") == str(MANY)
    await page.locator(".list").evaluate("list => list.scrollTop = 0")
    await expect(first).to_be_visible()


@asynccontextmanager
async def process_on(port: int, apiserver: ApiServer, namespace: str, caller: Caller) -> AsyncIterator[None]:
    """Run a gateway as it runs in a pod, and kill it at the end, in the middle of whatever it does."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        env={
            "KUBECONFIG": str(apiserver.kubeconfig),
            "VIDEOJOB_NAMESPACE": namespace,
            "VIDEOJOB_PORT": str(port),
            "VIDEOJOB_LOG_LEVEL": "ERROR",
            "NO_PROXY": "127.0.0.1",
        },
    )

    async def ready() -> bool:
        try:
            return (await caller("GET", "/readyz")).status == 200
        except OSError:
            return False

    try:
        await eventually(ready, timeout_s=60)
        yield
    finally:
        process.kill()
        await process.wait()


@pytest.mark.usefixtures("built_page", "renders")
async def test_a_gateway_that_is_killed_is_hardly_noticed(
    browser: Browser, apiserver: ApiServer, patient: World
) -> None:

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session, tab_of(browser, url) as tab:
        caller = Caller(session, url)
        async with process_on(port, apiserver, patient.namespace, caller):
            page = await tab.open()
            await patient.create("before")
            await expect(page.locator(".row")).to_have_count(1)
        await patient.create("meanwhile")
        await page.get_by_role("link", name="before").click()  # which asks a gateway that is not there
        async with process_on(port, apiserver, patient.namespace, caller):
            await expect(page.get_by_role("heading", name="before")).to_be_visible()
            await page.get_by_role("link", name="VideoJobs", exact=True).last.click()
            await expect(page.locator(".row")).to_have_count(2)
            await expect(page.get_by_text("Not connected")).to_be_hidden()
            await expect(page.locator(".notices p")).to_have_count(0)

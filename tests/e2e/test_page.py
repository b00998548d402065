"""The page on the cluster, in a real Chromium: from a photograph that is dropped on it to a video that plays."""

from __future__ import annotations

import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from hack import media
from tests.e2e.cluster import WAIT_S, Cluster, binaries
from tests.ports import free_port
from tests.web.conftest import tab_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import Browser

RELEASE = "videojob"


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    """The release's gateway on loopback, as the demo says how."""
    port = free_port()
    command = [str(binaries() / "kubectl"), "--kubeconfig", str(cluster.kubeconfig), "--namespace", RELEASE]
    command += ["port-forward", "service/videojob-gateway", f"{port}:80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forwarding:
        try:
            assert forwarding.stdout is not None
            assert forwarding.stdout.readline().startswith("Forwarding from")
            yield f"http://127.0.0.1:{port}"
        finally:
            forwarding.terminate()


async def test_a_photograph_that_is_dropped_becomes_a_video_that_plays(
    browser: Browser, cluster: Cluster, url: str
) -> None:
    name = f"page-{uuid.uuid4().hex[:8]}"
    token = cluster.kubectl("create", "token", "demo", "--namespace", RELEASE).strip()
    async with tab_of(browser, url) as tab:
        page = await tab.open("#/new")
        page.set_default_timeout(1000 * WAIT_S)
        await page.get_by_label("API key or token").fill(token)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_label("choose files").set_input_files(media.photograph("rocket.jpg"))
        await page.get_by_label("Name", exact=True).fill(name)
        await expect(page.get_by_text("It can be rendered.")).to_be_visible()
        await page.get_by_role("button", name="Show 6 frames of it").click()
        await expect(page.get_by_role("region", name="Preview").get_by_role("img")).to_be_visible(timeout=1000 * WAIT_S)
        await page.get_by_role("button", name="Render").click()
        video = page.locator("video")
        await expect(video).to_have_js_property("videoWidth", 1920, timeout=1000 * WAIT_S)
        await video.evaluate("element => { element.muted = true; return element.play(); }")
        await page.get_by_role("button", name="Show 12 frames of it").click()
        strip = page.get_by_role("region", name="Timeline").get_by_role("img")
        await expect(strip).to_be_visible(timeout=1000 * WAIT_S)
    cluster.kubectl("delete", "videojob", name, "--namespace", RELEASE)

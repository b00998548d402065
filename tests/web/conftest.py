"""The page in a real Chromium, of a gateway beside an API server, Redis and operator; the node does as it is told."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.integration.gateway.conftest import Caller, serving
from tests.integration.operator.conftest import World, kubernetes, patient, redis_url, world
from tests.integration.operator.node import Worker, failed
from videojob_client import Client
from videojob_contract.assignment import Result
from videojob_contract.errors import Reason
from videojob_contract.resources.status import OutputStatus
from videojob_gateway.app import create_app
from videojob_gateway.auth.api_keys import ApiKeys
from videojob_gateway.auth.authentication import Authentication, nobody_is_asked
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.integration.apiserver import ApiServer

__all__ = ["kubernetes", "patient", "redis_url", "world"]

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0", "--lang=en-US",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
"""As root, and with nothing asked of other hosts."""
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
SPEC: dict[str, Any] = {"clips": [{"color": "#204060", "duration": "1s"}]}


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The folder of what the page was built into, with what its tests read."""
    subprocess.run([ROOT / "hack" / "page"], check=True)
    done = subprocess.run([ROOT / "hack" / "bootstrap", "page"], check=True, capture_output=True, text=True)
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address at which a Chromium is told what to do, started once a process."""
    subprocess.run([ROOT / "hack" / "bootstrap", "browser"], check=True)
    profile = tmp_path_factory.mktemp("chromium")
    process = subprocess.Popen(
        ["chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        port = profile / "DevToolsActivePort"
        deadline = time.monotonic() + 60
        while not (port.exists() and len(port.read_text().splitlines()) > 1):
            assert process.poll() is None, "Chromium ended"
            assert time.monotonic() < deadline, "Chromium does not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port.read_text().splitlines()[0]}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """That Chromium; what a test opens in it is closed after it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium)
        expect.set_options(timeout=20_000)
        yield browser
        for context in browser.contexts[1:]:  # the first is its own
            await context.close()


@dataclass
class Tab:
    """A tab, and what went wrong in it."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)
    """Of the console, and of scripts: none is expected."""

    async def open(self, path: str = "#/jobs") -> Page:
        """Go to a part of the page."""
        await self.page.goto(f"{self.url}/{path}")
        return self.page


@asynccontextmanager
async def tab_of(browser: Browser, url: str, **options: Any) -> AsyncIterator[Tab]:
    """Open a tab as of a new user; fails at its end when the page had an error or broke its own policy."""
    context = await browser.new_context(**(DESKTOP | {"locale": "en-US"} | options))
    try:
        page = await context.new_page()
        page.set_default_timeout(20_000)
        tab = Tab(page, url)
        page.on("pageerror", lambda error: tab.faults.append(str(error)))
        page.on("console", lambda message: _note(tab, message.type, message.text))
        yield tab
        assert tab.faults == []
    finally:
        await context.close()


def _note(tab: Tab, kind: str, text: str) -> None:
    # That a gateway is away, or does not know somebody, is what some tests are about.
    if kind == "error" and "Failed to load resource" not in text and "net::ERR_" not in text:
        tab.faults.append(text)


class Renders:
    """What the node's workers do with each VideoJob, by its name: they wait until they are told how it ends."""

    def __init__(self, volumes: Path, film: bytes) -> None:
        self._volumes, self._film = volumes, film
        self._words = asyncio.Queue[float | Reason]()

    def go(self, *words: float | Reason) -> None:
        """Have whichever renders report a per cent, end well at 100, or fail."""
        for word in words:
            self._words.put_nowait(word)

    async def render(self, worker: Worker) -> Result:
        """Render as it is told, or until it is cancelled."""
        assignment = worker.claim.assignment
        while True:
            word = asyncio.create_task(self._words.get())
            stop = asyncio.create_task(worker.cancelled(60))
            await asyncio.wait({word, stop}, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            if not word.done():
                word.cancel()
                return failed(assignment, Reason.CANCELLED, "it was cancelled")
            match word.result():
                case Reason() as reason:
                    return failed(assignment, reason, "spec.clips[0].image.uri: there is no file photos/coffee.png")
                case 100:
                    return self._succeeded(worker)
                case percent:
                    await worker.report(percent)

    def _succeeded(self, worker: Worker) -> Result:
        assignment = worker.claim.assignment
        outputs = []
        for output in assignment.spec.outputs or []:
            if output.name != "main":
                continue
            path = self._volumes / "default" / (output.uri or "").removeprefix("volume://")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._film)
            digest = hashlib.sha256(self._film).hexdigest()
            outputs.append(
                OutputStatus(
                    name=output.name,
                    uri=output.uri or "",
                    bytes=len(self._film),
                    sha256=digest,
                    width=320,
                    height=180,
                    frames=25,
                    duration=1.0,
                )
            )
        return Result(
            uid=assignment.uid, attempt=assignment.attempt, result="succeeded", outputs=outputs,
            render_s=1.0, video_s=1.0,
        )  # fmt: skip


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A second of video."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=1"]
    subprocess.run(["ffmpeg", "-v", "error", *source, "-pix_fmt", "yuv420p", path], check=True)
    return path.read_bytes()


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """The folder in which volumes are mounted."""
    return tmp_path / "volumes"


@pytest.fixture
async def renders(patient: World, volumes: Path, film: bytes) -> Renders:
    """An operator that runs, a pool, and a node that does as it is told."""
    renders = Renders(volumes, film)
    patient.node.render = renders.render
    await asyncio.to_thread(patient.operator.start)
    uploads = {"uploads": {"prefix": "volume://media/uploads"}}
    await patient.create_pool(storage={"outputPrefix": "volume://media/out"} | uploads)
    return renders


@asynccontextmanager
async def gateway_of(
    apiserver: ApiServer, namespace: str, volumes: Path, keys: Path | None = None
) -> AsyncIterator[Caller]:
    """Serve a gateway of a namespace; where nobody is asked, or for the keys of a folder."""
    uploads = volumes.with_name("uploads")
    await asyncio.to_thread((uploads / "default").mkdir, parents=True, exist_ok=True)
    settings = Settings(volumes=str(volumes), uploads=str(uploads), manage_pools=True)
    async with Client(kubeconfig=apiserver.kubeconfig, namespace=namespace) as client:
        authenticate = Authentication(ApiKeys(keys)) if keys else nobody_is_asked
        async with serving(create_app(Gateway(settings, client), authenticate)) as call:
            yield call


@pytest.fixture
async def call(apiserver: ApiServer, patient: World, volumes: Path, built_page: Path) -> AsyncIterator[Caller]:
    """A gateway where nobody is asked, with the page."""
    assert built_page.name
    async with gateway_of(apiserver, patient.namespace, volumes) as call:
        yield call


@pytest.fixture
async def tab(browser: Browser, call: Caller) -> AsyncIterator[Tab]:
    """A tab of the page."""
    async with tab_of(browser, call.url) as tab:
        yield tab

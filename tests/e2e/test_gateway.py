"""The gateway as the chart installs it: what an application and a browser do, with a token of Kubernetes."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hack import media
from tests.e2e.cluster import WAIT_S, Cluster
from tests.e2e.test_slideshow import probe

RELEASE = "videojob"


@pytest.fixture(scope="module")
def url(cluster: Cluster) -> str:
    """Where the release's gateway is."""
    service = cluster.core.read_namespaced_service("videojob-gateway", RELEASE)
    return f"http://{service.spec.cluster_ip}:{service.spec.ports[0].port}"


@pytest.fixture
async def session(cluster: Cluster, url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client with the demo's token."""
    token = cluster.kubectl("create", "token", "demo", "--namespace", RELEASE).strip()
    timeout = aiohttp.ClientTimeout(total=WAIT_S)
    async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {token}"}, timeout=timeout) as session:
        yield session


async def call(session: aiohttp.ClientSession, method: str, path: str, status: int, **options: Any) -> Any:
    async with session.request(method, path, **options) as answer:
        body = await answer.read()
        assert answer.status == status, body
        return json.loads(body) if "json" in answer.headers.get("Content-Type", "") else body


async def followed(session: aiohttp.ClientSession, name: str) -> list[dict[str, Any]]:
    """Return every state of a VideoJob that its stream tells."""
    async with session.get(f"/api/v1/jobs/{name}/stream") as answer:
        assert answer.status == 200, await answer.text()
        lines = [line async for line in answer.content]
    return [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]


async def test_an_upload_becomes_a_video_that_is_followed_and_fetched(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    photograph = media.photograph("rocket.jpg").read_bytes()
    asset = await call(session, "POST", "/api/v1/assets?name=rocket.jpg", 201, data=photograph)
    name = f"gateway-{uuid.uuid4().hex[:8]}"
    spec = {
        "canvas": {"width": 640, "height": 360, "fps": "25"},
        "clips": [{"image": {"uri": asset["uri"]}, "duration": "2s", "motion": {"zoom": {"from": 1, "to": 1.2}}}],
    }
    preview = await call(session, "POST", "/api/v1/preview?at=1&width=320&format=jpeg", 200, json={"spec": spec})
    assert preview.startswith(b"\xff\xd8")
    await call(session, "POST", "/api/v1/jobs", 202, json={"name": name, "spec": spec})
    try:
        async with asyncio.timeout(WAIT_S):
            told = await followed(session, name)
        assert told[-1]["status"]["phase"] == "Succeeded", told[-1]
        video = await call(session, "GET", f"/api/v1/jobs/{name}/outputs/main", 200)
        (tmp_path / "main.mp4").write_bytes(video)
        assert {stream["codec_name"] for stream in probe(tmp_path / "main.mp4")["streams"]} == {"h264"}
        found = await call(session, "GET", f"/api/v1/jobs?text={name}", 200)
        assert [job["name"] for job in found["items"]] == [name]
    finally:
        await call(session, "DELETE", f"/api/v1/jobs/{name}?purge=true", 204)
        await call(session, "DELETE", f"/api/v1/assets/{asset['id']}", 204)


async def test_its_page_is_served_and_nobody_is_let_in_without_a_token(url: str) -> None:
    async with aiohttp.ClientSession(url) as session:
        async with session.get("/") as answer:
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        await call(session, "GET", "/api/v1/jobs", 401)

"""Outputs, from volumes and by redirects."""

import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Caller, create_pool, gateway_of
from videojob_gateway.config import Settings

FILM = bytes(range(256)) * 5000


@pytest.fixture
def volume(tmp_path: Path, namespace: str) -> Path:
    """The folder of one VideoJob's outputs in the volume `media` of the pool `default`."""
    folder = tmp_path / "default" / "media" / "out" / namespace / "holiday"
    folder.mkdir(parents=True)
    (folder / "main.mp4").write_bytes(FILM)
    return folder


@pytest.fixture
def volumes(tmp_path: Path, volume: Path) -> Path:
    """The folder in which volumes are mounted, with that one."""
    assert volume.is_dir()
    return tmp_path


@pytest.fixture
async def call(apiserver: ApiServer, cluster: Cluster, volumes: Path) -> AsyncIterator[Caller]:
    await create_pool(cluster)
    settings = Settings(volumes=str(volumes))
    async with gateway_of(apiserver, cluster, settings=settings) as call:
        await call.submit("holiday")
        await finish(cluster, output(cluster, "main.mp4", FILM))
        yield call


def output(cluster: Cluster, file: str, content: bytes, **fields: Any) -> dict[str, Any]:
    return {
        "name": file.partition(".")[0],
        "uri": f"volume://media/out/{cluster.namespace}/holiday/{file}",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        **fields,
    }


async def finish(cluster: Cluster, *outputs: dict[str, Any]) -> None:
    await cluster.status("holiday", phase="Succeeded", finishedAt="2026-01-01T00:00:00Z", outputs=list(outputs))


async def fetch(call: Caller, path: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    url = f"{call.url}/api/v1/jobs/holiday/outputs/{path}"
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with call.session.request(method, url, headers=sent, allow_redirects=False) as response:
        return response.status, response.headers, await response.read()


async def test_an_output_is_fetched_whole_and_in_parts(call: Caller) -> None:
    status, headers, body = await fetch(call, "main")
    assert (status, body) == (200, FILM)
    assert headers["ETag"] == f'"{hashlib.sha256(FILM).hexdigest()}"'
    assert (headers["Content-Type"], headers["Content-Length"]) == ("video/mp4", str(len(FILM)))
    assert headers["Content-Disposition"] == 'inline; filename="holiday-main.mp4"'
    status, part, body = await fetch(call, "main", Range="bytes=1000-1999")
    assert (status, body, part["Content-Range"]) == (206, FILM[1000:2000], f"bytes 1000-1999/{len(FILM)}")
    status, same, _ = await fetch(call, "main", If_None_Match=headers["ETag"])
    assert (status, same["ETag"], same.get("Content-Length")) == (304, headers["ETag"], None)
    status, none, body = await fetch(call, "main", Range=f"bytes={len(FILM)}-")
    assert (status, none["Content-Range"], json.loads(body)["reason"]) == (416, f"bytes */{len(FILM)}", "NoSuchPart")
    status, head, body = await fetch(call, "main", "HEAD")
    assert (status, head["Content-Length"], body) == (200, str(len(FILM)), b"")


async def test_a_link_in_the_volume_leads_nowhere(call: Caller, volume: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(FILM)
    film = volume / "main.mp4"
    film.unlink()
    film.symlink_to(secret)
    assert (await fetch(call, "main"))[0] == 404
    film.unlink()
    os.mkfifo(film)
    assert (await fetch(call, "main"))[0] == 404
    film.unlink()
    shutil.move(volume, volume.with_name("elsewhere"))
    os.symlink(volume.with_name("elsewhere"), volume)  # noqa: PTH211 - not async, as shutil is not
    assert (await fetch(call, "main"))[0] == 404


async def test_what_a_worker_says_of_anothers_file_is_not_sent(call: Caller, cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "default" / "media" / "others.mp4").write_bytes(FILM)
    await finish(cluster, output(cluster, "main.mp4", FILM, uri="volume://media/others.mp4"))
    assert (await fetch(call, "main"))[0] == 404


async def test_what_is_gone_or_replaced_or_never_was_is_told(call: Caller, volume: Path) -> None:
    (volume / "main.mp4").write_bytes(FILM[1:])
    assert (await fetch(call, "main"))[0] == 410
    (volume / "main.mp4").unlink()
    assert (await fetch(call, "main"))[0] == 404
    assert (await fetch(call, "poster"))[0] == 404


async def test_a_store_s_url_is_redirected_to(call: Caller, cluster: Cluster) -> None:
    url = "https://bucket.example.org/holiday.mp4?signature=abc"
    await finish(cluster, output(cluster, "main.mp4", FILM, uri="s3://bucket/holiday.mp4", url=url))
    status, headers, _ = await fetch(call, "main")
    assert (status, headers["Location"]) == (307, url)


async def test_a_playlist_is_played_from_beside_its_segments(call: Caller, cluster: Cluster, volume: Path) -> None:
    folder = volume / "hls-0123456789ab"
    folder.mkdir()
    (volume / "hls.m3u8").write_bytes(b"#EXTM3U\n")
    (folder / "1.m4s").write_bytes(b"segment")
    (volume / "private.mp4").write_bytes(b"private")
    outputs = [{"name": "hls", "format": "hls"}]
    await call("DELETE", "jobs/holiday?purge=true")
    await call.submit("holiday", outputs=outputs)
    await finish(cluster, output(cluster, "hls.m3u8", b"#EXTM3U\n"))
    status, headers, _ = await fetch(call, "hls")
    assert (status, headers["Location"]) == (307, "/api/v1/jobs/holiday/outputs/hls/hls.m3u8")
    status, headers, body = await fetch(call, "hls/hls.m3u8")
    assert (status, headers["Content-Type"], body) == (200, "application/vnd.apple.mpegurl", b"#EXTM3U\n")
    assert (await fetch(call, "hls/hls-0123456789ab/1.m4s"))[2] == b"segment"
    for other in ("private.mp4", "..%2f..%2fx", "hls-0123456789ab%2f..%2fprivate.mp4", "%2fetc%2fpasswd"):
        assert (await fetch(call, f"hls/{other}"))[0] == 404


async def test_a_poster_is_the_output_that_is_a_picture(call: Caller, cluster: Cluster, volume: Path) -> None:
    async def poster(**headers: str) -> tuple[int, Any, bytes]:
        url = f"{call.url}/api/v1/jobs/holiday/poster"
        async with call.session.get(url, headers=headers, allow_redirects=False) as response:
            return response.status, response.headers, await response.read()

    status, _, body = await poster()  # it has none, and nobody can be asked to make one
    assert (status, json.loads(body)["reason"]) == (503, "NoLooks")
    picture = b"a picture" * 100
    (volume / "poster.jpg").write_bytes(picture)
    film, still = output(cluster, "main.mp4", FILM), output(cluster, "poster.jpg", picture)
    await finish(cluster, film, still)
    status, headers, body = await poster()
    assert (status, headers["Content-Type"], body) == (200, "image/jpeg", picture)
    assert (await poster(**{"If-None-Match": headers["ETag"]}))[0] == 304
    await finish(cluster, film, still | {"url": "https://store.example.org/poster.jpg"})
    status, headers, _ = await poster()
    assert (status, headers["Location"]) == (307, "https://store.example.org/poster.jpg")
    await finish(cluster, film, still)
    (volume / "poster.jpg").unlink()
    assert (await poster())[0] == 503

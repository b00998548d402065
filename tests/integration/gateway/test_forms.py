"""Assets that come by a form, as browsers and `curl -F` send them."""

import asyncio
import hashlib
import io
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.integration.gateway.conftest import Caller, eventually
from tests.integration.gateway.test_assets import ANA, FILM, PICTURE, ask, call, files, replicas, uploads
from videojob_gateway.assets.receiving import WRITE_BYTES

__all__ = ["call", "replicas", "uploads"]

DIGEST = hashlib.sha256(PICTURE).hexdigest()


def form(*contents: bytes) -> aiohttp.FormData:
    data = aiohttp.FormData()
    for content in contents:
        data.add_field("file", io.BytesIO(content), filename="holiday.jpeg", content_type="image/jpeg")
    return data


async def test_curl_brings_a_file(call: Caller, uploads: Path, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    assert curl
    (tmp_path / "coffee.png").write_bytes(PICTURE)
    arguments = ["-s", "-H", f"Authorization: {ANA}", "-F", f"file=@{tmp_path}/coffee.png"]
    process = await asyncio.create_subprocess_exec(
        curl, *arguments, f"{call.url}/api/v1/assets?sha256={DIGEST}", stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert f'"id":"default.{DIGEST}"'.encode() in said
    assert files(uploads) == [f"assets/ana/{DIGEST}/coffee.png"]
    assert (uploads / files(uploads)[0]).read_bytes() == PICTURE


async def test_it_is_on_the_disk_before_it_is_whole(call: Caller, uploads: Path) -> None:
    async def on_disk() -> bool:
        return any((uploads / path).stat().st_size >= WRITE_BYTES for path in files(uploads))

    async def slowly() -> AsyncIterator[bytes]:
        yield b'--limit\r\nContent-Disposition: form-data; name="file"; filename="film.mp4"\r\n\r\n'
        yield FILM[: 2 * WRITE_BYTES]
        await eventually(on_disk, timeout_s=60)
        yield FILM[2 * WRITE_BYTES :]
        yield b"\r\n--limit--\r\n"

    answer = await ask(call, ANA, "POST", "assets", slowly(), Content_Type="multipart/form-data; boundary=limit")
    assert answer.status == 201, answer.text
    assert (answer.json["bytes"], answer.json["name"]) == (len(FILM), "film.mp4")
    assert (uploads / files(uploads)[0]).read_bytes() == FILM


@pytest.mark.parametrize(
    ("contents", "query", "status"),
    [
        ((PICTURE, PICTURE), "", 422),
        ((), "", 400),
        ((b"#!/bin/sh\n" * 1000,), "", 415),
        ((FILM * 3,), "", 413),
        ((PICTURE,), "?sha256=" + "0" * 64, 460),
        ((PICTURE,), "?pool=bare", 404),
    ],
    ids=["two files", "no file", "no media", "too long", "another digest", "no place"],
)
async def test_what_is_refused_leaves_nothing(
    call: Caller, uploads: Path, contents: tuple[bytes, ...], query: str, status: int
) -> None:
    data = form(*contents) if contents else b"--limit--\r\n"
    further = {} if contents else {"Content-Type": "multipart/form-data; boundary=limit"}
    url = f"{call.url}/api/v1/assets{query}"
    async with call.session.post(url, data=data, headers={"Authorization": ANA, **further}) as answer:
        assert answer.status == status, await answer.text()
        assert {"reason", "detail"} <= (await answer.json()).keys()
    assert files(uploads) == []


async def test_after_a_form_the_connection_serves_on(call: Caller) -> None:
    for _ in range(3):
        async with call.session.post(
            f"{call.url}/api/v1/assets", data=form(PICTURE), headers={"Authorization": ANA}
        ) as answer:
            assert answer.status == 201
            assert (await answer.json())["name"] == "holiday.png"

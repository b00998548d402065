"""Whole worker processes that read from a bucket and publish to it, and some that are killed while they do."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.assignments import assignment
from tests.integration.objects.faulty_proxy import Fault, FaultyProxy, fall_silent
from tests.integration.objects.servers import BUCKET
from videojob_contract.assignment import Assignment, Result
from videojob_contract.errors import Reason
from videojob_contract.queue.payload import pack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.objects.conftest import Worker
    from tests.integration.objects.servers import Server

PROGRAM = Path(sys.executable).with_name("videojob-worker")


def of_bucket(server: Server, endpoint: str, attempt: int = 1) -> Assignment:
    """A picture from the bucket, and every kind of further files to it."""
    made = assignment(seconds=3, attempt=attempt).to_dict()
    uri = f"s3://{BUCKET}"
    made["spec"]["clips"].append({"image": {"uri": f"{uri}/photos/a%20b.png"}, "duration": "1s"})
    draft = {"quality": "draft"}
    made["spec"]["outputs"] = [
        {
            **draft,
            "name": "main",
            "format": "mp4",
            "uri": f"{uri}/out/film.mp4",
            "object": {"cacheControl": "no-store"},
        },
        {**draft, "name": "stream", "format": "hls", "uri": f"{uri}/out/stream.m3u8"},
        {"name": "sheet", "format": "sprite", "uri": f"{uri}/out/sheet.jpg"},
    ]
    made["objects"] = [server.entry(endpoint=endpoint, urls={"presignedFor": "1h"}).to_dict()]
    return Assignment.model_validate(made)


@contextlib.asynccontextmanager
async def started(worker: Worker, given: Assignment, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    folder = worker.folder / f"worker-{given.attempt}"
    for name in ("volumes", "scratch"):
        (folder / name).mkdir(parents=True)
    (folder / "assignment").write_text(pack(given))
    environment = {
        **os.environ,
        "VIDEOJOB_NAMESPACE": "films",
        "VIDEOJOB_POOL": "default",
        "VIDEOJOB_WORKER": "worker",
        "VIDEOJOB_JOB": "job",
        "VIDEOJOB_ASSIGNMENT": str(folder / "assignment"),
        "VIDEOJOB_SCRATCH": str(folder / "scratch"),
        "VIDEOJOB_VOLUMES": str(folder / "volumes"),
        "VIDEOJOB_OBJECTS": str(worker.access.credentials),
        "VIDEOJOB_TERMINATION_LOG": str(folder / "termination-log"),
        "VIDEOJOB_CPU_LIMIT": "1",
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        PROGRAM, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def ended(worker: Worker, given: Assignment, **more: str) -> tuple[Result, str]:
    async with started(worker, given, **more) as process:
        log, _ = await asyncio.wait_for(process.communicate(), 90)
    said = (worker.folder / f"worker-{given.attempt}" / "termination-log").read_text()
    for secret in worker.server.secrets.values():
        assert secret not in said
        assert secret not in log.decode()
    return Result.model_validate_json(said), log.decode()


@pytest.fixture(autouse=True)
def picture(worker: Worker) -> None:
    keys = worker.keys()
    if keys:
        worker.server.admin().delete(keys)
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    worker.put("photos/a b.png", file.getvalue())


async def test_a_worker_reads_from_a_bucket_and_publishes_to_it(s3: Server, worker: Worker) -> None:
    result, log = await ended(worker, of_bucket(s3, s3.url))
    assert result.result == "succeeded", (result.message, log)
    keys = worker.keys("out/")
    assert {"out/film.mp4", "out/sheet.jpg", "out/sheet.vtt", "out/stream.m3u8"} <= set(keys)
    playlist = worker.content("out/stream.m3u8").decode()
    for line in (line for line in playlist.splitlines() if line and not line.startswith("#")):
        assert f"out/{line}" in keys
    assert s3.admin().get("out/film.mp4").attributes["Cache-Control"] == "no-store"
    assert result.outputs[0].bytes == len(worker.content("out/film.mp4"))


async def test_one_worker_reads_what_another_of_its_node_has_downloaded(s3: Server, worker: Worker) -> None:
    """Both renderers have given up all paths, and read by their descriptors."""
    cache = worker.folder / "cache"
    await asyncio.to_thread(cache.mkdir)
    environment = {"VIDEOJOB_CACHE": str(cache), "VIDEOJOB_CACHE_BYTES": "1000000"}
    for attempt in (1, 2):
        result, log = await ended(worker, of_bucket(s3, s3.url, attempt), **environment)
        assert result.result == "succeeded", (result.message, log)
    (kept,) = [path for path in await asyncio.to_thread(lambda: list(cache.rglob("*"))) if path.is_file()]
    assert kept.read_bytes() == worker.content("photos/a b.png")
    assert kept.stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize("step", ["PUT .*m4s", "PUT .*film.mp4.*partNumber", "POST .*film.mp4.uploadId"])
async def test_of_a_worker_that_is_killed_nothing_is_seen_and_another_publishes(
    s3: Server, worker: Worker, faulty: FaultyProxy, step: str
) -> None:
    worker.put("out/film.mp4", b"former")
    faulty.faults = [Fault(step, fall_silent, asks=False)]
    async with started(worker, of_bucket(s3, faulty.url)) as process:
        await asyncio.wait_for(faulty.asked(step), 90)
        process.kill()
        await process.wait()
    assert worker.content("out/film.mp4") == b"former"
    assert worker.keys("out/stream.m3u8") == []
    result, log = await ended(worker, of_bucket(s3, s3.url, attempt=2))
    assert result.result == "succeeded", (result.message, log)
    assert worker.content("out/film.mp4") != b"former"
    assert result.reason is not Reason.STORAGE_UNAVAILABLE

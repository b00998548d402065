"""Sources that are kept on the node: what a worker still asks a real S3 server for, and what it does not."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.objects.conftest import SOURCE
from tests.integration.objects.faulty_proxy import Fault, FaultyProxy, fall_silent
from tests.integration.objects.servers import Server, add_account
from tests.integration.objects.test_download import LONG, files_of, weaken
from videojob_contract.errors import PermanentError
from videojob_worker.storage import registry
from videojob_worker.storage.source_cache import SourceCache

if TYPE_CHECKING:
    from tests.integration.objects.conftest import Worker

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")


@pytest.fixture
def cache(tmp_path: Path) -> SourceCache:
    (tmp_path / "cache").mkdir()
    return SourceCache(tmp_path / "cache", 1 << 30)


async def fetch(worker: Worker, cache: SourceCache, most: int = 1 << 30) -> bytes:
    fd = await registry.fetch(SOURCE, worker.uri("a.mp4"), replace(worker.context(most), cache=cache))
    assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY or not kept(cache)
    try:
        return os.pread(fd, 1 << 30, 0)
    finally:
        os.close(fd)


def kept(cache: SourceCache) -> list[Path]:
    return [path for path in cache.folder.rglob("*") if path.is_file()]


def ranges(faulty: FaultyProxy) -> int:
    """Count the requests for a part of an object, of which a long one takes several."""
    return sum(b"\nrange:" in request.head.lower() for request in faulty.requests)


async def test_the_next_worker_downloads_nothing(hindered: Worker, faulty: FaultyProxy, cache: SourceCache) -> None:
    hindered.put("a.mp4", LONG)
    assert await fetch(hindered, cache) == LONG
    asked, whole = ranges(faulty), len(faulty.requests)
    assert asked > 0
    assert await fetch(hindered, cache) == LONG
    assert (ranges(faulty), len(faulty.requests)) == (asked, whole + 1)


async def test_an_object_that_was_changed_is_downloaded_anew(worker: Worker, cache: SourceCache) -> None:
    for content in (LONG, bytes(len(LONG)), b"", LONG):
        worker.put("a.mp4", content)
        assert await fetch(worker, cache) == content


async def test_who_may_not_read_it_or_not_so_much_gets_nothing(
    s3: Server, worker: Worker, cache: SourceCache, tmp_path: Path
) -> None:
    worker.put("a.mp4", LONG)
    assert await fetch(worker, cache) == LONG
    stranger = s3.access(tmp_path / "others", **add_account(s3, "cache-stranger", "stranger-secret"))
    with pytest.raises(PermanentError, match="AccessDenied"):
        await fetch(replace(worker, access=stranger), cache)
    with pytest.raises(PermanentError, match="more than the pool's limit"):
        await fetch(worker, cache, most=len(LONG) - 1)


async def test_weak_tags_name_nothing(hindered: Worker, faulty: FaultyProxy, cache: SourceCache) -> None:
    hindered.put("a.mp4", LONG)
    faulty.faults = [Fault("^GET", weaken)]
    assert await fetch(hindered, cache) == LONG
    assert kept(cache) == []


async def test_nothing_is_left_when_it_is_stopped(hindered: Worker, faulty: FaultyProxy, cache: SourceCache) -> None:
    hindered.put("a.mp4", LONG)
    before = files_of(hindered.folder)
    faulty.faults = [Fault("^GET", fall_silent)]
    fetching = asyncio.ensure_future(fetch(hindered, cache))
    await asyncio.sleep(0.3)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert kept(cache) == []
    assert files_of(hindered.folder) == before


async def test_a_disk_that_is_full_is_the_cache_s_trouble_alone(
    worker: Worker, cache: SourceCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.put("a.mp4", LONG)
    really = os.pwrite

    def refuse(fd: int, part: memoryview, offset: int) -> int:
        if str(cache.folder) in str(Path(f"/proc/self/fd/{fd}").readlink()):
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(fd, part, offset)

    monkeypatch.setattr(os, "pwrite", refuse)
    assert await fetch(worker, cache) == LONG
    assert kept(cache) == []

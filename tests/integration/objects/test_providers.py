"""What every provider's store does alike, on a real server of each."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.outputs import ObjectAttributes
from videojob_worker.storage.objects import download, sending

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.objects.conftest import Worker

LONG = os.urandom(2 * max(download.RANGE_BYTES, sending.PART_BYTES) + 12345)
FOLDER, FORMER = "film-0123456789ab", "film-ba9876543210"
SEGMENTS = [(b"%d" % index, (FOLDER, f"{index}.m4s")) for index in range(10)]


@pytest.mark.parametrize("size", [1, 1000, len(LONG)])
async def test_what_is_published_is_seen_at_the_commit_and_read_again(any_worker: Worker, size: int) -> None:
    any_worker.put("a/film.mp4", b"former")
    staged = await any_worker.stage("a/film.mp4", LONG[:size])
    assert await any_worker.fetch("a/film.mp4") == b"former"
    await staged.commit()
    await staged.discard()
    assert await any_worker.fetch("a/film.mp4", most=size) == LONG[:size]
    assert (staged.size_bytes, staged.sha256) == (size, hashlib.sha256(LONG[:size]).hexdigest())


@pytest.mark.parametrize(
    "key", ["a b.mp4", "été/日本語.mp4", "100%.mp4", "%41.mp4", "a#b.mp4", "a+b.mp4", "a&b=c;d.mp4"]
)
async def test_keys_of_every_kind_are_written_and_read(any_worker: Worker, key: str) -> None:
    await (await any_worker.stage(quote(key), key.encode())).commit()
    assert any_worker.keys() == [key]
    assert await any_worker.fetch(quote(key)) == key.encode()


async def test_what_is_discarded_leaves_nothing(any_worker: Worker) -> None:
    staged = await any_worker.stage_files("a/film.m3u8", [*SEGMENTS, (LONG, ())])
    assert any_worker.keys() == sorted(f"a/{FOLDER}/{file}" for _, (_, file) in SEGMENTS)
    await staged.discard()
    assert any_worker.keys() == []


async def test_segments_of_what_is_replaced_are_removed(any_worker: Worker) -> None:
    kept = [f"a/{FORMER}/notes.txt", "a/zzz", f"b/{FORMER}/0.m4s"]
    for key in (*kept, f"a/{FORMER}/0.m4s"):
        any_worker.put(key, b"former")
    await (await any_worker.stage_files("a/film.m3u8", [*SEGMENTS, (b"playlist", ())])).commit()
    assert any_worker.keys() == sorted([*kept, "a/film.m3u8", *(f"a/{FOLDER}/{file}" for _, (_, file) in SEGMENTS)])


async def test_what_is_kept_beside_it_is_there(any_worker: Worker) -> None:
    attributes = ObjectAttributes.model_validate(
        {"contentType": "video/mp4", "cacheControl": "no-cache", "metadata": {"madeby": "films"}}
    )
    await (await any_worker.stage("film.mp4", b"film", attributes=attributes)).commit()
    there = any_worker.server.admin().get("film.mp4").attributes
    assert there["Content-Type"] == "video/mp4"
    if any_worker.server.provider != "gs":  # fake-gcs-server keeps no more than the type of what comes this way
        assert (there["Cache-Control"], there["madeby"]) == ("no-cache", "films")


async def test_what_is_missing_is_refused_for_good(any_worker: Worker, tmp_path: Path) -> None:
    missing = await any_worker.refusal("missing.jpg")
    assert (type(missing), missing.reason) == (PermanentError, Reason.SOURCE_NOT_FOUND)
    server = any_worker.server
    entry = any_worker.access.stores[0].model_copy(update={"bucket": "nothing"})
    elsewhere = replace(any_worker, access=server.access(tmp_path / "objects", entry))
    with pytest.raises(PermanentError) as failure:
        await download.fetch("f", f"{server.provider}://nothing/a.jpg", elsewhere.context())
    assert failure.value.reason is Reason.SOURCE_NOT_FOUND

"""What killed attempts left of uploads, on a real S3 server."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.integration.objects.faulty_proxy import Fault
from tests.integration.objects.servers import BUCKET
from videojob_worker.storage.objects import sending, sweeping
from videojob_worker.storage.objects.opening import AccessKey

if TYPE_CHECKING:
    from tests.integration.objects.conftest import Worker
    from tests.integration.objects.faulty_proxy import FaultyProxy

CONTENT = os.urandom(sending.PART_BYTES)


def begun(worker: Worker) -> list[str]:
    """Return the first bytes of all parts that the server keeps of uploads that have not ended."""
    kept = worker.server.folder / "data" / BUCKET / ".sgwtmp" / "multipart"
    return sorted(path.read_bytes()[:4].decode() for path in kept.rglob("*") if path.is_file())


@pytest.mark.parametrize("key", ["film.mp4", "a b/é%#+&?.mp4", "a&amp;b.mp4"])
async def test_an_attempt_aborts_what_those_before_began_of_its_output_alone(worker: Worker, key: str) -> None:
    before = begun(worker)
    killed = [
        await worker.stage(quote(name), mark + CONTENT, attempt)
        for attempt, (name, mark) in enumerate([(key, b"one."), (key, b"two."), (f"{key}.old", b"old.")], 1)
    ]
    # The first two were killed: nobody discards them. The second swept what the first had begun.
    assert begun(worker) == sorted([*before, "two.", "old."])
    staged = await worker.stage(quote(key), b"new." + CONTENT, 4)
    assert begun(worker) == sorted([*before, "new.", "old."])
    await staged.commit()
    assert worker.content(key) == b"new." + CONTENT
    for each in killed:
        await each.discard()
    assert begun(worker) == before


@pytest.mark.parametrize("listing", ["<Upload>" * 500_000, "<Upload><Key>" * 300_000, "<Upload><Key>a</Key>" * 200_000])
def test_a_listing_that_never_ends_an_upload_is_read_at_once(listing: str) -> None:
    begun = time.process_time()
    assert not any(sweeping._text(upload, "UploadId") for upload in sweeping._uploads(listing))
    assert time.process_time() - begun < 5


async def test_a_server_that_does_not_come_to_an_end_is_left(
    hindered: Worker, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drip(_answer: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    monkeypatch.setattr(sweeping, "_MOST_S", 0.5)
    faulty.faults = [Fault("^GET .*uploads", drip)]
    async with asyncio.timeout(10):
        staged = await hindered.stage("film.mp4", CONTENT, 2)
    await staged.commit()
    assert hindered.content("film.mp4") == CONTENT


def test_requests_are_signed_as_amazon_has_it() -> None:
    """The example *GET Bucket Lifecycle* of Amazon's documents of Signature Version 4."""
    keys = AccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None)
    url = "https://examplebucket.s3.amazonaws.com/?lifecycle="
    headers = sweeping._signed("GET", url, "us-east-1", keys, datetime(2013, 5, 24, tzinfo=UTC))
    assert headers["authorization"].endswith(
        "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    )

"""What clients put into a bucket, removed when its time is over, on the servers of all providers."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from PIL import Image

from tests.integration.objects.servers import BUCKET, add_account, let_below
from tests.integration.objects.test_sweeping import CONTENT, begun
from tests.integration.objects.test_worker import ended, of_bucket
from videojob_contract.assignment import Assignment
from videojob_contract.resources.uploads import Uploads
from videojob_worker.storage import registry
from videojob_worker.storage.base import CLEANED_MARKER, CLEANED_S, UploadsContext
from videojob_worker.storage.uploads import remove_old_uploads

if TYPE_CHECKING:
    import pytest

    from tests.integration.objects.conftest import Worker
    from tests.integration.objects.servers import Server

PLACE = "up loads/é%"
MARKER = f"{PLACE}/{CLEANED_MARKER}"


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    return file.getvalue()


async def remove_old(worker: Worker, *, later_s: float = 0, ttl_s: float = 7200) -> int:
    now = datetime.now(UTC) + timedelta(seconds=later_s)
    context = UploadsContext({}, worker.access, now, now - timedelta(seconds=ttl_s))
    return await registry.remove_old(worker.uri(quote(PLACE)), context)


async def test_what_is_old_goes_and_nothing_beside_the_place(any_worker: Worker) -> None:
    kept = ["out/a.mp4", f"{PLACE}2/a.mp4", f"{PLACE}.mp4"]
    keys = [f"{PLACE}/a b.mp4", f"{PLACE}/deep/er/%41#?.mp4", *kept]
    for key in keys:
        any_worker.put(key, b"film")
    assert await remove_old(any_worker) == 0
    assert any_worker.keys() == sorted([*keys, MARKER])
    assert await remove_old(any_worker, later_s=7201) == 2
    assert any_worker.keys() == sorted([*kept, MARKER])


async def test_of_all_workers_one_looks_in_an_hour(any_worker: Worker) -> None:
    any_worker.put(f"{PLACE}/a.mp4", b"film")
    assert await remove_old(any_worker) == 0
    assert await remove_old(any_worker, later_s=CLEANED_S - 60, ttl_s=0) == 0
    assert await remove_old(any_worker, later_s=CLEANED_S + 60, ttl_s=0) == 1


async def test_more_than_a_page_of_keys_goes(worker: Worker) -> None:
    keys = [f"{PLACE}/{index:04}.jpg" for index in range(1100)]
    for key in keys:
        path = worker.server.folder / "data" / BUCKET / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert await remove_old(worker, later_s=7201) == len(keys)
    assert worker.keys(PLACE) == [MARKER]


async def test_uploads_that_clients_left_in_the_middle_are_aborted(worker: Worker) -> None:
    worker.server.admin().delete([MARKER])
    before = begun(worker)
    left = [
        await worker.stage(quote(key), mark + CONTENT)
        for key, mark in ((f"{PLACE}/a.mp4", b"mine"), ("out/b.mp4", b"else"))
    ]
    await remove_old(worker)
    assert begun(worker) == sorted([*before, "mine", "else"])
    await remove_old(worker, later_s=7201)
    assert begun(worker) == sorted([*before, "else"])
    for each in left:
        await each.discard()


async def test_who_may_not_remove_says_so_and_nothing_fails(
    s3: Server, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = add_account(s3, "writer-alone", "writer-alone-secret")
    let_below(s3, "writer-alone", PLACE)
    worker.put(f"{PLACE}/a.mp4", b"film")
    worker.server.admin().delete([MARKER])
    access = s3.access(worker.access.credentials, **secrets)
    await remove_old_uploads(Uploads(prefix=worker.uri(quote(PLACE))), {}, access)
    assert (
        "object store store does not let it be cleaned (HTTP 403, AccessDenied): allow listing and deleting"
        in caplog.text
    )
    assert "writer-alone-secret" not in caplog.text
    assert worker.keys(f"{PLACE}/a.mp4") == [f"{PLACE}/a.mp4"]


async def test_a_worker_removes_them_when_its_render_is_done(s3: Server, worker: Worker) -> None:
    keys = worker.keys()
    if keys:
        worker.server.admin().delete(keys)
    worker.put("photos/a b.png", png())
    for name in ("old.mp4", "new.mp4"):
        worker.put(f"uploads/{name}", b"film")
    long_ago = datetime.now(UTC).timestamp() - 8 * 24 * 3600
    os.utime(s3.folder / "data" / BUCKET / "uploads" / "old.mp4", (long_ago, long_ago))
    given = of_bucket(s3, s3.url).to_dict()
    given = Assignment.model_validate({**given, "uploads": {"prefix": f"s3://{BUCKET}/uploads"}})
    result, log = await ended(worker, given)
    assert result.result == "succeeded", (result.message, log)
    assert worker.keys("uploads/") == [f"uploads/{CLEANED_MARKER}", "uploads/new.mp4"]
    assert "removed 1 old uploads below s3://films/uploads" in log

"""Outputs to a real S3 server, and through a proxy that harms what it says."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.integration.objects.faulty_proxy import Fault, answering, fall_silent, reset
from tests.integration.objects.servers import BUCKET, add_account, change_secret, let_below
from videojob_contract.errors import PermanentError, Reason, TransientError, VideoJobError
from videojob_contract.resources.outputs import ObjectAttributes
from videojob_worker.storage import registry
from videojob_worker.storage.base import RenderedFile
from videojob_worker.storage.objects import sending

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.objects.conftest import Worker
    from tests.integration.objects.faulty_proxy import FaultyProxy
    from tests.integration.objects.servers import Server

UPLOADS = f"data/{BUCKET}/.sgwtmp/multipart"
PART = sending.PART_BYTES
LONG = os.urandom(3 * PART + 17)
FOLDER, FORMER = "film-0123456789ab", "film-ba9876543210"
SEGMENTS = [(b"init", (FOLDER, "init.mp4")), *((b"%d" % index, (FOLDER, f"{index}.m4s")) for index in range(20))]


def open_uploads(server: Server) -> list[str]:
    """Return what the server keeps of uploads that are neither completed nor aborted."""
    kept = server.folder / UPLOADS
    return sorted(str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file())


async def publish(worker: Worker) -> None:
    staged = await worker.stage("film.mp4", LONG)
    try:
        await staged.commit()
    finally:
        await staged.discard()


@pytest.fixture(autouse=True)
def empty(s3: Server) -> None:
    keys = [found["path"] for page in s3.admin().list() for found in page]
    if keys:
        s3.admin().delete(keys)
    shutil.rmtree(s3.folder / UPLOADS, ignore_errors=True)


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART + 1, len(LONG)])
async def test_it_is_seen_whole_when_it_is_committed_and_not_before(worker: Worker, size: int) -> None:
    worker.put("a/film.mp4", b"former")
    staged = await worker.stage("a/film.mp4", LONG[:size])
    assert worker.content("a/film.mp4") == b"former"
    assert worker.keys() == ["a/film.mp4"]
    await staged.commit()
    await staged.discard()
    assert worker.content("a/film.mp4") == LONG[:size]
    assert (staged.size_bytes, staged.sha256) == (size, hashlib.sha256(LONG[:size]).hexdigest())
    assert open_uploads(worker.server) == []


@pytest.mark.parametrize(
    "key", ["a b.mp4", "été/日本語.mp4", "100%.mp4", "%41.mp4", "a#b?c.mp4", "a+b.mp4", "a&b=c;d.mp4"]
)
async def test_keys_of_every_kind_are_written_by_their_escaped_uris(worker: Worker, key: str) -> None:
    await (await worker.stage(quote(key), b"film")).commit()
    assert worker.keys() == [key]


async def test_discard_leaves_nothing(worker: Worker) -> None:
    staged = await worker.stage("film.mp4", LONG)
    await staged.discard()
    await staged.discard()
    assert worker.keys() == []
    assert open_uploads(worker.server) == []


async def test_all_but_a_few_bytes_is_sent_before_the_commit(hindered: Worker, faulty: FaultyProxy) -> None:
    staged = await hindered.stage("film.mp4", LONG)
    await asyncio.sleep(0.5)
    before = len(faulty.requests)
    await staged.commit()
    assert sum(len(request.body) for request in faulty.requests[before:]) < 10_000


async def test_what_is_kept_beside_it_is_sent_with_it(s3: Server, hindered: Worker, faulty: FaultyProxy) -> None:
    entry = s3.entry(endpoint=faulty.url, storageClass="STANDARD_IA", encryption={"algorithm": "AES256"})
    worker = replace(hindered, access=s3.access(hindered.access.credentials, entry))
    attributes = ObjectAttributes.model_validate(
        {
            "contentType": "video/mp4",
            "cacheControl": "public, max-age=60",
            "metadata": {"made-by": "films"},
            "tags": {"team": "a b"},
        }
    )
    files = [*SEGMENTS[:2], (b"text", ("film.vtt",)), (b"playlist", ())]
    await (await worker.stage_files("film.m3u8", files, attributes=attributes)).commit()
    begun = [request for request in faulty.requests if request.method == "POST" and "uploads" in request.target]
    short = [request for request in faulty.requests if request.method == "PUT" and "uploadId" not in request.target]
    assert (len(begun), len(short)) == (2, 2)
    for request in begun + short:
        head = request.head.decode().lower()
        for line in (
            "cache-control: public, max-age=60",
            "x-amz-meta-made-by: films",
            "x-amz-tagging: team=a+b",
            "x-amz-storage-class: standard_ia",
            "x-amz-server-side-encryption: aes256",
        ):
            assert f"\r\n{line}\r\n" in head
    types = {key: s3.admin().get(key).attributes["Content-Type"] for key in worker.keys()}  # noqa: SIM118 - no mapping
    assert types == {
        "film.m3u8": "video/mp4",
        "film.vtt": "text/vtt; charset=utf-8",
        f"{FOLDER}/init.mp4": "video/mp4",
        f"{FOLDER}/0.m4s": "video/iso.segment",
    }


async def test_segments_are_there_before_their_playlist_and_go_with_it(worker: Worker) -> None:
    staged = await worker.stage_files("a/film.m3u8", [*SEGMENTS, (b"playlist", ())])
    assert worker.keys() == sorted(f"a/{FOLDER}/{file}" for _, (_, file) in SEGMENTS)
    await staged.commit()
    assert worker.content("a/film.m3u8") == b"playlist"
    assert staged.size_bytes == sum(len(content) for content, _ in SEGMENTS) + len(b"playlist")
    discarded = await worker.stage_files("b/film.m3u8", [*SEGMENTS, (b"playlist", ())])
    await discarded.discard()
    assert worker.keys("b/") == []


async def test_what_another_may_count_on_is_not_taken_back(worker: Worker) -> None:
    files = [*SEGMENTS, (b"playlist", ())]
    expected = sorted(["film.m3u8", *(f"{FOLDER}/{file}" for _, (_, file) in SEGMENTS)])

    async def lost() -> bool:
        return False

    stale = await worker.stage_files("film.m3u8", files, 1, is_ours=lost)
    following = await worker.stage_files("film.m3u8", files, 2)
    await following.commit()
    await stale.discard()
    assert worker.keys() == expected
    # Nor what an output had that was there before.
    again = await worker.stage_files("film.m3u8", files, 3)
    await again.discard()
    assert worker.keys() == expected


async def test_what_is_replaced_is_removed_and_nothing_beside_it(worker: Worker) -> None:
    kept = [
        f"a/{FORMER}/notes.txt",
        f"a/{FORMER}/sub/0.m4s",
        "a/film-0123/0.m4s",
        "a/film-two-ba9876543210/0.m4s",
        f"b/{FORMER}/0.m4s",
        f"{FORMER}/0.m4s",
        "a/zzz",
    ]
    for key in (*kept, f"a/{FORMER}/0.m4s", f"a/{FORMER}/playlist.m3u8"):
        worker.put(key, b"former")
    await (await worker.stage_files("a/film.m3u8", [*SEGMENTS[:1], (b"playlist", ())])).commit()
    assert worker.keys() == sorted([*kept, f"a/{FOLDER}/init.mp4", "a/film.m3u8"])


async def test_more_segments_than_a_server_lists_at_once_come_and_go(worker: Worker) -> None:
    for folder in (FORMER, FOLDER):
        segments = [(b"%d" % index, (folder, f"{index}.m4s")) for index in range(1100)]
        await (await worker.stage_files("a/film.m3u8", [*segments, (b"playlist", ())])).commit()
        assert worker.keys("a/") == sorted(["a/film.m3u8", *(f"a/{folder}/{index}.m4s" for index in range(1100))])
    again = await worker.stage_files("a/film.m3u8", [*segments, (b"0", (FOLDER, "more.m4s")), (b"playlist", ())])
    await again.discard()
    assert worker.keys("a/") == sorted(["a/film.m3u8", *(f"a/{FOLDER}/{index}.m4s" for index in range(1100))])


async def test_ten_thousand_segments_come_and_go(worker: Worker) -> None:
    """Of a film of sixteen hours, in one folder, as a renderer leaves them: none is missed, nor left."""
    segments = [(b"%d" % index, (FOLDER, f"{index}.m4s")) for index in range(10_000)]
    staged = await worker.stage_files("a/film.m3u8", [*segments, (b"playlist", ())])
    await staged.commit()
    assert worker.keys("a/") == sorted(["a/film.m3u8", *(f"a/{FOLDER}/{index}.m4s" for index in range(10_000))])
    assert worker.content(f"a/{FOLDER}/9999.m4s") == b"9999"
    other = (b"0", (FORMER, "0.m4s"))
    await (await worker.stage_files("a/film.m3u8", [other, (b"playlist", ())])).commit()
    assert worker.keys("a/") == [f"a/{FORMER}/0.m4s", "a/film.m3u8"]


@pytest.mark.timeout(900)
async def test_a_render_of_more_than_five_gib_goes_and_comes(worker: Worker, tmp_path: Path) -> None:
    """S3 takes no longer one in one request; 4 GiB are where 32 bits end. It is sparse, and few bytes are looked at."""
    size = (5 << 30) + 17
    marks = {offset: b"%016d" % offset for offset in (0, (4 << 30) - 8, (5 << 30) - 16, size - 16)}
    film = tmp_path / "film"
    with film.open("wb") as file:
        file.truncate(size)
        for offset, mark in marks.items():
            file.seek(offset)
            file.write(mark)
    given = RenderedFile(lambda: os.open(film, os.O_RDONLY))
    staged = await registry.stage([given], worker.destination("film.mp4"))
    await staged.commit()
    film.unlink()
    fd = await worker.open("film.mp4", most=6 << 30)
    assert os.fstat(fd).st_size == staged.size_bytes == size
    assert {offset: os.pread(fd, 16, offset) for offset in marks} == marks
    os.close(fd)


async def test_who_may_write_below_a_prefix_is_told_of_what_is_beside_it(s3: Server, worker: Worker) -> None:
    secrets = add_account(s3, "writes-below", "writes-below-secret")
    let_below(s3, "writes-below", "renders")
    below = replace(worker, access=s3.access(worker.access.credentials, **secrets))
    await (await below.stage("renders/film.mp4", b"film")).commit()
    for path in ("renders2/film.mp4", "film.mp4"):
        with pytest.raises(PermanentError, match="allow writing") as failure:
            await below.stage(path, b"film")
        assert failure.value.reason is Reason.OUTPUT_FORBIDDEN
    assert worker.keys() == ["renders/film.mp4"]
    assert open_uploads(s3) == []


async def test_keys_that_are_changed_while_it_is_sent_are_for_another_attempt(s3: Server, worker: Worker) -> None:
    secrets = add_account(s3, "rotated-writer", "before")
    let_below(s3, "rotated-writer", "renders")
    rotated = replace(worker, access=s3.access(worker.access.credentials, **secrets))
    staged = await rotated.stage("renders/film.mp4", LONG)
    change_secret(s3, "rotated-writer", "after")
    with pytest.raises(TransientError, match="does not know the credentials"):
        await staged.commit()
    await staged.discard()
    assert worker.keys() == []
    s3.access(worker.access.credentials, **secrets | {"AWS_SECRET_ACCESS_KEY": "after"})
    await (await rotated.stage("renders/film.mp4", LONG, 2)).commit()
    assert worker.content("renders/film.mp4") == LONG


async def test_a_server_that_lists_what_it_was_not_asked_for_has_nothing_removed(
    hindered: Worker, faulty: FaultyProxy
) -> None:
    names = [
        "other.mp4",
        "film.m3u8",
        f"{FORMER}/../../x.m4s",
        f"b/{FORMER}/0.m4s",
        f"{FORMER}/a/b.m4s",
        f"a/{FORMER}/0.exe",
    ]
    contents = "".join(
        f"<Contents><Key>a/{name}</Key><Size>1</Size><ETag>&quot;e&quot;</ETag>"
        "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
        for name in names
    )
    body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode()

    async def list_others(_answer: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()

    faulty.faults = [Fault("^GET .*list-type", list_others, asks=False)]
    await (await hindered.stage_files("a/film.m3u8", [*SEGMENTS[:2], (b"playlist", ())])).commit()
    assert [request.body for request in faulty.requests if "delete" in request.target] == []
    assert hindered.keys() == sorted(["a/film.m3u8", f"a/{FOLDER}/init.mp4", f"a/{FOLDER}/0.m4s"])


async def test_where_it_may_not_be_written_is_known_before_any_commit(s3: Server, worker: Worker) -> None:
    secrets = add_account(s3, "writer", "writer-secret")
    for access, says in (
        (s3.access(worker.access.credentials / "a", **secrets), "allow writing"),
        (s3.access(worker.access.credentials / "b", s3.entry(readOnly=True)), "is read-only"),
        (
            s3.access(worker.access.credentials / "c", s3.entry(prefix="renders")),
            "no object store of the pool covers it",
        ),
    ):
        with pytest.raises(PermanentError, match=says) as failure:
            await replace(worker, access=access).stage("film.mp4", b"film")
        assert failure.value.reason is Reason.OUTPUT_FORBIDDEN
    assert worker.keys() == []


async def test_who_may_write_below_a_prefix_alone_needs_no_more(s3: Server, worker: Worker) -> None:
    secrets = add_account(s3, "prefixed", "prefixed-secret")
    let_below(s3, "prefixed", "renders")
    prefixed = replace(worker, access=s3.access(worker.access.credentials, **secrets))
    for attempt in (1, 2):
        staged = await prefixed.stage_files("renders/film.m3u8", [*SEGMENTS, (b"playlist", ())], attempt)
        await staged.commit()
    assert await prefixed.fetch("renders/film.m3u8") == b"playlist"
    staged = await prefixed.stage_files("renders/other.m3u8", [*SEGMENTS, (LONG, ())])
    await staged.discard()
    assert open_uploads(s3) == []
    with pytest.raises(PermanentError, match="allow writing"):
        await prefixed.stage("film.mp4", b"film")
    worker.put("film.mp4", b"film")
    assert "allow reading" in (await prefixed.refusal("film.mp4")).message


@pytest.mark.parametrize("fault", [answering("503 Slow Down", "SlowDown"), reset])
@pytest.mark.parametrize("which", ["^POST .*uploads", "^PUT", "^POST .*uploadId"])
async def test_a_fault_that_passes_is_not_noticed(
    hindered: Worker, faulty: FaultyProxy, fault: object, which: str
) -> None:
    faulty.faults = [Fault(which, fault, times=2, asks=False)]  # type: ignore[arg-type]
    staged = await hindered.stage("film.mp4", LONG)
    await staged.commit()
    await staged.discard()
    assert hindered.content("film.mp4") == LONG
    assert open_uploads(hindered.server) == []


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", [answering("503 Slow Down", "SlowDown"), reset, fall_silent])
@pytest.mark.parametrize("which", ["^POST .*uploads", "^PUT", "^POST .*uploadId"])
async def test_a_fault_that_stays_is_for_another_attempt(
    hindered: Worker, faulty: FaultyProxy, fault: object, which: str
) -> None:
    hindered.put("film.mp4", b"former")
    faulty.faults = [Fault(which, fault, asks=False)]  # type: ignore[arg-type]
    with pytest.raises(VideoJobError) as failure:
        await publish(hindered)
    hindered.check(failure.value, "spec.outputs[0].uri", "film.mp4")
    assert (type(failure.value), failure.value.reason) == (TransientError, Reason.STORAGE_UNAVAILABLE)
    assert hindered.content("film.mp4") == b"former"
    assert open_uploads(hindered.server) == []


async def test_a_commit_whose_answer_is_lost_has_happened(hindered: Worker, faulty: FaultyProxy) -> None:
    faulty.faults = [Fault("^POST .*uploadId", reset, times=1)]
    staged = await hindered.stage("film.mp4", LONG)
    await staged.commit()
    assert hindered.content("film.mp4") == LONG


async def test_a_commit_that_may_have_happened_is_tried_again_and_keeps_its_segments(
    hindered: Worker, faulty: FaultyProxy
) -> None:
    """As some servers answer who repeats the request whose answer was lost."""
    faulty.faults = [Fault("^POST .*uploadId", answering("404 Not Found", "NoSuchUpload"))]
    staged = await hindered.stage_files("film.m3u8", [*SEGMENTS, (b"playlist", ())])
    with pytest.raises(TransientError, match=r"completed or given up meanwhile .*NoSuchUpload"):
        await staged.commit()
    await staged.discard()
    assert hindered.content("film.m3u8") == b"playlist"
    assert hindered.keys(FOLDER) == sorted(f"{FOLDER}/{file}" for _, (_, file) in SEGMENTS)


@pytest.mark.usefixtures("hasty")
async def test_nothing_is_left_when_it_is_stopped(hindered: Worker, faulty: FaultyProxy) -> None:
    # It never comes to the server: one that is still written there during the abort stays, as with S3 itself.
    faulty.faults = [Fault("^PUT .*partNumber=3", fall_silent, asks=False)]
    staging = asyncio.ensure_future(hindered.stage_files("film.m3u8", [*SEGMENTS, (LONG * 4, ())]))
    await faulty.asked("PUT .*partNumber=3")
    staging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await staging
    assert hindered.keys() == []
    assert open_uploads(hindered.server) == []


async def test_of_two_attempts_at_once_one_is_seen_whole(worker: Worker) -> None:
    contents = [os.urandom(2 * PART), os.urandom(2 * PART)]
    one, two = await asyncio.gather(*(worker.stage("film.mp4", each, 1) for each in contents))
    await asyncio.gather(one.commit(), two.commit())
    assert worker.content("film.mp4") in contents
    one, two = await asyncio.gather(*(worker.stage("film.mp4", each, 1) for each in contents))
    await two.commit()
    await one.discard()
    assert worker.content("film.mp4") == contents[1]
    assert open_uploads(worker.server) == []


async def test_an_attempt_that_another_follows_can_commit_no_more(worker: Worker) -> None:
    stale = await worker.stage("film.mp4", b"stale", 1)
    following = await worker.stage("film.mp4", b"following", 2)
    with pytest.raises(TransientError, match="was completed or given up meanwhile"):
        await stale.commit()
    await stale.discard()
    await following.commit()
    assert worker.content("film.mp4") == b"following"

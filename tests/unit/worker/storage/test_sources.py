from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from videojob_common.address_guard import resolve_by_system
from videojob_common.safe_open import open_file
from videojob_contract.assignment import SourceLimits
from videojob_contract.errors import PermanentError, Reason, TransientError, VideoJobError
from videojob_contract.resources.uploads import Uploads
from videojob_worker.media.files.source import Source
from videojob_worker.storage.base import FetchContext
from videojob_worker.storage.sources import Sources, fetched

PATH = "spec.clips[0].image.uri"


@pytest.fixture
def context(tmp_path: Path) -> FetchContext:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.jpg").write_bytes(b"picture")
    (tmp_path / "downloads").mkdir()
    limits = SourceLimits(max_source_bytes=100)
    return FetchContext({"media": tmp_path / "media"}, limits, tmp_path / "downloads", resolve_by_system)


def stat_of(context: FetchContext) -> os.stat_result:
    return (context.volumes["media"] / "a.jpg").stat()


async def refusal(context: FetchContext, uri: str) -> VideoJobError:
    with pytest.raises(VideoJobError) as failure:
        async with fetched([(PATH, uri)], context, lambda _: None):
            pass
    assert failure.value.message.startswith(f"{PATH}: ")
    return failure.value


async def test_opens_in_place_and_counts(context: FetchContext) -> None:
    seen: list[int] = []
    async with fetched([(PATH, "volume://media/a.jpg")], context, seen.append) as sources:
        fd = sources.fds["volume://media/a.jpg"]
        assert os.pread(fd, 100, 0) == b"picture"
        assert os.fstat(fd).st_ino == (context.volumes["media"] / "a.jpg").stat().st_ino
        assert seen == [1]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


async def test_what_is_read_of_uploads_is_used_and_written_when_it_was(context: FetchContext) -> None:
    for uploads, is_used in ((None, False), (Uploads(prefix="volume://media"), True)):
        before = stat_of(context)
        async with fetched(
            [(PATH, "volume://media/a.jpg")], replace(context, uploads=uploads), lambda _: None
        ) as sources:
            sources.check_unchanged()
        after = stat_of(context)
        assert (after.st_ctime_ns > before.st_ctime_ns) is is_used
        assert after.st_mtime_ns == before.st_mtime_ns


async def test_refusals(context: FetchContext, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (context.volumes["media"] / "link").symlink_to(tmp_path / "secret")
    (context.volumes["media"] / "big").write_bytes(b"x" * 101)
    for uri, reason in (
        ("volume://media/gone.jpg", Reason.SOURCE_NOT_FOUND),
        ("volume://other/a.jpg", Reason.SOURCE_NOT_FOUND),
        ("volume://media/a.jpg/b", Reason.SOURCE_NOT_FOUND),
        ("volume://media/../secret", Reason.SOURCE_FORBIDDEN),
        ("volume://media/link", Reason.SOURCE_FORBIDDEN),
        ("volume://media/big", Reason.SOURCE_TOO_LARGE),
        ("s3://bucket/a.jpg", Reason.SOURCE_FORBIDDEN),
    ):
        failure = await refusal(context, uri)
        assert failure.reason is reason, failure
        assert isinstance(failure, PermanentError)


async def test_all_that_is_missing_is_named_at_once_before_anything_is_downloaded(context: FetchContext) -> None:
    wanted = [
        ("spec.clips[0].image.uri", "https://unheard-of.invalid/a.jpg"),
        ("spec.clips[1].image.uri", "volume://media/gone.jpg"),
        ("spec.clips[2].image.uri", "volume://media/a.jpg"),
        ("spec.audio.tracks[0].uri", "volume://media/../gone.mp3"),
    ]
    with pytest.raises(PermanentError) as failure:
        async with fetched(wanted, context, lambda _: None):
            pass
    assert failure.value.reason is Reason.SOURCE_NOT_FOUND
    assert failure.value.message.splitlines() == [
        "spec.clips[1].image.uri: volume://media/gone.jpg: not found",
        "spec.audio.tracks[0].uri: volume://media/../gone.mp3: the path has '..' in it",
    ]


async def test_what_no_attempt_mends_decides_what_many_failures_are(context: FetchContext, monkeypatch: Any) -> None:
    async def fetch(field: str, _uri: str, _context: FetchContext) -> int:
        raise (TransientError if field == "spec.a" else PermanentError)(f"{field}: fails")

    monkeypatch.setattr("videojob_worker.storage.registry.fetch", fetch)
    with pytest.raises(VideoJobError) as failure:
        async with fetched([("spec.a", "volume://m/a"), ("spec.b", "volume://m/b")], context, lambda _: None):
            pass
    assert (type(failure.value), failure.value.message) == (PermanentError, "spec.a: fails\nspec.b: fails")


async def test_a_file_that_is_replaced_does_no_harm(context: FetchContext) -> None:
    file = context.volumes["media"] / "a.jpg"
    async with fetched([(PATH, "volume://media/a.jpg")], context, lambda _: None) as sources:
        (file.parent / "new").write_bytes(b"another")
        (file.parent / "new").replace(file)
        sources.check_unchanged()
        assert os.pread(sources.fds["volume://media/a.jpg"], 100, 0) == b"picture"


async def test_a_file_that_is_written_to_is_found_out(context: FetchContext) -> None:
    file = context.volumes["media"] / "a.jpg"
    async with fetched([(PATH, "volume://media/a.jpg")], context, lambda _: None) as sources:
        file.write_bytes(b"longer than before")
        with pytest.raises(TransientError, match=r"volume://media/a\.jpg was changed while it was read"):
            sources.check_unchanged()


async def test_what_can_be_secret_in_a_uri_is_not_repeated(context: FetchContext, tmp_path: Path) -> None:
    failure = await refusal(context, "volume://user:secret@media/a.jpg?secret#secret")
    assert "volume://media/a.jpg" in failure.message
    assert "secret" not in failure.message
    uri = "https://user:secret@host/a.jpg?secret"
    assert Source(PATH, uri, tmp_path).error("is odd").message == f"{PATH}: https://host/a.jpg is odd"
    with (tmp_path / "media" / "a.jpg").open() as file, pytest.raises(TransientError) as changed:
        Sources({uri: file.fileno()}, {uri: (0, 0, 0)}).check_unchanged()
    assert changed.value.message == "https://host/a.jpg was changed while it was read"


async def test_a_file_that_may_not_be_read(context: FetchContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("videojob_worker.storage.volume.open_file", refuse)
    assert (await refusal(context, "volume://media/a.jpg")).reason is Reason.SOURCE_FORBIDDEN


async def test_one_failure_closes_all(context: FetchContext) -> None:
    wanted = [(PATH, "volume://media/a.jpg"), ("spec.clips[1].image.uri", "volume://media/gone.jpg")]
    with pytest.raises(PermanentError, match=r"spec\.clips\[1\]"):
        async with fetched(wanted, context, lambda _: None):
            pass
    assert not _is_open(context.volumes["media"] / "a.jpg")


async def test_what_is_opened_after_another_failed_is_closed(
    context: FetchContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    def open_late(root: Path, names: tuple[str, ...]) -> int:
        if names == ("gone.jpg",):
            failed.set()
        opened = open_file(root, names)
        assert failed.wait(10)
        time.sleep(0.05)  # until the task that waits for this is cancelled
        return opened

    monkeypatch.setattr("videojob_worker.storage.volume.open_file", open_late)
    wanted = [(PATH, "volume://media/a.jpg"), (PATH, "volume://media/gone.jpg")]
    with pytest.raises(PermanentError):
        async with fetched(wanted, context, lambda _: None):
            pass
    assert not _is_open(context.volumes["media"] / "a.jpg")


def _is_open(file: Path) -> bool:
    """Whether this process has a descriptor of it."""
    links = Path("/proc/self/fd").iterdir()
    return any(os.path.realpath(link) == str(file) for link in links)

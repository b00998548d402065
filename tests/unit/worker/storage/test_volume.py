from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from videojob_contract.errors import PermanentError, Reason, TransientError
from videojob_worker.storage.base import Destination, RenderedFile
from videojob_worker.storage.volume import stage

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = os.urandom(3 * 1024**2 + 17)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    (tmp_path / "volume").mkdir()
    return tmp_path / "volume"


@pytest.fixture
def source(tmp_path: Path) -> list[RenderedFile]:
    return [rendered_file(tmp_path / "rendered", CONTENT)]


def rendered_file(path: Path, content: bytes, *parts: str) -> RenderedFile:
    path.write_bytes(content)
    return RenderedFile(lambda: os.open(path, os.O_RDONLY), parts)


def destination(volume: Path, uri: str = "volume://media/a/b/main.mp4", attempt: int = 1) -> Destination:
    return Destination("spec.outputs[0].uri", uri, "uid", attempt, {"media": volume}, lambda _: None)


def files(volume: Path) -> list[str]:
    return sorted(str(path.relative_to(volume)) for path in volume.rglob("*") if not path.is_dir())


async def test_nothing_has_its_name_before_commit(volume: Path, source: list[RenderedFile]) -> None:
    staged = await stage(source, destination(volume))
    assert "a/b/main.mp4" not in files(volume)
    await staged.commit()
    assert files(volume) == ["a/b/main.mp4"]
    assert (volume / "a/b/main.mp4").read_bytes() == CONTENT
    assert staged.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert staged.size_bytes == len(CONTENT)


async def test_discard_leaves_nothing_and_keeps_what_is_committed(volume: Path, source: list[RenderedFile]) -> None:
    staged = await stage(source, destination(volume))
    await staged.discard()
    await staged.discard()
    assert files(volume) == []
    staged = await stage(source, destination(volume))
    await staged.commit()
    await staged.discard()
    assert files(volume) == ["a/b/main.mp4"]


async def test_replaces_what_was_there(volume: Path, source: list[RenderedFile]) -> None:
    (volume / "main.mp4").write_text("old")
    staged = await stage(source, destination(volume, "volume://media/main.mp4"))
    assert (volume / "main.mp4").read_text() == "old"
    await staged.commit()
    assert (volume / "main.mp4").read_bytes() == CONTENT


async def test_a_link_in_its_place_is_replaced_and_not_followed(
    volume: Path, source: list[RenderedFile], tmp_path: Path
) -> None:
    (tmp_path / "victim").write_text("victim")
    (volume / "main.mp4").symlink_to(tmp_path / "victim")
    await (await stage(source, destination(volume, "volume://media/main.mp4"))).commit()
    assert (tmp_path / "victim").read_text() == "victim"
    assert not (volume / "main.mp4").is_symlink()


async def test_a_link_in_the_way_is_refused(volume: Path, source: list[RenderedFile], tmp_path: Path) -> None:
    (volume / "a").symlink_to(tmp_path)
    with pytest.raises(PermanentError, match=r"spec\.outputs\[0\]\.uri: volume://media/a/b/main\.mp4: a is a symb"):
        await stage(source, destination(volume))
    assert not (tmp_path / "b").exists()


async def test_leftovers_of_killed_attempts_are_removed(volume: Path, source: list[RenderedFile]) -> None:
    stale = await stage(source, destination(volume, attempt=1))
    current = await stage(source, destination(volume, attempt=2))
    with pytest.raises(TransientError):
        await stale.commit()  # it was given up for dead, and has lost its file
    await current.commit()
    assert files(volume) == ["a/b/main.mp4"]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, Reason.DISK_FULL),
        (errno.EDQUOT, Reason.DISK_FULL),
        (errno.EROFS, Reason.OUTPUT_FORBIDDEN),
        (errno.EACCES, Reason.OUTPUT_FORBIDDEN),
        (errno.EIO, Reason.STORAGE_UNAVAILABLE),
    ],
)
async def test_failures_are_named_and_leave_nothing(
    volume: Path, source: list[RenderedFile], number: int, reason: Reason, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_fd: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((PermanentError, TransientError)) as failure:
        await stage(source, destination(volume))
    assert failure.value.reason is reason
    assert "spec.outputs[0].uri: volume://media/a/b/main.mp4" in failure.value.message
    assert files(volume) == []


async def test_a_volume_that_the_pool_lacks(volume: Path, source: list[RenderedFile]) -> None:
    with pytest.raises(PermanentError, match="no volume other"):
        await stage(source, destination(volume, "volume://other/main.mp4"))


async def test_a_cancelled_copy_has_stopped_and_leaves_nothing(volume: Path, source: list[RenderedFile]) -> None:
    copied: list[int] = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_bytes(count: int) -> None:
        copied.append(count)
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result(5)

    slow = Destination("p", "volume://media/main.mp4", "uid", 1, {"media": volume}, on_bytes)
    staging = asyncio.create_task(stage(source, slow))
    await begun.wait()
    staging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await staging
    assert files(volume) == []
    assert len(copied) == 1


OLD, NEW = "main-0123456789ab", "main-fedcba987654"
PLAYLIST = "volume://media/a/main.m3u8"


def hls(tmp_path: Path, folder: str, names: tuple[str, ...]) -> list[RenderedFile]:
    segments = [rendered_file(tmp_path / name, name.encode(), folder, name) for name in names]
    return [*segments, rendered_file(tmp_path / "main.m3u8", folder.encode())]


async def test_files_of_an_output_get_their_names_together(volume: Path, tmp_path: Path) -> None:
    staged = await stage(hls(tmp_path, NEW, ("v-00000.m4s", "v.m3u8")), destination(volume, PLAYLIST))
    assert all(name.endswith(".part") for name in files(volume))
    assert staged.size_bytes == len("v-00000.m4s" + "v.m3u8" + NEW)
    assert staged.sha256 == hashlib.sha256(NEW.encode()).hexdigest()
    await staged.commit()
    await staged.discard()
    assert files(volume) == [f"a/{NEW}/v-00000.m4s", f"a/{NEW}/v.m3u8", "a/main.m3u8"]


async def test_a_new_playlist_takes_the_segments_of_the_one_before_with_it(volume: Path, tmp_path: Path) -> None:
    await (await stage(hls(tmp_path, OLD, ("v-00000.m4s", "v-00001.m4s")), destination(volume, PLAYLIST))).commit()
    (volume / "a" / "main-summer").mkdir()
    (volume / "a" / "main-summer" / "v-00000.m4s").write_text("somebody's")
    (volume / "a" / "main-000000000000").mkdir()
    (volume / "a" / "main-000000000000" / "notes.txt").write_text("somebody's")
    (volume / "a" / "main-00000000000f").symlink_to(tmp_path)
    await (await stage(hls(tmp_path, NEW, ("v-00000.m4s",)), destination(volume, PLAYLIST))).commit()
    assert files(volume) == [
        "a/main-000000000000/notes.txt",
        f"a/{NEW}/v-00000.m4s",
        "a/main-summer/v-00000.m4s",
        "a/main.m3u8",
    ]
    assert (tmp_path / "v-00000.m4s").exists(), "links are not followed"


async def test_discarded_files_leave_no_folder_and_the_old_ones_stay(volume: Path, tmp_path: Path) -> None:
    await (await stage(hls(tmp_path, OLD, ("v-00000.m4s",)), destination(volume, PLAYLIST))).commit()
    staged = await stage(hls(tmp_path, NEW, ("v-00000.m4s",)), destination(volume, PLAYLIST))
    await staged.discard()
    assert files(volume) == [f"a/{OLD}/v-00000.m4s", "a/main.m3u8"]
    assert [path.name for path in (volume / "a").iterdir() if path.is_dir()] == [OLD]


async def test_a_file_that_cannot_be_copied_leaves_none_of_them(volume: Path, tmp_path: Path) -> None:
    rendered = hls(tmp_path, NEW, ("v-00000.m4s", "v-00001.m4s"))
    (tmp_path / "v-00001.m4s").unlink()
    with pytest.raises(TransientError):
        await stage(rendered, destination(volume, PLAYLIST))
    assert not list((volume / "a").iterdir())

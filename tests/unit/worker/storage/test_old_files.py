from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from videojob_common.safe_open import UnsafePathError
from videojob_contract.resources.uploads import Uploads
from videojob_worker.storage import old_files, uploads
from videojob_worker.storage.base import CLEANED_MARKER, CLEANED_S, ObjectAccess, UploadsContext
from videojob_worker.storage.old_files import remove_old_files

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "volume://media/up%20loads"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "media" / "up loads").mkdir(parents=True)
    return tmp_path / "media" / "up loads"


@pytest.fixture
def link_target(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    fill(tmp_path / "outside", "a.mp4")
    return tmp_path / "outside"


def context(place: Path, *, later_s: float = 0, ttl_s: float = 7200) -> UploadsContext:
    """What a worker has that looks so much later."""
    now = datetime.now(UTC) + timedelta(seconds=later_s)
    return UploadsContext({"media": place.parent}, ObjectAccess(), now, now - timedelta(seconds=ttl_s))


def names(folder: Path) -> list[str]:
    found = (str(path.relative_to(folder)) for path in folder.rglob("*"))
    return sorted(name for name in found if name != CLEANED_MARKER)


def fill(place: Path, *files: str) -> None:
    for name in files:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(b"film")


async def test_what_is_old_goes_with_its_folders_and_what_is_not_stays(place: Path) -> None:
    fill(place, "a.mp4", "b/c/d é%#.mp4", "b/.e.part")
    fill(place.parent, "out/film.mp4", "up loads2/a.mp4")
    assert await remove_old_files(PREFIX, context(place)) == 0
    assert names(place) == ["a.mp4", "b", "b/.e.part", "b/c", "b/c/d é%#.mp4"]
    assert await remove_old_files(PREFIX + "/", context(place, later_s=7201)) == 3
    assert names(place) == []
    assert names(place.parent) == ["out", "out/film.mp4", "up loads", f"up loads/{CLEANED_MARKER}", "up loads2",
                                   "up loads2/a.mp4"]  # fmt: skip


async def test_a_copy_that_keeps_the_times_of_its_original_is_new(place: Path) -> None:
    fill(place, "a.mp4")
    os.utime(place / "a.mp4", (0, 0))
    assert await remove_old_files(PREFIX, context(place)) == 0
    assert names(place) == ["a.mp4"]


async def test_a_folder_that_a_client_has_just_made_stays(place: Path) -> None:
    fill(place, "new/a.mp4")
    os.unlink(place / "new/a.mp4")  # noqa: PTH108 - nothing else waits meanwhile
    assert await remove_old_files(PREFIX, context(place)) == 0
    assert names(place) == ["new"]


async def test_links_are_removed_and_not_followed(place: Path, link_target: Path) -> None:
    (place / "folder").symlink_to(link_target)
    (place / "file").symlink_to(link_target / "a.mp4")
    os.mkfifo(place / "pipe")
    assert await remove_old_files(PREFIX, context(place, later_s=7201)) == 3
    assert names(place) == []
    assert names(link_target) == ["a.mp4"]


async def test_a_link_in_the_place_of_the_folder_ends_it(place: Path, link_target: Path) -> None:
    os.rename(place, place.with_name("former"))  # noqa: PTH104 - nothing else waits meanwhile
    os.symlink(link_target, place)  # noqa: PTH211 - the same
    with pytest.raises(UnsafePathError):
        await remove_old_files(PREFIX, context(place, later_s=7201))
    assert names(link_target) == ["a.mp4"]


async def test_a_link_in_the_place_of_the_marker_ends_it(place: Path, link_target: Path) -> None:
    fill(place, "b.mp4")
    (place / CLEANED_MARKER).symlink_to(link_target / "a.mp4")
    with pytest.raises(OSError, match="symbolic links"):
        await remove_old_files(PREFIX, context(place, later_s=7201))
    # Which is no trouble of the attempt.
    given = Uploads(prefix=PREFIX, ttl=Fraction(7200))
    await uploads.remove_old_uploads(given, {"media": place.parent}, ObjectAccess())
    assert names(place) == ["b.mp4"]
    assert (link_target / "a.mp4").read_bytes() == b"film"


async def test_of_all_workers_one_looks_in_an_hour(place: Path) -> None:
    fill(place, "a.mp4")
    assert await remove_old_files(PREFIX, context(place)) == 0
    assert await remove_old_files(PREFIX, context(place, later_s=CLEANED_S - 60, ttl_s=0)) == 0
    assert names(place) == ["a.mp4"]
    assert await remove_old_files(PREFIX, context(place, later_s=CLEANED_S + 60, ttl_s=0)) == 1


async def test_a_marker_of_the_future_is_no_marker(place: Path) -> None:
    fill(place, "a.mp4", CLEANED_MARKER)
    os.utime(place / CLEANED_MARKER, (time.time() + 1e6, time.time() + 1e6))
    assert await remove_old_files(PREFIX, context(place, ttl_s=-60)) == 1


async def test_folders_in_folders_without_end_are_left(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_files, "_MOST_FOLDERS", 2)
    fill(place, "1/2/kept/a.mp4", "1/2/b.mp4")
    assert await remove_old_files(PREFIX, context(place, later_s=7201)) == 1
    assert names(place) == ["1", "1/2", "1/2/kept", "1/2/kept/a.mp4"]


async def test_what_may_not_be_removed_keeps_nothing_else(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(place, "a.mp4", "b.mp4", "c.mp4")
    unlink = os.unlink

    def refuse(path: str, *, dir_fd: int | None = None) -> None:
        if path == "b.mp4":
            raise PermissionError
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refuse)
    assert await remove_old_files(PREFIX, context(place, later_s=7201)) == 2
    assert names(place) == ["b.mp4"]


async def test_a_place_that_is_not_there_is_no_trouble(place: Path) -> None:
    assert await remove_old_files("volume://media/elsewhere", context(place)) == 0
    assert await remove_old_files("volume://other/uploads", context(place)) == 0
    assert names(place.parent) == ["up loads"]


async def test_it_stops_when_it_takes_too_long(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(place, *(f"{index}.mp4" for index in range(50)))
    unlink = os.unlink

    def slowly(path: str, *, dir_fd: int | None = None) -> None:
        time.sleep(0.05)
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", slowly)
    monkeypatch.setattr(uploads, "MOST_S", 0.3)
    begun = asyncio.get_running_loop().time()
    await uploads.remove_old_uploads(
        Uploads.model_construct(prefix=PREFIX, ttl=Fraction(-60)), {"media": place.parent}, ObjectAccess()
    )
    assert asyncio.get_running_loop().time() - begun < 1.5
    assert 0 < len(names(place)) < 50

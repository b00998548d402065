from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from videojob_worker.storage import source_cache
from videojob_worker.storage.source_cache import SourceCache, name_of_content

if TYPE_CHECKING:
    from collections.abc import Callable

KIB = 1024
A, B, C = (name_of_content("s3", "", "", "films", key, '"tag"', "", 5) for key in "abc")


@pytest.fixture
def cache(tmp_path: Path) -> SourceCache:
    return SourceCache(tmp_path, 64 * KIB)


def keep(cache: SourceCache, name: str, content: bytes) -> int:
    fd = cache.begin(len(content))
    assert fd is not None
    os.write(fd, content)
    kept = cache.keep(fd, name, len(content))
    os.close(fd)
    return kept


def names(cache: SourceCache) -> set[str]:
    return {path.name for path in cache.folder.rglob("*") if path.is_file() or path.is_symlink()}


def test_what_is_kept_is_found_by_its_name_and_length_alone(cache: SourceCache) -> None:
    os.close(keep(cache, A, b"film"))
    found = cache.find(A, 4)
    assert found is not None
    assert os.pread(found, 10, 0) == b"film"
    os.close(found)
    assert cache.find(A, 5) is None
    assert cache.find(B, 4) is None


def test_names_tell_every_version_of_every_object_apart() -> None:
    parts = ("s3", "https://a", "", "films", "a.mp4", '"1"', "", 4)
    others = [(*parts[:index], f"{part}x" if isinstance(part, str) else 5, *parts[index + 1 :])
              for index, part in enumerate(parts)]  # fmt: skip
    shifted = [("s3", "https://a", "", "film", "sa.mp4", '"1"', "", 4)]
    assert len({name_of_content(*each) for each in (parts, *others, *shifted)}) == len(parts) + 2


def test_nobody_can_write_through_what_is_given(cache: SourceCache) -> None:
    for fd in (keep(cache, A, b"film"), cache.find(A, 4)):
        assert fd is not None
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.pwrite(fd, b"evil", 0)
        with pytest.raises(OSError, match="Invalid argument"):
            os.ftruncate(fd, 0)
        os.close(fd)


def test_nothing_has_a_name_before_it_is_whole(cache: SourceCache) -> None:
    fd = cache.begin(4)
    assert fd is not None
    os.write(fd, b"fi")
    assert names(cache) == set()
    os.close(fd)
    assert names(cache) == set()


def test_a_writer_that_is_killed_leaves_nothing(cache: SourceCache) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from videojob_worker.storage.source_cache import SourceCache\n"
        "fd = SourceCache(Path(sys.argv[1]), 1 << 20).begin(1 << 19)\n"
        "os.write(fd, bytes(1 << 18))\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(cache.folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert names(cache) == set()


def test_two_that_keep_the_same_both_have_it(cache: SourceCache) -> None:
    first, second = keep(cache, A, b"film"), keep(cache, A, b"film")
    assert os.fstat(first).st_ino == os.fstat(second).st_ino
    for fd in (first, second):
        os.close(fd)


def test_what_was_read_longest_ago_goes_and_who_reads_it_goes_on(cache: SourceCache) -> None:
    film = bytes(24 * KIB)
    reading = keep(cache, A, film)
    os.close(keep(cache, B, film))
    time.sleep(0.01)
    found = cache.find(A, len(film))
    assert found is not None
    os.close(found)
    os.close(keep(cache, C, film))
    assert names(cache) == {A, C}
    os.close(keep(cache, B, bytes(60 * KIB)))
    assert names(cache) == {B}
    assert os.pread(reading, 1 << 20, 0) == film
    os.close(reading)


def test_what_is_larger_than_all_is_not_kept_and_nothing_goes_for_it(cache: SourceCache) -> None:
    os.close(keep(cache, A, b"film"))
    assert cache.begin(64 * KIB + 1) is None
    assert names(cache) == {A}


def test_what_a_boot_before_left_is_not_believed_and_goes_in_its_turn(
    cache: SourceCache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    os.close(keep(cache, A, bytes(40 * KIB)))
    (tmp_path / "boot_id").write_text(f"{uuid.uuid4()}\n")
    monkeypatch.setattr(source_cache, "_BOOT_ID", tmp_path / "boot_id")
    assert cache.find(A, 40 * KIB) is None
    assert A in names(cache)
    os.close(keep(cache, B, bytes(40 * KIB)))
    assert names(cache) - {"boot_id"} == {B}


def boot_folder(cache: SourceCache) -> Path:
    os.close(keep(cache, C, b""))
    (folder,) = (path for path in cache.folder.iterdir() if path.is_dir())
    return folder


def put_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("put", [put_link, os.mkfifo, Path.mkdir])
def test_what_is_no_file_is_not_opened(cache: SourceCache, put: Callable[[Path], None]) -> None:
    put(boot_folder(cache) / A)
    size = Path("/etc/passwd").stat().st_size
    assert cache.find(A, size) is None
    fd = keep(cache, A, b"film")
    assert os.pread(fd, 10, 0) == b"film"
    os.close(fd)


def test_what_others_put_there_is_left(cache: SourceCache, tmp_path: Path) -> None:
    outside = tmp_path.with_name("outside")
    outside.mkdir()
    (outside / A).write_bytes(bytes(100 * KIB))
    (cache.folder / str(uuid.uuid4())).symlink_to(outside)
    (cache.folder / "notes").mkdir()
    (cache.folder / "notes" / B).write_bytes(bytes(100 * KIB))
    os.close(keep(cache, C, bytes(60 * KIB)))
    assert (outside / A).exists()
    assert (cache.folder / "notes" / B).exists()
    assert cache.find(C, 60 * KIB) is not None


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_volume_that_cannot_do_it_is_said_and_costs_nothing_else(
    cache: SourceCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    really = os.open

    def refuse(path: str, flags: int, *more: object, **named: object) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(number, os.strerror(number))
        return really(path, flags, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    assert cache.begin(4) is None
    assert f"sources are not cached: {os.strerror(number)}" in caplog.text


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    cache = SourceCache(tmp_path / "none", 1 << 20)
    assert cache.find(A, 4) is None
    assert cache.begin(4) is None

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from videojob_contract.errors import Reason
from videojob_worker import errno_mapping


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOENT, Reason.SOURCE_NOT_FOUND),
        (errno.ENOTDIR, Reason.SOURCE_NOT_FOUND),
        (errno.EACCES, Reason.SOURCE_FORBIDDEN),
        (errno.ELOOP, Reason.SOURCE_FORBIDDEN),
        (errno.ENOSPC, Reason.DISK_FULL),
        (errno.EIO, Reason.STORAGE_UNAVAILABLE),
        (errno.ESTALE, Reason.STORAGE_UNAVAILABLE),
    ],
)
def test_sources(number: int, reason: Reason) -> None:
    error = errno_mapping.of_source(OSError(number, os.strerror(number)), "field: uri")
    assert error.reason is reason
    assert error.message.startswith("field: uri: ")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EROFS, Reason.OUTPUT_FORBIDDEN),
        (errno.EISDIR, Reason.OUTPUT_FORBIDDEN),
        (errno.EDQUOT, Reason.DISK_FULL),
        (errno.EIO, Reason.STORAGE_UNAVAILABLE),
    ],
)
def test_outputs(number: int, reason: Reason) -> None:
    assert errno_mapping.of_output(OSError(number, os.strerror(number)), "field: uri").reason is reason


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_who_was_denied_and_what_to_do_is_told(number: int) -> None:
    error = OSError(number, os.strerror(number))
    worker = f"the worker, user {os.getuid()} and group {os.getgid()}, may not"
    assert errno_mapping.of_source(error, "x").message.startswith(f"x: {worker} read it: let it, with chmod o+r")
    said = errno_mapping.of_output(error, "x").message
    assert said == f"x: {worker} write there: make the folder that group's, with chown :{os.getgid()} and chmod g+rwx"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder of root's and try it as another")
def test_the_remedy_that_is_told_for_a_folder_of_roots_works() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        (Path(name) / "out").mkdir(mode=0o755)
        assert "user 65532 and group 65532, may not write there" in _written_by_a_worker(name)
        subprocess.run("chown :65532 out; chmod g+rwx out", shell=True, cwd=name, check=True)  # noqa: S602 - as people do
        assert _written_by_a_worker(name) == "written"


def _written_by_a_worker(volume: str) -> str:
    program = (
        "import asyncio, concurrent.futures.thread, os, sys; from videojob_worker.storage import volume; "
        "from videojob_worker.storage.base import Destination, RenderedFile; from pathlib import Path\n"
        "place = Destination('f', 'volume://m/out/a.mp4', 'u', 1, {'m': Path(sys.argv[1])}, lambda _: None)\n"
        "file = RenderedFile(lambda: os.open('/dev/null', os.O_RDONLY))\n"
        "os.setgroups([]); os.setgid(65532); os.setuid(65532)\n"
        "try:\n    asyncio.run(volume.stage([file], place)); print('written')\n"
        "except Exception as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, volume], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_finds_the_cause_behind_other_errors() -> None:
    outer = RuntimeError("cannot encode")
    outer.__cause__ = ValueError("no frame")
    outer.__cause__.__context__ = MemoryError()
    error = errno_mapping.local(outer, "rendering")
    assert error is not None
    assert error.reason is Reason.OUT_OF_MEMORY
    assert errno_mapping.local(RuntimeError("something else"), "rendering") is None

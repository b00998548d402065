"""What the renderer can still open once it has given up all files but its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from videojob_worker.renderer.landlock import available
from videojob_worker.renderer.sandbox import clean_environment

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not available(), reason="this kernel has no Landlock")

PRELUDE = """
import os, socket, sys, threading
from pathlib import Path
from videojob_worker.renderer.landlock import confine_files
from videojob_worker.renderer.sandbox import Limits, confine

def attempt(what, action):
    try:
        action()
    except OSError as error:
        print(what, type(error).__name__)
    else:
        print(what, "worked")

folder = Path(sys.argv[1])
source = os.open(folder / "volume" / "source", os.O_RDONLY)
confine(Limits(), os.getppid())
assert confine_files([source], folder / "scratch")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("volume/source", "volume/secret", "scratch/before"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    return tmp_path


def run(folder: Path, code: str) -> list[str]:
    command = [sys.executable, "-P", "-c", PRELUDE + code, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_source_is_read_and_its_neighbour_is_not(folder: Path) -> None:
    said = run(
        folder,
        """
print(Path(f"/dev/fd/{source}").read_text())
attempt("neighbour", (folder / "volume" / "secret").read_text)
attempt("volume", lambda: os.listdir(folder / "volume"))
attempt("source is written", lambda: Path(f"/dev/fd/{source}").write_text("x"))
attempt("home", lambda: os.listdir("/root"))
attempt("supervisor", Path(f"/proc/{os.getppid()}/environ").read_bytes)
""",
    )
    assert said == [
        "volume/source",
        "neighbour PermissionError",
        "volume PermissionError",
        "source is written PermissionError",
        "home PermissionError",
        "supervisor PermissionError",
    ]


def test_the_scratch_folder_is_the_only_place_to_write_to(folder: Path) -> None:
    said = run(
        folder,
        """
attempt("scratch", lambda: (folder / "scratch" / "after").write_text("x"))
attempt("beside", lambda: (folder / "after").write_text("x"))
attempt("moved out", lambda: os.rename(folder / "scratch" / "before", folder / "before"))
attempt("null", lambda: Path("/dev/null").write_text("x"))
""",
    )
    assert said == ["scratch worked", "beside PermissionError", "moved out PermissionError", "null worked"]


def test_libraries_load_and_threads_are_confined_too(folder: Path) -> None:
    said = run(
        folder,
        """
import av, numpy, PIL.Image
PIL.Image.init()
thread = threading.Thread(target=attempt, args=("thread", (folder / "volume" / "secret").read_text))
thread.start()
thread.join()
""",
    )
    assert said == ["thread PermissionError"]


@pytest.mark.skipif(available() < 4, reason="this kernel's Landlock leaves TCP alone")
def test_no_address_is_reached(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said = run(folder, f'attempt("connect", lambda: socket.create_connection(("127.0.0.1", {port})))')
    assert said == ["connect PermissionError"]


def test_the_loaded_engine_has_one_thread_which_is_what_can_be_confined() -> None:
    code = "import os\nfrom videojob_worker import engine\nengine.preload()\nprint(len(os.listdir('/proc/self/task')))"
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, env=clean_environment(os.environ), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"

"""ffmpeg, which makes media for tests: what it has made once is kept in the cache folder, by all it was made of."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.media import cache_folder

MOST_BYTES = 8 << 20
"""What is larger is made anew: little is, and to copy it takes a while, too."""
_SEVERAL_FILES = {".m3u8", ".mpd"}


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg to make one file, whose path is the last argument; what it reads are arguments of their own."""
    *given, last = map(str, arguments)
    path = Path(last)
    kept = _kept(given, path)
    if kept is not None and kept.exists():
        shutil.copyfile(kept, path)
        return
    subprocess.run(["ffmpeg", "-v", "error", "-y", *given, last], check=True, stdin=subprocess.DEVNULL)
    if kept is not None and path.stat().st_size <= MOST_BYTES:
        # Written beside and renamed, so that tests that run side by side never read a part of it.
        partial = kept.with_name(f"{kept.name}.{os.getpid()}")
        shutil.copyfile(path, partial)
        partial.replace(kept)


def _kept(given: Sequence[str], path: Path) -> Path | None:
    """Return where a file is kept, by version, arguments and the bytes that are read; None if it cannot be told."""
    if path.suffix in _SEVERAL_FILES or "%" in path.name:
        return None
    said = hashlib.sha256(_version())
    for argument in given:
        if Path(argument).is_absolute() and Path(argument).is_file():
            said.update(hashlib.sha256(Path(argument).read_bytes()).digest())
        elif (
            str(path.parent) in argument or tempfile.gettempdir() in argument
        ):  # a pattern, another output, or a path within a filter
            return None
        else:
            said.update(argument.encode() + b"\0")
    folder = cache_folder() / "ffmpeg"
    folder.mkdir(exist_ok=True)
    return folder / f"{said.hexdigest()[:32]}{path.suffix}"


@cache
def _version() -> bytes:
    return subprocess.check_output(["ffmpeg", "-version"])

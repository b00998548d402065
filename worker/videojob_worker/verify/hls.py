"""Checks HLS outputs: every playlist and segment is there, and their joined segments are what was planned."""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Self

from videojob_worker.verify.failure import mismatch
from videojob_worker.verify.video import Expected, verify_file

_URI = re.compile(r'URI="([^"]*)"')
_MILLISECOND = Fraction(1, 1000)


def verify_hls(
    master: Path, streams: Mapping[str, Expected], text: str | None, check_cancelled: Callable[[], None]
) -> None:
    """Check a master playlist and all that it names.

    Args:
        master: where it is.
        streams: by the names of the other playlists, what their streams have to be.
        text: the name of the playlist of subtitles, whose files need only be there.
        check_cancelled: called for each packet; may raise.

    Raises:
        PermanentError: it is not what was planned; reason `VerificationFailed`.
    """
    listed = _names(_lines(master))
    wanted = [*streams, *([text] if text is not None else [])]
    if sorted(listed) != sorted(wanted):
        raise mismatch(f"the playlist has the streams {', '.join(listed)} instead of {', '.join(wanted)}")
    for name in wanted:
        playlist = master.parent / name
        files = [playlist.parent / each for each in _names(_lines(playlist))]
        missing = next((file.name for file in files if not file.is_file() or not file.stat().st_size), None)
        if missing is not None:
            raise mismatch(f"{playlist.name} names {missing}, which is missing or empty")
        if name in streams:
            _check_length(playlist, streams[name])
            with Joined(files) as joined:
                verify_file(joined, streams[name], check_cancelled)


class Joined:
    """Files read one after the other, as if they were one."""

    def __init__(self, files: list[Path]) -> None:
        self._rest = iter(files)
        self._file = next(self._rest).open("rb")

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes; none at the end."""
        while not (data := self._file.read(size)):
            following = next(self._rest, None)
            if following is None:
                return b""
            self._file.close()
            self._file = following.open("rb")
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _lines(playlist: Path) -> list[str]:
    try:
        lines = playlist.read_text().splitlines()
    except OSError as error:
        raise mismatch(f"the playlist {playlist.name} is missing") from error
    if lines[:1] != ["#EXTM3U"]:
        raise mismatch(f"{playlist.name} is no playlist")
    return lines


def _names(lines: list[str]) -> list[str]:
    """Return what a playlist names, in order."""
    found = []
    for line in lines:
        if line.startswith("#"):
            found += _URI.findall(line)
        elif line:
            found.append(line)
    return found


def _check_length(playlist: Path, expected: Expected) -> None:
    durations = [
        Fraction(line.removeprefix("#EXTINF:").rstrip(",")) for line in _lines(playlist) if line.startswith("#EXTINF:")
    ]
    if expected.video is None:
        return
    planned_s = expected.video.rate.frames / expected.video.rate.fps
    if abs(sum(durations) - planned_s) > _MILLISECOND * len(durations):
        raise mismatch(f"{playlist.name} lasts {float(sum(durations)):.3f}s instead of {float(planned_s):.3f}s")

"""Checks moving pictures: every picture decoded, counted and timed."""

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError
from PIL import Image

from videojob_worker.verify.failure import mismatch

_RIFF_HEADER = 12
_FRAME_HEADER = 16


def verify_gif(
    path: Path, size: tuple[int, int], frames: int, length_s: Fraction, check_cancelled: Callable[[], None]
) -> None:
    """Check a GIF: its size, pictures and length; `check_cancelled` is called for each picture.

    Raises:
        PermanentError: it is not what was planned; reason `VerificationFailed`.
    """
    found, end_s = 0, Fraction(0)
    try:
        with av.open(str(path), "r", format="gif") as container:
            for frame in container.decode(video=0):
                check_cancelled()
                if (frame.width, frame.height) != size:
                    raise mismatch(f"it has {frame.width}x{frame.height} pixels instead of {size[0]}x{size[1]}")
                found += 1
                end_s = ((frame.pts or 0) + frame.duration) * (frame.time_base or Fraction(0))
    except FFmpegError as error:
        raise mismatch(f"it cannot be read back: {error.strerror}") from error
    _check(found, frames, end_s, length_s)


def verify_webp(
    path: Path, size: tuple[int, int], frames: int, length_ms: int, check_cancelled: Callable[[], None]
) -> None:
    """Check an animated WebP, written picture by picture, as `verify_gif` does.

    Raises:
        PermanentError: it is not what was planned; reason `VerificationFailed`.
    """
    found = milliseconds = 0
    with path.open("rb") as file:
        _, length, _ = struct.unpack("<4sI4s", file.read(_RIFF_HEADER))
        if length + 8 != path.stat().st_size:
            raise mismatch(f"it has {path.stat().st_size} bytes and says {length + 8}")
        while header := file.read(8):
            kind, length = struct.unpack("<4sI", header)
            content = file.read(length + length % 2)
            if kind == b"VP8X":
                canvas = tuple(int.from_bytes(content[at : at + 3], "little") + 1 for at in (4, 7))
                if canvas != size:
                    raise mismatch(f"it has {canvas[0]}x{canvas[1]} pixels instead of {size[0]}x{size[1]}")
            if kind == b"ANMF":
                check_cancelled()
                _check_picture(content)
                found += 1
                milliseconds += int.from_bytes(content[12:15], "little")
    _check(found, frames, Fraction(milliseconds, 1000), Fraction(length_ms, 1000))


def _check_picture(content: bytes) -> None:
    size = tuple(int.from_bytes(content[at : at + 3], "little") + 1 for at in (6, 9))
    bitstream = content[_FRAME_HEADER:]
    file = struct.pack("<4sI4s", b"RIFF", len(bitstream) + 4, b"WEBP") + bitstream
    try:
        with Image.open(io.BytesIO(file), formats=["WEBP"]) as image:
            image.load()
            found = image.size
    except (OSError, SyntaxError) as error:
        raise mismatch(f"a picture cannot be read back: {error}") from error
    if found != size:
        raise mismatch(f"a picture has {found[0]}x{found[1]} pixels instead of {size[0]}x{size[1]}")


def _check(found: int, frames: int, found_s: Fraction, length_s: Fraction) -> None:
    if found != frames:
        raise mismatch(f"it has {found} pictures instead of {frames}")
    if found_s != length_s:
        raise mismatch(f"it lasts {float(found_s):.3f}s instead of {float(length_s):.3f}s")

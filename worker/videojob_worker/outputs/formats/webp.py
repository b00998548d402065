"""Animated WebPs, written picture by picture: of each only the rectangle that has changed.

libwebp's own assembler keeps the whole animation in memory until its end, so the container is written here.
(WebP Container Specification: chunks `VP8X`, `ANIM`, and an `ANMF` for each picture.)
"""

import io
import struct
from typing import BinaryIO, Final

import numpy as np

from videojob_contract.errors import PermanentError
from videojob_contract.resources.outputs import Quality
from videojob_worker.outputs.formats.animation import AnimationOutput
from videojob_worker.outputs.lossless_frames import LosslessFrames, PictureRun
from videojob_worker.pixels.yuv import Picture, planes, to_rgb
from videojob_worker.plan.outputs import VideoTrack
from videojob_worker.verify.animation import verify_webp

_QUALITIES: Final = {
    Quality.DRAFT: 50,
    Quality.STANDARD: 75,
    Quality.HIGH: 85,
    Quality.VISUALLY_LOSSLESS: 95,
}
_METHOD: Final = 4
"""libwebp's effort, of 6."""
_ANIMATION: Final = 0x02
_DO_NOT_BLEND: Final = 0x02
_LONGEST_MS: Final = 1 << 23
"""A picture's duration has 24 bits."""
_MOST_BYTES: Final = (1 << 32) - 2
_RIFF_HEADER: Final = 12

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels, even."""


class WebpOutput(AnimationOutput):
    """An animated WebP that repeats for ever."""

    def write_frames(self, lossless: LosslessFrames) -> None:
        """Write an animated WebP of the frames, and check it.

        Raises:
            PermanentError: the result is larger than the format allows, or not what was planned.
        """
        track = lossless.track
        quality = _QUALITIES[self.output.spec.quality or Quality.STANDARD]
        width, height = track.size
        written = 0
        last: Picture | None = None
        with self.output.path.open("wb") as file:
            file.write(struct.pack("<4sI4s", b"RIFF", 0, b"WEBP"))
            _chunk(file, b"VP8X", struct.pack("<I", _ANIMATION) + _uint24(width - 1) + _uint24(height - 1))
            _chunk(file, b"ANIM", struct.pack("<IH", 0, 0))
            for run in lossless.runs(longest=int(_LONGEST_MS * track.settings.fps / 1000)):
                box = (0, 0, width, height) if last is None else changed(last, run.picture)
                _chunk(file, b"ANMF", _frame(run, box, track, quality))
                last = run.picture
                written += 1
            size = file.tell() - 8
            if size > _MOST_BYTES:
                raise PermanentError(
                    f"{self.output.field}: a webp of 4 GB or more cannot be; make it smaller or shorter"
                )
            file.seek(4)
            file.write(struct.pack("<I", size))
        verify_webp(
            self.output.path, track.size, written, _milliseconds(track, track.rate.frames), lossless.check_cancelled
        )


def changed(before: Picture, after: Picture) -> Box:
    """Return the smallest rectangle that holds all that differs; never empty."""
    height, width = before.shape[0] * 2 // 3, before.shape[1]
    left, top, right, bottom = width, height, 0, 0
    for one, other in zip(planes(before), planes(after), strict=True):
        differs = one != other
        scale = height // one.shape[0]
        rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
        if rows.size:
            top, bottom = min(top, int(rows[0]) * scale), max(bottom, (int(rows[-1]) + 1) * scale)
            left, right = min(left, int(columns[0]) * scale), max(right, (int(columns[-1]) + 1) * scale)
    if right <= left:
        return 0, 0, 2, 2
    # Chroma is smoothed between neighbours, so a little more than what differs looks different.
    return (
        max(0, (left - 2) // 2 * 2),
        max(0, (top - 2) // 2 * 2),
        min(width, (right + 3) // 2 * 2),
        min(height, (bottom + 3) // 2 * 2),
    )


def _frame(run: PictureRun, box: Box, track: VideoTrack, quality: int) -> bytes:
    left, top, right, bottom = box
    encoded = io.BytesIO()
    to_rgb(run.picture).crop(box).save(encoded, "WEBP", quality=quality, method=_METHOD)
    duration_ms = _milliseconds(track, run.end) - _milliseconds(track, run.start)
    fields = (left // 2, top // 2, right - left - 1, bottom - top - 1, duration_ms)
    header = b"".join(_uint24(field) for field in fields) + bytes([_DO_NOT_BLEND])
    return header + _bitstream(encoded.getvalue())


def _bitstream(webp: bytes) -> bytes:
    """Take the picture's own chunk out of the file around it."""
    at = _RIFF_HEADER
    while at < len(webp):
        kind, size = struct.unpack_from("<4sI", webp, at)
        end = at + 8 + size + size % 2
        if kind in {b"VP8 ", b"VP8L"}:
            return webp[at:end]
        at = end
    raise AssertionError("libwebp made a file without a picture")


def _chunk(file: BinaryIO, kind: bytes, content: bytes) -> None:
    file.write(struct.pack("<4sI", kind, len(content)) + content + b"\0" * (len(content) % 2))


def _uint24(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _milliseconds(track: VideoTrack, frame: int) -> int:
    return round(frame * 1000 / track.settings.fps)

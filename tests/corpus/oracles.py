"""What other programs see and hear in a file: Pillow and ffmpeg."""

import io
import json
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageFile, ImageOps

SIZE: Final = (160, 90)
"""Of every picture that is compared, in pixels."""
FPS: Final = 25
RATE: Final = 8000
"""Of sound that is compared, in Hz; one channel."""
MOST_S: Final = 10
"""What is compared of a video or a sound, in seconds."""
_TIMEOUT_S: Final = 60
_PILLOW: Final = threading.Lock()

Pictures = npt.NDArray[np.uint8]
"""`(n, height, width, 3)`, RGB."""

Image.MAX_IMAGE_PIXELS = None


class UnreadableError(Exception):
    """The other program does not play the file either."""


def pictures_by_pillow(path: Path) -> Pictures:
    """Draw a picture as browsers do: turned by its EXIF, in sRGB by its profile, over black, however damaged."""
    try:
        with _taking_truncated(), Image.open(path) as opened:
            opened.load()
            image = _srgb(ImageOps.exif_transpose(opened))
    except Exception as error:  # whatever a decoder of Pillow raises
        raise UnreadableError(str(error)) from error
    rgba = image.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, "black")
    ground.alpha_composite(rgba)
    return np.asarray(ground.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC))[np.newaxis]


@contextmanager
def _taking_truncated() -> Iterator[None]:
    """Have Pillow draw what there is of a picture that breaks off: for the whole process, so one thread at a time."""
    with _PILLOW:
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False


def _srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not profile or image.mode not in {"RGB", "CMYK", "L", "RGBA"}:
        return image
    try:
        made = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGBA" if image.mode == "RGBA" else "RGB",
        )
    except ImageCms.PyCMSError:
        return image
    return made or image


def pictures_by_ffmpeg(path: Path) -> Pictures:
    """Decode a picture, or the first seconds of a video at `FPS`, without any sound."""
    scale = f"scale={SIZE[0]}:{SIZE[1]}:flags=area"
    data = _ffmpeg(path, "-map", "0:v:0", "-vf", f"fps={FPS},{scale}", "-f", "rawvideo", "-pix_fmt", "rgb24")
    frame = SIZE[0] * SIZE[1] * 3
    if len(data) < frame:
        raise UnreadableError("no picture")
    return np.frombuffer(data[: len(data) // frame * frame], np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)


def sound_by_ffmpeg(path: Path) -> npt.NDArray[np.float32]:
    """Decode the first seconds of a sound: `(n,)` at `RATE`."""
    data = _ffmpeg(path, "-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "f32le")
    if not data:
        raise UnreadableError("no sound")
    return np.frombuffer(data[: len(data) // 4 * 4], np.float32)


def cues_by_ffmpeg(path: Path) -> list[Fraction]:
    """Return when each cue of a file of subtitles starts, in seconds."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:s:0", "-f", "srt", "-"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
    found = re.findall(rb"(\d+):(\d\d):(\d\d),(\d{3}) -->", done.stdout)
    if not found:
        raise UnreadableError("no cue")
    return [int(h) * 3600 + int(m) * 60 + int(s) + Fraction(int(ms), 1000) for h, m, s, ms in found]


def streams(path: Path) -> set[str]:
    """Return the types of the streams that ffmpeg finds in a file."""
    command = ["ffprobe", "-v", "error", "-print_format", "json", "-show_streams", str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
    found: Sequence[dict[str, Any]] = json.loads(done.stdout or b"{}").get("streams", ())
    return set(_types(found))


def _types(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    for stream in found:
        if not stream.get("disposition", {}).get("attached_pic"):
            yield stream.get("codec_type", "")


def _ffmpeg(path: Path, *arguments: str) -> bytes:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-t", str(MOST_S), *arguments, "-"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise UnreadableError("takes too long") from error
    return done.stdout

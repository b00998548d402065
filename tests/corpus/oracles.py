"""What other programs see and hear in a file: Pillow and ffmpeg."""

import io
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final

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
_MOST_PIXELS: Final = 200_000_000
_LATE_S: Final = 0.25
"""By how much later than its sound a video's first picture may be without being held before."""
_TO_SDR: Final = (
    *("zscale=transfer=linear:npl=203", "format=gbrpf32le", "zscale=primaries=bt709"),
    *("tonemap=mobius:desat=0", "zscale=transfer=bt709:matrix=bt709:range=limited", "format=yuv444p"),
)
_SURROUND: Final = "aresample=ochl=stereo:osf=flt:rematrix_maxval=1000,pan=mono|c0=0.5*c0+0.5*c1"
"""Mixed as Rec. ITU-R BS.775 says, and not made softer as well."""
_BY_SUFFIX: Final = {".mp3": "mp3", ".aac": "aac", ".ac3": "ac3"}
"""The demuxers of what may begin with anything, which ffmpeg may take for something else."""
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
            _check_size(opened)
            opened.load()
            image = _srgb(ImageOps.exif_transpose(opened))
    except Exception as error:  # whatever a decoder of Pillow raises
        raise UnreadableError(str(error)) from error
    rgba = image.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, "black")
    ground.alpha_composite(rgba)
    return np.asarray(ground.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC))[np.newaxis]


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > _MOST_PIXELS:
        raise UnreadableError("too large to be compared")


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
        shallow = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        shallow.info = image.info
        image = shallow
    if not profile and "gamma" in image.info and "srgb" not in image.info:
        return _of_png(image)
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


def _of_png(image: Image.Image) -> Image.Image:
    """Bring a PNG to sRGB by its gamma and chromaticities (third edition, 13.13), as browsers do."""
    rgba = np.asarray(image.convert("RGBA")).astype(np.float64)
    light = (rgba[:, :, :3] / 255) ** (1 / image.info["gamma"])
    if told := image.info.get("chromaticity"):
        to_srgb = np.linalg.inv(_to_xyz(_SRGB)) @ _to_xyz(told)
        light = np.clip(light @ to_srgb.T, 0, 1)
    rgba[:, :, :3] = 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return Image.fromarray(rgba.round().astype(np.uint8))


def _to_xyz(chromaticity: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return what brings R, G and B of such white, red, green and blue to XYZ, of white 1."""
    white, *corners = zip(chromaticity[0::2], chromaticity[1::2], strict=True)
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in corners]).T
    x, y = white
    return np.asarray(columns * np.linalg.solve(columns, (x / y, 1, (1 - x - y) / y)))


_SRGB: Final = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)


def pictures_by_ffmpeg(path: Path) -> Pictures:
    """Decode a picture, or the first seconds of a video at `FPS`, without any sound."""
    # A frame is shown from the first of ours on that is not before it. What is there late is waited for, if not long.
    steps = [f"setpts=PTS-if(between(STARTPTS*TB\\,0\\,{_LATE_S})\\,STARTPTS)", f"fps={FPS}:round=up"]
    steps += [f"scale={SIZE[0]}:{SIZE[1]}:flags=area", *(_TO_SDR if is_hdr(path) else ())]
    data = _ffmpeg(path, "-map", "0:v:0", "-vf", ",".join(steps), "-f", "rawvideo", "-pix_fmt", "rgb24")
    frame = SIZE[0] * SIZE[1] * 3
    if len(data) < frame:
        raise UnreadableError("no picture")
    return np.frombuffer(data[: len(data) // frame * frame], np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)


def has_pictures(path: Path) -> bool:
    """Tell whether there is a picture in a video, and not sound alone."""
    return bool(_ffmpeg(path, "-map", "0:V:0", "-frames:v", "1", "-f", "rawvideo"))


def sounds_by_ffmpeg(path: Path) -> list[npt.NDArray[np.float32]]:
    """Decode the first seconds of a sound, each `(n,)` at `RATE`, in every way that it may be meant."""
    # To whole numbers, because ffmpeg makes one channel of two louder where it need not fear to clip.
    one = ("-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le")
    read = [_ffmpeg(path, *one), _ffmpeg(path, "-map", "0:a:0", "-af", _SURROUND, "-ar", str(RATE), "-f", "s16le")]
    if demuxer := _BY_SUFFIX.get(path.suffix.lower()):
        read.append(_ffmpeg(path, *one, demuxer=demuxer))
    found = [np.frombuffer(data[: len(data) // 2 * 2], np.int16).astype(np.float32) / 2**15 for data in read if data]
    if not found:
        raise UnreadableError("no sound")
    return found


def cues_by_ffmpeg(path: Path) -> list[Fraction]:
    """Return when each cue of a file of subtitles starts, in seconds."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:s:0", "-f", "srt", "-"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
    found = re.findall(rb"(\d+):(\d\d):(\d\d),(\d{3}) -->", done.stdout)
    if not found:
        raise UnreadableError("no cue")
    return [int(h) * 3600 + int(m) * 60 + int(s) + Fraction(int(ms), 1000) for h, m, s, ms in found]


def is_hdr(path: Path) -> bool:
    """Tell whether the pictures of a video are in HDR (PQ or HLG)."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=color_transfer", str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
    return any(transfer in done.stdout for transfer in (b"=smpte2084", b"=arib-std-b67"))


def is_hdr_picture(path: Path) -> bool:
    """Tell whether a picture says by its code points that it is in HDR (PQ or HLG)."""
    return bool(re.search(rb"nclx..\0[\x10\x12]", path.read_bytes(), re.DOTALL))


def _ffmpeg(path: Path, *arguments: str, demuxer: str = "") -> bytes:
    named = ("-f", demuxer) if demuxer else ()
    command = ["ffmpeg", "-v", "error", *named, "-i", str(path), "-t", str(MOST_S), *arguments, "-"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise UnreadableError("takes too long") from error
    return done.stdout

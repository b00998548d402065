"""Opens pictures: JPEG, PNG, WebP, AVIF and GIF, as upright 8-bit sRGB. Of an animation, the first frame.

The formats are an allow list and are recognised by content. A header is read and its pixels counted before
anything is decoded, so that a small file cannot claim a huge picture.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from videojob_contract.errors import PermanentError, Reason
from videojob_worker.media.pictures import frame_times
from videojob_worker.media.sniff import describe_kind, file_kind
from videojob_worker.media.source import Source

MAX_PIXELS: Final = 128_000_000
"""Largest picture that is decoded, in pixels of 3 or 4 bytes."""
MAX_MOVING_PIXELS: Final = 8192 * 4352
"""Largest frame of an animation; several of them are held at once."""

# Pillow's name for each kind. JPEG opens MPO too: a JPEG with further pictures behind the first, as phones write.
_FORMATS: Final = {"JPEG": "JPEG", "PNG": "PNG", "WebP": "WEBP", "AVIF": "AVIF", "GIF": "GIF"}
_ORIENTATION_TAG: Final = 0x0112
# How a stored picture is turned upright (EXIF 2.32, 4.6.4 A). 1 is upright; 0 and others are undefined.
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WITH_ALPHA: Final = ("RGBA", "LA", "La", "PA", "RGBa")
_SIDEWAYS: Final = (5, 6, 7, 8)
# What Pillow and its decoders raise on broken files.
_DECODE_ERRORS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    EOFError,
    struct.error,
    zlib.error,
)
_CMS_MODES: Final = {"RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB", "L": "RGB"}

# The count of pixels is checked here, before decoding, with a message that names the source.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What the header of a picture says."""

    width: int
    """Upright."""
    height: int
    has_alpha: bool
    frame_times_s: tuple[Fraction, ...]
    """How long each frame of an animation lasts; empty for a still picture."""


def inspect_picture(source: Source) -> PictureFacts:
    """Read the header of a picture.

    Raises:
        PermanentError: not a JPEG, PNG, WebP, AVIF or GIF picture, damaged, or beyond a limit.
    """
    image, times = open_picture(source)
    with image, source_errors(source, image):
        sideways = orientation_of(image) in _SIDEWAYS
        width, height = (image.height, image.width) if sideways else image.size
        if times and width * height > MAX_MOVING_PIXELS:
            raise _too_large(source, image, MAX_MOVING_PIXELS)
        has_alpha = image.mode in _WITH_ALPHA or "transparency" in image.info or image.format == "GIF"
        return PictureFacts(width, height, has_alpha, times)


def load_image(source: Source, at_least: tuple[int, int]) -> Image.Image:
    """Decode a picture, upright, in mode RGB or (where it has transparency) RGBA, 8 bits, sRGB.

    A JPEG much larger than `at_least` (width, height) is decoded at a half, quarter or eighth of its size,
    never below twice `at_least`.

    Raises:
        PermanentError: as for `inspect_picture`, or what follows its header is damaged.
    """
    image, _ = open_picture(source)
    with image, source_errors(source, image):
        orientation = orientation_of(image)
        wanted = at_least[::-1] if orientation in _SIDEWAYS else at_least
        image.draft(None, (2 * wanted[0], 2 * wanted[1]))
        image.load()
        return upright_srgb(image, orientation)


def upright_srgb(image: ImageFile.ImageFile, orientation: int) -> Image.Image:
    """Turn what is decoded upright, and convert it to RGB or RGBA in sRGB."""
    turned = image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image
    return _to_srgb(turned, image.info.get("icc_profile"))


def orientation_of(image: ImageFile.ImageFile) -> int:
    """Return how a picture is turned, as EXIF numbers it."""
    orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    return orientation if orientation in _UPRIGHT else 1


@contextmanager
def source_errors(source: Source, image: ImageFile.ImageFile) -> Iterator[None]:
    """Turn what decoders raise on broken files into an error that names the source."""
    try:
        yield
    except _DECODE_ERRORS as error:
        raise source.error(f"is a damaged {_kind(image)}: {error}") from error


def open_picture(source: Source) -> tuple[ImageFile.ImageFile, tuple[Fraction, ...]]:
    """Open a picture that is not too large to be decoded; also return how long each frame of an animation lasts.

    Raises:
        PermanentError: not a picture that is read here, damaged, or beyond a limit.
    """
    kind = file_kind(source.path)
    if kind not in _FORMATS:
        raise source.error(f"is {describe_kind(kind)}, not a JPEG, PNG, WebP, AVIF or GIF image")
    times = tuple(frame_times(source, kind))
    try:
        image = Image.open(source.path, formats=[_FORMATS[kind]])
    except UnidentifiedImageError as error:
        raise source.error(f"is a damaged {kind}: its header cannot be read") from error
    except _DECODE_ERRORS as error:
        raise source.error(f"is a damaged {kind}: {error}") from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise _too_large(source, image, MAX_PIXELS)
    return image, times if len(times) > 1 else ()


def _too_large(source: Source, image: Image.Image, most: int) -> PermanentError:
    return source.error(
        f"has {image.width}x{image.height} pixels; at most {most // 1_000_000} megapixels are allowed",
        Reason.SOURCE_TOO_LARGE,
    )


def _kind(image: ImageFile.ImageFile) -> str:
    return {"MPO": "JPEG", "WEBP": "WebP"}.get(image.format or "", image.format or "picture")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    image = _to_8_bit(image)
    if image.mode in {"P", "PA", "LA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
    if profile and image.mode in _CMS_MODES:
        converted = _apply_profile(image, profile)
        if converted is not None:
            return converted
    return image if image.mode in {"RGB", "RGBA"} else image.convert("RGB")


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits, which Pillow would clip; colour of 16 bits it scales itself."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.uint32).clip(0, 65535)
    return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert to sRGB by the picture's own ICC profile; None when the profile is unusable or sRGB already."""
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "srgb" in (ImageCms.getProfileDescription(own) or "").lower() and image.mode in {"RGB", "RGBA"}:
            return None
        return ImageCms.profileToProfile(
            image,
            own,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode=_CMS_MODES[image.mode],
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None

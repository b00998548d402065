"""Opens photographs: JPEG, PNG and WebP, as upright 8-bit sRGB.

The formats are an allow list and are recognised by content. A header is read and its pixels counted before
anything is decoded, so that a small file cannot claim a huge picture.
"""

import struct
import zlib
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from videojob_contract.errors import Reason
from videojob_worker.media.sniff import describe, kind_of
from videojob_worker.media.source import Source

MAX_PIXELS: Final = 128_000_000
"""Largest picture that is decoded, in pixels of 3 or 4 bytes."""

# Pillow's names. JPEG opens MPO too: a JPEG with further pictures behind the first, as phones write.
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_KINDS: Final = ("JPEG", "PNG", "WebP")
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


def check_image(source: Source) -> tuple[int, int]:
    """Read the header of a picture and return its width and height, upright.

    Raises:
        PermanentError: not a JPEG, PNG or WebP picture, animated, or too large.
    """
    with _open(source) as image:
        try:
            sideways = image.getexif().get(_ORIENTATION_TAG) in _SIDEWAYS
        except _DECODE_ERRORS as error:
            raise source.error(f"is a damaged {_kind(image)}: {error}") from error
        return (image.height, image.width) if sideways else (image.width, image.height)


def load_image(source: Source, at_least: tuple[int, int]) -> Image.Image:
    """Decode a picture, upright, in mode RGB or (where it has transparency) RGBA, 8 bits, sRGB.

    A JPEG much larger than `at_least` (width, height) is decoded at a half, quarter or eighth of its size,
    never below twice `at_least`.

    Raises:
        PermanentError: the file is broken, or as for `check_image`.
    """
    with _open(source) as image:
        try:
            orientation = image.getexif().get(_ORIENTATION_TAG, 1)
            wanted = at_least[::-1] if orientation in _SIDEWAYS else at_least
            image.draft(None, (2 * wanted[0], 2 * wanted[1]))
            image.load()
            upright = image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image
            return _to_srgb(upright, image.info.get("icc_profile"))
        except _DECODE_ERRORS as error:
            raise source.error(f"is a damaged {_kind(image)}: {error}") from error


def _open(source: Source) -> ImageFile.ImageFile:
    kind = kind_of(source.path)
    if kind not in _KINDS:
        raise source.error(f"is {describe(kind)}, not a JPEG, PNG or WebP image")
    try:
        image = Image.open(source.path, formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise source.error(f"is a damaged {kind}: its header cannot be read") from error
    except _DECODE_ERRORS as error:
        raise source.error(f"is a damaged {kind}: {error}") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        image.close()
        raise source.error(
            f"has {width}x{height} pixels; at most {MAX_PIXELS // 1_000_000} megapixels are allowed",
            Reason.SOURCE_TOO_LARGE,
        )
    if image.format != "MPO" and getattr(image, "is_animated", False):
        image.close()
        raise source.error(f"is an animated {kind}; only still pictures are supported", Reason.NOT_SUPPORTED)
    return image


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

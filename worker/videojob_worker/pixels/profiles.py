"""Converts pictures to sRGB by what their ICC profile does, whatever it is called."""

from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageCms

# What of a picture a profile converts, by the profile's colour space; its other modes are brought to one of these.
_MODES: Final = {"RGB ": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ("CMYK",)}
_UNSEEN: Final = 1
"""A difference in 8-bit steps that comes of rounding."""
_LATTICE: Final = 9
_UNUSABLE: Final = (ImageCms.PyCMSError, OSError, TypeError, ValueError)


class UnusableProfileError(Exception):
    """A profile that is broken, or of another kind of picture."""


def to_srgb(image: Image.Image, profile: bytes, *, is_grey: bool = False) -> Image.Image:
    """Convert an image of mode RGB, RGBA, L or CMYK, perhaps in place; one that is sRGB already stays untouched.

    One of mode RGBA that `is_grey` may have a profile for grey.

    Raises:
        UnusableProfileError: the profile cannot be used for it.
    """
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        if is_grey and image.mode == "RGBA" and own.profile.xcolor_space == "GRAY":
            converted = to_srgb(image.getchannel(0), profile).convert("RGB")
            converted.putalpha(image.getchannel(3))
            return converted
        if image.mode == "L" and own.profile.xcolor_space == "RGB ":
            image = image.convert("RGB")
        if image.mode not in _MODES.get(own.profile.xcolor_space, ()):
            raise UnusableProfileError(f"it is for {own.profile.xcolor_space.strip()}, not for {image.mode}")
        into = image.mode if image.mode in {"RGB", "RGBA"} else "RGB"
        transform = ImageCms.buildTransform(
            own, ImageCms.createProfile("sRGB"), image.mode, into, ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
        if _changes_nothing(transform, image.mode):
            return image if image.mode == into else image.convert(into)
        if into != image.mode:
            return _applied(transform, image)
        image.load()
        ImageCms.applyTransform(image, transform, inPlace=True)
    except _UNUSABLE as error:
        raise UnusableProfileError(str(error)) from error
    return image


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # noqa: S101 - only in place there is none
    return converted


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Tell whether every colour stays as it is, by those of a lattice."""
    if mode == "CMYK":
        return False
    steps = np.linspace(0, 255, 256 if mode == "L" else _LATTICE).round().astype(np.uint8)
    if mode == "L":
        before = Image.fromarray(steps[None])
    else:
        colors = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
        before = Image.fromarray(colors.reshape(_LATTICE, -1, 3)).convert(mode)
    after = np.asarray(_applied(transform, before).convert("RGB"), np.int16)
    return bool(np.abs(after - np.asarray(before.convert("RGB"), np.int16)).max() <= _UNSEEN)

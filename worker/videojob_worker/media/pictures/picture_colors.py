"""Brings pictures to sRGB by what they say of their colours, and says where that cannot be used."""

from PIL import Image

from videojob_worker.media.files.source import Source
from videojob_worker.pixels.coded_colors import CodedColors
from videojob_worker.pixels.profiles import UnusableProfileError, to_srgb


def in_srgb(
    source: Source, image: Image.Image, colors: CodedColors | None, profile: bytes, *, is_grey: bool = False
) -> Image.Image:
    """Convert an image of mode RGB, RGBA, L or CMYK, perhaps in place, to RGB or RGBA; `colors` hold before a profile.

    Of one of mode RGBA, `is_grey` says that it has been grey.
    """
    if colors is not None and colors.transfer is not None:
        return colors.tone_mapped(image if image.mode == "RGBA" else image.convert("RGB"))
    if colors is not None:
        profile = colors.profile()
    if profile:
        try:
            return to_srgb(image, profile, is_grey=is_grey)
        except UnusableProfileError as error:
            source.warn(f"has a colour profile that cannot be used ({error}), and is taken for sRGB")
    return image if image.mode in {"RGB", "RGBA"} else image.convert("RGB")

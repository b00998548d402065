"""The functions of libjxl that decode JPEG XL, by ctypes; names and layouts are those of its `decode.h`.

From Debian, whose security updates it gets with the image's base: of the wheels that have it one is under the GPL, and
the others bring forty further codecs, or are new.
"""

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_size_t, c_uint32, c_void_p
from functools import cache
from typing import Any, Final

from videojob_contract.errors import PermanentError
from videojob_worker.system_libraries import Signature, load_library

SUCCESS: Final = 0
ERROR: Final = 1
NEED_MORE_INPUT: Final = 2
NEED_IMAGE_OUT_BUFFER: Final = 5
BASIC_INFO: Final = 0x40
COLOR_ENCODING: Final = 0x100
FULL_IMAGE: Final = 0x1000
"""Values of `JxlDecoderStatus`."""
ORIGINAL: Final = 0
OF_DATA: Final = 1
"""Values of `JxlColorProfileTarget`: what the picture was made in, and what its decoded pixels are in."""
BLACK: Final = 4
"""The `JxlExtraChannelType` of CMYK."""
UINT8: Final = 2
"""A `JxlDataType`."""
GREY: Final = 1
"""A `JxlColorSpace`."""

# The libraries of Debian 13 and 12, and of Ubuntu likewise.
_SONAMES: Final = ("libjxl.so.0.11", "libjxl.so.0.7")
_PACKAGE: Final = "libjxl0.7, or libjxl0.11 on Debian 13"
_USE: Final = "JPEG XL cannot be read"
_WITHOUT_FORMAT: Final = 9000
"""The version from which on the functions that tell colours are given no format."""


class JxlBasicInfo(ctypes.Structure):
    """`JxlBasicInfo`: what the header says."""

    _fields_ = (
        ("have_container", c_int),
        ("xsize", c_uint32),
        ("ysize", c_uint32),
        ("bits_per_sample", c_uint32),
        ("exponent_bits_per_sample", c_uint32),
        ("intensity_target", c_float),
        ("min_nits", c_float),
        ("relative_to_max_display", c_int),
        ("linear_below", c_float),
        ("uses_original_profile", c_int),
        ("have_preview", c_int),
        ("have_animation", c_int),
        ("orientation", c_int),
        ("num_color_channels", c_uint32),
        ("num_extra_channels", c_uint32),
        ("alpha_bits", c_uint32),
        ("further", c_uint32 * 50),
    )


class JxlExtraChannelInfo(ctypes.Structure):
    """`JxlExtraChannelInfo`, of which its type alone is read."""

    _fields_ = (("type", c_int), ("further", c_uint32 * 15))


class JxlColorEncoding(ctypes.Structure):
    """`JxlColorEncoding`: colours told by numbers, most of them those of Rec. ITU-T H.273."""

    _fields_ = (
        ("color_space", c_int),
        ("white_point", c_int),
        ("white_point_xy", c_double * 2),
        ("primaries", c_int),
        ("primaries_xy", c_double * 6),
        ("transfer_function", c_int),
        ("gamma", c_double),
        ("rendering_intent", c_int),
    )


class JxlPixelFormat(ctypes.Structure):
    """`JxlPixelFormat`: how decoded pixels are laid out."""

    _fields_ = (("num_channels", c_uint32), ("data_type", c_int), ("endianness", c_int), ("align", c_size_t))


_P = c_void_p
_FUNCTIONS: Final[dict[str, Signature]] = {
    "JxlDecoderCreate": (_P, _P),
    "JxlDecoderDestroy": (None, _P),
    "JxlDecoderSubscribeEvents": (c_int, _P, c_int),
    "JxlDecoderSetUnpremultiplyAlpha": (c_int, _P, c_int),
    "JxlDecoderSetInput": (c_int, _P, c_char_p, c_size_t),
    "JxlDecoderReleaseInput": (c_size_t, _P),
    "JxlDecoderProcessInput": (c_int, _P),
    "JxlDecoderGetBasicInfo": (c_int, _P, POINTER(JxlBasicInfo)),
    "JxlDecoderGetExtraChannelInfo": (c_int, _P, c_size_t, POINTER(JxlExtraChannelInfo)),
    "JxlDecoderSetPreferredColorProfile": (c_int, _P, POINTER(JxlColorEncoding)),
    "JxlDecoderSetImageOutBuffer": (c_int, _P, POINTER(JxlPixelFormat), _P, c_size_t),
}


@cache
def libjxl() -> Any:
    """Load libjxl.

    Raises:
        PermanentError: it is not installed.
    """
    for soname in _SONAMES[:-1]:
        try:
            return _loaded(soname)
        except PermanentError:
            continue
    return _loaded(_SONAMES[-1])


def _loaded(soname: str) -> Any:
    version = load_library(soname, _PACKAGE, {"JxlDecoderVersion": (c_uint32,)}, _USE).JxlDecoderVersion()
    unused = () if version >= _WITHOUT_FORMAT else (_P,)
    of_colors = {
        "JxlDecoderGetColorAsEncodedProfile": (c_int, _P, *unused, c_int, POINTER(JxlColorEncoding)),
        "JxlDecoderGetICCProfileSize": (c_int, _P, *unused, c_int, POINTER(c_size_t)),
        "JxlDecoderGetColorAsICCProfile": (c_int, _P, *unused, c_int, c_char_p, c_size_t),
    }
    library = load_library(soname, _PACKAGE, _FUNCTIONS | of_colors, _USE)
    library.unused = (None,) * len(unused)
    return library

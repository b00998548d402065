"""The functions of libass that draw subtitles, by ctypes; names and layouts are those of its `ass.h`."""

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_double, c_int, c_longlong, c_size_t, c_ubyte, c_uint32, c_void_p
from functools import cache
from typing import Any, Final

from videojob_worker.system_libraries import load_library

FONTS_OF_FONTCONFIG: Final = 3
SHAPING_COMPLEX: Final = 1
FEATURE_WHOLE_TEXT_LAYOUT: Final = 2
"""Order bidirectional text by the whole line, as Unicode says, and not piece by piece as VSFilter did."""
FEATURE_WRAP_UNICODE: Final = 3
"""Break lines where Unicode says, so that Chinese and Japanese wrap."""


class AssImage(ctypes.Structure):
    """`ASS_Image`: a mask of one colour, and the next one over it."""


AssImage._fields_ = (
    ("w", c_int),
    ("h", c_int),
    ("stride", c_int),
    ("bitmap", POINTER(c_ubyte)),
    ("color", c_uint32),
    ("dst_x", c_int),
    ("dst_y", c_int),
    ("next", POINTER(AssImage)),
    ("type", c_int),
)

# Its last arguments are a `va_list`, which reaches us as a pointer, and data of ours.
_MESSAGE = CFUNCTYPE(None, c_int, c_char_p, c_void_p, c_void_p)
_P = c_void_p


silent: Final = _MESSAGE(lambda _level, _format, _arguments, _data: None)
"""Drops a message: libass would print it, and it may quote what nobody should see in a log."""


@cache
def libass() -> Any:
    """Load libass."""
    return load_library(
        "libass.so.9",
        "libass9",
        {
            "ass_library_init": (_P,),
            "ass_library_done": (None, _P),
            "ass_set_message_cb": (None, _P, _MESSAGE, _P),
            "ass_set_extract_fonts": (None, _P, c_int),
            "ass_add_font": (None, _P, c_char_p, c_char_p, c_int),
            "ass_renderer_init": (_P, _P),
            "ass_renderer_done": (None, _P),
            "ass_set_frame_size": (None, _P, c_int, c_int),
            "ass_set_storage_size": (None, _P, c_int, c_int),
            "ass_set_pixel_aspect": (None, _P, c_double),
            "ass_set_shaper": (None, _P, c_int),
            "ass_set_fonts": (None, _P, c_char_p, c_char_p, c_int, c_char_p, c_int),
            "ass_set_cache_limits": (None, _P, c_int, c_int),
            "ass_read_memory": (_P, _P, c_char_p, c_size_t, c_char_p),
            "ass_track_set_feature": (c_int, _P, c_int, c_int),
            "ass_free_track": (None, _P),
            "ass_render_frame": (POINTER(AssImage), _P, _P, c_longlong, POINTER(c_int)),
        },
    )

"""The functions of Fontconfig, Pango and Cairo that titles and fonts use, by ctypes.

Written by hand, because the bindings on the package index are source archives, which the images do not install, and
it is forty functions of stable libraries. Names and signatures are those of the C documentation; objects are opaque
pointers that the caller releases.
"""

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int, c_uint32, c_void_p
from functools import cache
from typing import Any, Final

from videojob_worker.system_libraries import load_library

PACKAGE: Final = "libpangocairo-1.0-0"  # brings the others
SCALE: Final = 1024
"""Pango's units to a pixel."""

FC_SET_SYSTEM: Final = 0
FC_SET_APPLICATION: Final = 1
FC_FAMILY: Final = b"family"

WRAP_WORD: Final = 0
WRAP_WORD_CHAR: Final = 2
FONT_MASK_FAMILY: Final = 1
FONT_MASK_SIZE: Final = 1 << 5

FONT_TYPE_FT: Final = 1
FORMAT_ARGB32: Final = 0
FORMAT_A8: Final = 2
ANTIALIAS_GRAY: Final = 2
HINT_STYLE_SLIGHT: Final = 2
HINT_METRICS_OFF: Final = 1
LINE_JOIN_ROUND: Final = 1

IS_LINE_BREAK: Final = 1 << 0
IS_CHAR_BREAK: Final = 1 << 2
"""Bits of `PangoLogAttr`."""


class PangoRectangle(ctypes.Structure):
    """`PangoRectangle`, in Pango's units."""

    _fields_ = (("x", c_int), ("y", c_int), ("width", c_int), ("height", c_int))


class FcFontSet(ctypes.Structure):
    """`FcFontSet`: patterns, each of one face."""

    _fields_ = (("nfont", c_int), ("sfont", c_int), ("fonts", POINTER(c_void_p)))


_P = c_void_p
_RECT = POINTER(PangoRectangle)


@cache
def fontconfig() -> Any:
    """Fontconfig: which fonts there are."""
    return load_library(
        "libfontconfig.so.1",
        PACKAGE,
        {
            "FcConfigCreate": (_P,),
            "FcConfigParseAndLoad": (c_int, _P, c_char_p, c_int),
            "FcConfigBuildFonts": (c_int, _P),
            "FcConfigAppFontAddFile": (c_int, _P, c_char_p),
            "FcConfigGetFonts": (POINTER(FcFontSet), _P, c_int),
            "FcPatternGetString": (c_int, _P, c_char_p, c_int, POINTER(c_char_p)),
            "FcPatternDel": (c_int, _P, c_char_p),
            "FcPatternAddString": (c_int, _P, c_char_p, c_char_p),
        },
    )


@cache
def gobject() -> Any:
    """GObject, for `g_object_unref` alone."""
    return load_library("libgobject-2.0.so.0", PACKAGE, {"g_object_unref": (None, _P)})


@cache
def pango() -> Any:
    """Pango: shaping, bidirectional text, wrapping, and another font where one lacks a character."""
    return load_library(
        "libpango-1.0.so.0",
        PACKAGE,
        {
            "pango_font_map_create_context": (_P, _P),
            "pango_context_set_language": (None, _P, _P),
            "pango_language_from_string": (_P, c_char_p),
            "pango_get_log_attrs": (None, c_char_p, c_int, c_int, _P, POINTER(c_uint32), c_int),
            "pango_context_load_font": (_P, _P, _P),
            "pango_font_get_metrics": (_P, _P, _P),
            "pango_font_metrics_get_ascent": (c_int, _P),
            "pango_font_metrics_get_descent": (c_int, _P),
            "pango_font_metrics_unref": (None, _P),
            "pango_font_description_from_string": (_P, c_char_p),
            "pango_font_description_get_set_fields": (c_int, _P),
            "pango_font_description_get_family": (c_char_p, _P),
            "pango_font_description_get_weight": (c_int, _P),
            "pango_font_description_get_style": (c_int, _P),
            "pango_font_description_set_family": (None, _P, c_char_p),
            "pango_font_description_set_absolute_size": (None, _P, c_double),
            "pango_font_description_free": (None, _P),
            "pango_layout_new": (_P, _P),
            "pango_layout_set_text": (None, _P, c_char_p, c_int),
            "pango_layout_set_font_description": (None, _P, _P),
            "pango_layout_set_width": (None, _P, c_int),
            "pango_layout_set_wrap": (None, _P, c_int),
            "pango_layout_get_line_count": (c_int, _P),
            "pango_layout_get_line_readonly": (_P, _P, c_int),
            "pango_layout_get_unknown_glyphs_count": (c_int, _P),
            "pango_layout_line_get_extents": (None, _P, _RECT, _RECT),
        },
    )


@cache
def pangoft() -> Any:
    """The part of Pango that takes fonts from Fontconfig."""
    return load_library("libpangoft2-1.0.so.0", PACKAGE, {"pango_fc_font_map_set_config": (None, _P, _P)})


@cache
def pangocairo() -> Any:
    """The part of Pango that draws with Cairo."""
    return load_library(
        "libpangocairo-1.0.so.0",
        PACKAGE,
        {
            "pango_cairo_font_map_new_for_font_type": (_P, c_int),
            "pango_cairo_context_set_font_options": (None, _P, _P),
            "pango_cairo_context_set_resolution": (None, _P, c_double),
            "pango_cairo_show_layout_line": (None, _P, _P),
            "pango_cairo_layout_line_path": (None, _P, _P),
        },
    )


@cache
def cairo() -> Any:
    """Cairo: shapes and glyphs into pixels."""
    return load_library(
        "libcairo.so.2",
        PACKAGE,
        {
            "cairo_font_options_create": (_P,),
            "cairo_font_options_destroy": (None, _P),
            "cairo_font_options_set_antialias": (None, _P, c_int),
            "cairo_font_options_set_hint_style": (None, _P, c_int),
            "cairo_font_options_set_hint_metrics": (None, _P, c_int),
            "cairo_image_surface_create_for_data": (_P, _P, c_int, c_int, c_int, c_int),
            "cairo_surface_flush": (None, _P),
            "cairo_surface_destroy": (None, _P),
            "cairo_create": (_P, _P),
            "cairo_destroy": (None, _P),
            "cairo_status": (c_int, _P),
            "cairo_status_to_string": (c_char_p, c_int),
            "cairo_set_source_rgba": (None, _P, c_double, c_double, c_double, c_double),
            "cairo_set_source_surface": (None, _P, _P, c_double, c_double),
            "cairo_mask_surface": (None, _P, _P, c_double, c_double),
            "cairo_paint": (None, _P),
            "cairo_fill": (None, _P),
            "cairo_stroke": (None, _P),
            "cairo_new_path": (None, _P),
            "cairo_move_to": (None, _P, c_double, c_double),
            "cairo_arc": (None, _P, c_double, c_double, c_double, c_double, c_double),
            "cairo_close_path": (None, _P),
            "cairo_set_line_width": (None, _P, c_double),
            "cairo_set_line_join": (None, _P, c_int),
        },
    )

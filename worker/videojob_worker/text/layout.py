"""Lays text out in lines: where each letter stands, and how much room the whole takes."""

import ctypes
import math
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.text import Align, Title
from videojob_worker.text.fonts import Face, Fonts
from videojob_worker.text.pango import (
    ANTIALIAS_GRAY,
    HINT_METRICS_OFF,
    HINT_STYLE_SLIGHT,
    SCALE,
    WRAP_WORD_CHAR,
    PangoRectangle,
    cairo,
    gobject,
    pango,
    pangocairo,
)
from videojob_worker.text.rect import Rect

_MEASURED_EM: Final = 1000
_SHIFT: Final = {Align.LEFT: 0.0, Align.CENTER: 0.5, Align.RIGHT: 1.0}


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line and where it starts: `x` and `baseline` in pixels from the block's corner."""

    pango_line: Any
    x: int
    baseline: int
    ink: Rect
    """What its letters cover."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of text, and the size of the block that they fill: its width is the widest line's, in pixels."""

    lines: tuple[TextLine, ...]
    width: int
    height: int


@contextmanager
def lay_out(  # noqa: PLR0917 - what a layout is made of
    field: str, title: Title, face: Face, fonts: Fonts, width: int, wrap: int = WRAP_WORD_CHAR
) -> Iterator[Block]:
    """Wrap a title's text to a width in pixels; the lines can be drawn until the context ends.

    With `WRAP_WORD`, a line whose only word is wider than that is wider, too.

    Raises:
        PermanentError: no font has one of its characters.
    """
    text = _cleaned(field, title.text)
    with fonts.lock, ExitStack() as owned:
        context = _context(fonts, owned)
        description = pango().pango_font_description_from_string(face.description.encode())
        owned.callback(pango().pango_font_description_free, description)
        ascent, descent = _metrics(context, description)
        em = _MEASURED_EM * title.size / (ascent + descent)
        pango().pango_font_description_set_absolute_size(description, em * SCALE)
        layout = pango().pango_layout_new(context)
        owned.callback(gobject().g_object_unref, layout)
        pango().pango_layout_set_font_description(layout, description)
        pango().pango_layout_set_wrap(layout, wrap)
        pango().pango_layout_set_width(layout, max(1, width) * SCALE)
        _set_text(layout, text)
        if pango().pango_layout_get_unknown_glyphs_count(layout):
            raise PermanentError(f"{field}.text: no font has {_lacking(layout, text)}", Reason.INVALID_SPEC)
        yield _block(layout, title, ascent / (ascent + descent))


def _block(layout: Any, title: Title, ascent_share: float) -> Block:
    count = pango().pango_layout_get_line_count(layout)
    found = []
    for index in range(count):
        line = pango().pango_layout_get_line_readonly(layout, index)
        ink, logical = PangoRectangle(), PangoRectangle()
        pango().pango_layout_line_get_extents(line, ctypes.byref(ink), ctypes.byref(logical))
        found.append((line, ink, logical))
    width = max(math.ceil(logical.width / SCALE) for _, _, logical in found)
    lines = []
    for index, (line, ink, logical) in enumerate(found):
        x = round((width - logical.width / SCALE) * _SHIFT[title.align] - logical.x / SCALE)
        baseline = round(index * title.size * title.line_spacing + title.size * ascent_share)
        lines.append(TextLine(line, x, baseline, _pixels(ink).moved(x, baseline)))
    height = round((count - 1) * title.size * title.line_spacing + title.size)
    return Block(tuple(lines), width, height)


def _pixels(units: PangoRectangle) -> Rect:
    """Return the pixels that a rectangle in Pango's units touches."""
    right, bottom = units.x + units.width, units.y + units.height
    return Rect(units.x // SCALE, units.y // SCALE, -(-right // SCALE), -(-bottom // SCALE))


def _context(fonts: Fonts, owned: ExitStack) -> Any:
    context = pango().pango_font_map_create_context(fonts.font_map)
    owned.callback(gobject().g_object_unref, context)
    # By default the process' locale chooses between fonts.
    pango().pango_context_set_language(context, pango().pango_language_from_string(b"en"))
    options = cairo().cairo_font_options_create()
    owned.callback(cairo().cairo_font_options_destroy, options)
    cairo().cairo_font_options_set_antialias(options, ANTIALIAS_GRAY)
    cairo().cairo_font_options_set_hint_style(options, HINT_STYLE_SLIGHT)
    cairo().cairo_font_options_set_hint_metrics(options, HINT_METRICS_OFF)
    pangocairo().pango_cairo_context_set_font_options(context, options)
    return context


def _metrics(context: Any, description: Any) -> tuple[float, float]:
    """Return a font's ascent and descent at `_MEASURED_EM` pixels an em."""
    pango().pango_font_description_set_absolute_size(description, _MEASURED_EM * SCALE)
    font = pango().pango_context_load_font(context, description)
    metrics = pango().pango_font_get_metrics(font, None)
    try:
        ascent = pango().pango_font_metrics_get_ascent(metrics) / SCALE
        descent = pango().pango_font_metrics_get_descent(metrics) / SCALE
    finally:
        pango().pango_font_metrics_unref(metrics)
        gobject().g_object_unref(font)
    least = _MEASURED_EM / 10  # of a font that says it has no height
    return max(ascent, least), max(descent, 0.0)


def _set_text(layout: Any, text: str) -> None:
    encoded = text.encode()
    pango().pango_layout_set_text(layout, encoded, len(encoded))


def _cleaned(field: str, text: str) -> str:
    # Composed, because fonts lack the parts of what Apple's systems take apart, such as Korean syllables.
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n"))
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t":
            raise PermanentError(f"{field}.text: U+{ord(character):04X} is a control character", Reason.INVALID_SPEC)
    return text


def _lacking(layout: Any, text: str) -> str:
    for character in dict.fromkeys(text):
        _set_text(layout, character)
        if pango().pango_layout_get_unknown_glyphs_count(layout):
            return f"U+{ord(character):04X} ({unicodedata.name(character, 'unnamed')})"
    return "one of its sequences of characters"

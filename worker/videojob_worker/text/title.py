"""Draws titles: letters with their outline, shadow and box, as RGBA of straight alpha."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.text import FitText, Shadow, Title
from videojob_contract.resources.timeline import Anchor, Overlay
from videojob_worker.pixels.fit import ANCHORS
from videojob_worker.text.fitting import largest
from videojob_worker.text.fonts import Fonts
from videojob_worker.text.layout import Block, lay_out
from videojob_worker.text.pango import (
    FORMAT_A8,
    FORMAT_ARGB32,
    LINE_JOIN_ROUND,
    WRAP_WORD,
    WRAP_WORD_CHAR,
    cairo,
    pangocairo,
)
from videojob_worker.text.rect import Rect

Rgba = npt.NDArray[np.uint8]
"""`(height, width, 4) uint8`, straight alpha."""

_BAND: Final = 256  # rows at a time, so that what is computed on stays in the processor's cache
_MARGIN_PART: Final = 20  # the default margin, as a part of the canvas' height
_LEAST_PART: Final = 4  # of the size that a text shrinks to
_LEAST_SIZE: Final = 4  # pixels; as in the schema
_BLUR_TO_SIGMA: Final = 1 / 3  # Pillow's blur of three boxes reaches three sigmas far, and no further


def draw_title(title: Title, width: int, height: int, fonts: Fonts, anchor: Anchor = Anchor.CENTER) -> Rgba:
    """Draw a clip's title on a transparent canvas of `(height, width)`, at the anchor.

    Raises:
        PermanentError: as for `check_title`.
    """
    room = title_room(title, width, height)
    canvas = np.zeros((height, width, 4), np.uint8)
    with _fitted("title", title, *room, fonts) as (fitted, block, outer):
        shares = ANCHORS[anchor]
        left = round((width - room[0]) / 2 + (room[0] - outer.width) * shares[0])
        top = round((height - room[1]) / 2 + (room[1] - outer.height) * shares[1])
        across, down = left - outer.left, top - outer.top
        area = _reach(fitted, block, outer).within(Rect(0, 0, width, height).moved(-across, -down))
        place = area.moved(across, down)
        canvas[place.top : place.bottom, place.left : place.right] = _draw(fitted, block, outer, area)
    return canvas


def draw_overlay_title(title: Title, width: int, height: int, fonts: Fonts) -> Rgba:
    """Draw a title by itself, wrapped to a width: as large as its lines, box and shadow.

    Raises:
        PermanentError: as for `check_title`.
    """
    with _fitted("title", title, width, height, fonts) as (fitted, block, outer):
        # Letters reach out of their line; those of a font that is meant to do harm, by any length.
        bounds = outer.around(fitted.size + (title.shadow.offset + title.shadow.blur if title.shadow else 0))
        area = _reach(fitted, block, outer).within(bounds)
        return _trimmed(_draw(fitted, block, outer, area), outer.moved(-area.left, -area.top))


def check_title(field: str, title: Title, width: int, height: int, fonts: Fonts) -> None:
    """Lay a title out, and draw nothing.

    Raises:
        PermanentError: the font is not there or no font, no font has a character, or the text takes more room
            than `width` and `height`.
    """
    with _fitted(field, title, width, height, fonts):
        pass


def title_room(title: Title, width: int, height: int) -> tuple[int, int]:
    """Return the width and height that a clip's title may take on a canvas of these, in pixels."""
    margin = height // _MARGIN_PART if title.margin is None else title.margin
    return width - 2 * margin, height - 2 * margin


def overlay_room(overlay: Overlay, width: int, height: int) -> tuple[int, int]:
    """Return the width and height that an overlay's title may take on a canvas of these, in pixels."""
    across = width - 2 * overlay.margin if overlay.scale is None else round(width * overlay.scale)
    return across, height - 2 * overlay.margin


@contextmanager
def _fitted(field: str, title: Title, width: int, height: int, fonts: Fonts) -> Iterator[tuple[Title, Block, Rect]]:
    """Yield the title at the size at which it fits, its lines, and the frame around them with outline and box."""
    title, wrap = _shrunk(field, title, width, height, fonts)
    with _framed(field, title, width, fonts, wrap) as (block, outer):
        if outer.width > width or outer.height > height:
            shrunk = f" at a size of {title.size}" if title.fit_text is FitText.SHRINK else ""
            raise PermanentError(
                f"{field}: the text takes {outer.width}x{outer.height} pixels{shrunk}, and there is room for "
                f"{max(0, width)}x{max(0, height)}; choose a smaller size, or say less",
                Reason.INVALID_SPEC,
            )
        yield title, block, outer


def _shrunk(field: str, title: Title, width: int, height: int, fonts: Fonts) -> tuple[Title, int]:
    """Return the title at the largest size at which it fits, and how it is wrapped: without breaking words, if it can.

    Where no size fits, it has the least.
    """
    if title.fit_text is FitText.REFUSE:
        return title, WRAP_WORD_CHAR
    least = max(_LEAST_SIZE, -(-title.size // _LEAST_PART))
    for wrap in (WRAP_WORD, WRAP_WORD_CHAR):

        def fits(size: int, wrap: int = wrap) -> bool:
            with _framed(field, title.model_copy(update={"size": size}), width, fonts, wrap) as (_, outer):
                return outer.width <= width and outer.height <= height

        size = largest(least - 1, title.size, fits)
        if size >= least:
            return title.model_copy(update={"size": size}), wrap
    return title.model_copy(update={"size": least}), WRAP_WORD_CHAR


@contextmanager
def _framed(field: str, title: Title, width: int, fonts: Fonts, wrap: int) -> Iterator[tuple[Block, Rect]]:
    inset = title.outline + (title.box.padding if title.box else 0)
    with lay_out(field, title, fonts.face(f"{field}.font", title.font), fonts, width - 2 * inset, wrap) as block:
        yield block, Rect(0, 0, block.width, block.height).around(inset)


def _reach(title: Title, block: Block, outer: Rect) -> Rect:
    """Return all that is drawn on."""
    reach = outer
    for line in block.lines:
        letters = line.ink.around(title.outline + 1)  # one for what smoothing spreads
        reach = reach.union(letters)
        if title.shadow is not None:
            reach = reach.union(letters.moved(title.shadow.offset, title.shadow.offset).around(title.shadow.blur))
    return reach


def _draw(title: Title, block: Block, outer: Rect, area: Rect) -> Rgba:
    letters = _canvas(area)
    with _context(letters, FORMAT_ARGB32) as context:
        _draw_letters(context, title, block, area)
    if title.box is None and title.shadow is None:
        return _straight(letters)
    whole = _canvas(area)
    with _context(whole, FORMAT_ARGB32) as context:
        if title.box is not None:
            _source(context, title.box.color, title.box.opacity)
            _rounded(context, outer.moved(-area.left, -area.top), title.box.radius)
            cairo().cairo_fill(context)
        if title.shadow is not None:
            _draw_shadow(context, title.shadow, letters)
        with _surface(letters, FORMAT_ARGB32) as surface:
            cairo().cairo_set_source_surface(context, surface, 0, 0)
            cairo().cairo_paint(context)
    return _straight(whole)


def _trimmed(rgba: Rgba, kept: Rect) -> Rgba:
    """Cut off what is empty around a frame."""
    seen = rgba[:, :, 3] > 0
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if rows.size:
        kept = kept.union(Rect(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))
    return rgba[kept.top : kept.bottom, kept.left : kept.right]


def _draw_letters(context: Any, title: Title, block: Block, area: Rect) -> None:
    if title.outline:
        _source(context, title.outline_color)
        cairo().cairo_set_line_width(context, 2 * title.outline)  # half of it is under the letters
        cairo().cairo_set_line_join(context, LINE_JOIN_ROUND)
        for line in block.lines:
            cairo().cairo_move_to(context, line.x - area.left, line.baseline - area.top)
            pangocairo().pango_cairo_layout_line_path(context, line.pango_line)
            cairo().cairo_stroke(context)
    _source(context, title.color)
    for line in block.lines:
        cairo().cairo_move_to(context, line.x - area.left, line.baseline - area.top)
        pangocairo().pango_cairo_show_layout_line(context, line.pango_line)


def _draw_shadow(context: Any, shadow: Shadow, letters: Rgba) -> None:
    height, width = letters.shape[:2]
    mask = np.zeros((height, -(-width // 4) * 4), np.uint8)  # Cairo wants rows of whole words
    mask[:, :width] = letters[:, :, 3]
    if shadow.blur:
        blurred = Image.fromarray(mask).filter(ImageFilter.GaussianBlur(shadow.blur * _BLUR_TO_SIGMA))
        mask = np.array(blurred)
    _source(context, shadow.color, shadow.opacity)
    with _surface(mask, FORMAT_A8) as surface:
        cairo().cairo_mask_surface(context, surface, shadow.offset, shadow.offset)


def _rounded(context: Any, frame: Rect, radius: int) -> None:
    """Make a rectangle with rounded corners the path."""
    radius = min(radius, frame.width // 2, frame.height // 2)
    right, bottom = frame.right - radius, frame.bottom - radius
    left, top = frame.left + radius, frame.top + radius
    quarter = math.pi / 2
    for number, (x, y) in enumerate(((right, bottom), (left, bottom), (left, top), (right, top))):
        cairo().cairo_arc(context, x, y, radius, number * quarter, (number + 1) * quarter)
    cairo().cairo_close_path(context)


def _source(context: Any, color: str, opacity: float = 1.0) -> None:
    red, green, blue = (channel / 255 for channel in bytes.fromhex(color[1:]))
    cairo().cairo_set_source_rgba(context, red, green, blue, opacity)


def _canvas(area: Rect) -> Rgba:
    return np.zeros((area.height, area.width, 4), np.uint8)


@contextmanager
def _surface(pixels: npt.NDArray[np.uint8], form: int) -> Iterator[Any]:
    """Let Cairo draw on, or take from, an array; ARGB32 in it is blue, green, red, alpha, premultiplied."""
    surface = cairo().cairo_image_surface_create_for_data(
        pixels.ctypes.data, form, pixels.shape[1], pixels.shape[0], pixels.strides[0]
    )
    try:
        yield surface
        cairo().cairo_surface_flush(surface)
    finally:
        cairo().cairo_surface_destroy(surface)


@contextmanager
def _context(pixels: Rgba, form: int) -> Iterator[Any]:
    with _surface(pixels, form) as surface:
        context = cairo().cairo_create(surface)
        try:
            yield context
            if status := cairo().cairo_status(context):
                why = cairo().cairo_status_to_string(status).decode()
                raise PermanentError(f"the title cannot be drawn: {why}", Reason.RENDER_FAILED)
        finally:
            cairo().cairo_destroy(context)


def _straight(premultiplied: Rgba) -> Rgba:
    """Turn Cairo's pixels into RGBA of straight alpha, in place."""
    for top in range(0, premultiplied.shape[0], _BAND):
        band = premultiplied[top : top + _BAND]
        alpha = band[:, :, 3:].astype(np.uint32)
        colors = band[:, :, 2::-1].astype(np.uint32)
        band[:, :, :3] = np.minimum(255, (colors * 255 + alpha // 2) // np.maximum(alpha, 1))
    return premultiplied

"""libass with the fonts of a job, for one thread."""

from __future__ import annotations

import ctypes
import weakref
from typing import TYPE_CHECKING, Any, Final

from videojob_worker.system_libraries import path_bytes
from videojob_worker.text.fonts import CONFIGURATION
from videojob_worker.text.libass import (
    FEATURE_WHOLE_TEXT_LAYOUT,
    FEATURE_WRAP_UNICODE,
    FONTS_OF_FONTCONFIG,
    SHAPING_COMPLEX,
    AssImage,
    libass,
    silent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CACHED_GLYPHS: Final = 1000
_CACHED_MB: Final = 32


class UnreadableScriptError(Exception):
    """libass finds no script in a text."""


class AssScript:
    """A script that was loaded; `whole` lays bidirectional text out and wraps it as Unicode says."""

    def __init__(self, renderer: AssRenderer, library: int, text: bytes, *, whole: bool) -> None:
        api = libass()
        self._renderer = renderer  # outlives it
        self.track = api.ass_read_memory(library, text, len(text), None)
        """libass' pointer."""
        if not self.track:
            raise UnreadableScriptError
        weakref.finalize(self, api.ass_free_track, self.track)
        if whole:
            for feature in (FEATURE_WHOLE_TEXT_LAYOUT, FEATURE_WRAP_UNICODE):
                api.ass_track_set_feature(self.track, feature, 1)


class AssRenderer:
    """Draws scripts on a canvas of a width and height in pixels, with the installed fonts and one of the user's."""

    def __init__(self, width: int, height: int, font: Path | None) -> None:
        api = libass()
        self._library = api.ass_library_init()
        weakref.finalize(self, api.ass_library_done, self._library)
        api.ass_set_message_cb(self._library, silent, None)
        api.ass_set_extract_fonts(self._library, 0)
        if font is not None:
            data = font.read_bytes()
            api.ass_add_font(self._library, b"font", data, len(data))
        self._renderer = api.ass_renderer_init(self._library)
        weakref.finalize(self, api.ass_renderer_done, self._renderer)
        api.ass_set_frame_size(self._renderer, width, height)
        api.ass_set_storage_size(self._renderer, width, height)
        api.ass_set_pixel_aspect(self._renderer, 1.0)
        api.ass_set_shaper(self._renderer, SHAPING_COMPLEX)
        configuration = path_bytes(CONFIGURATION)
        api.ass_set_fonts(self._renderer, None, b"sans-serif", FONTS_OF_FONTCONFIG, configuration, 1)
        api.ass_set_cache_limits(self._renderer, _CACHED_GLYPHS, _CACHED_MB)

    def load(self, text: bytes, *, whole: bool) -> AssScript:
        """Read a script.

        Raises:
            UnreadableScriptError: it is none.
        """
        return AssScript(self, self._library, text, whole=whole)

    def masks(self, script: AssScript, at_ms: int) -> tuple[Iterator[AssImage], bool]:
        """Return what is shown at a moment, the lowest first, and whether it changed; good until the next call."""
        changed = ctypes.c_int()
        image: Any = libass().ass_render_frame(self._renderer, script.track, at_ms, ctypes.byref(changed))
        return _each(image), bool(changed.value)


def _each(image: Any) -> Iterator[AssImage]:
    while image:
        yield image.contents
        image = image.contents.next


def script_time(hundredths: int) -> str:
    """Write a time as scripts have it."""
    seconds, rest = divmod(hundredths, 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:02d}"

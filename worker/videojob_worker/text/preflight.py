"""Makes a job's fonts and titles sure before anything is drawn, so that the last title's fault is told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videojob_worker.text.fonts import Fonts
from videojob_worker.text.title import check_title, overlay_room, title_room

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from videojob_contract.resources.videojob import VideoJobSpec


def open_fonts(spec: VideoJobSpec, files: Mapping[str, Path], width: int, height: int) -> Fonts:
    """Check every font and title of a spec for a canvas of these pixels; without text, nothing is loaded.

    `files` has the local file of each URI.

    Raises:
        PermanentError: a font is not there or no font, no font has a character, a title takes more room than
            there is, or a library is not installed.
    """
    fonts = Fonts(files)
    for index, clip in enumerate(spec.clips):
        if clip.title is not None:
            check_title(f"spec.clips[{index}].title", clip.title, *title_room(clip.title, width, height), fonts)
    for index, overlay in enumerate(spec.overlays or []):
        if overlay.title is not None:
            field = f"spec.overlays[{index}].title"
            check_title(field, overlay.title, *overlay_room(overlay, width, height), fonts)
    if spec.subtitles is not None and spec.subtitles.style is not None:
        fonts.face("spec.subtitles.style.font", spec.subtitles.style.font)
    return fonts

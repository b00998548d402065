"""Puts the frames of an animated GIF or PNG together as their formats say, each decoded as a picture of its own.

Pillow does so as well, and does not always draw what browsers do: it makes a GIF larger whose frames reach beyond it,
and forgets what is to be restored where frames that are disposed of in different ways follow each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from PIL import Image

from videojob_worker.media.files.spliced_file import Part, open_spliced
from videojob_worker.pixels.upright import simplified

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_FRAME_PIXELS: Final = 8192 * 4352
"""Largest frame of an animation; several of them are held at once."""


class Disposal(Enum):
    """What becomes of a frame before the next one is drawn."""

    KEPT = "kept"
    CLEARED = "cleared"
    """Its place can be seen through."""
    RESTORED = "restored"
    """Its place is as it was before."""


@dataclass(frozen=True, slots=True)
class FramePart:
    """A frame of an animation, and where it is drawn."""

    parts: tuple[Part, ...]
    """A file of it alone."""
    left: int
    top: int
    width: int
    height: int
    disposal: Disposal
    is_blended: bool
    """Whether what is below is seen through it; else it takes its place."""

    def covers(self, size: tuple[int, int]) -> bool:
        """Tell whether it is drawn over all of a picture."""
        return (self.left, self.top) == (0, 0) and self.width >= size[0] and self.height >= size[1]


class BrokenFrameError(Exception):
    """A frame that cannot be drawn."""


class ComposedFrames:
    """The frames of an animation; for one thread, and quick when numbers ascend.

    Args:
        path: the file.
        kind: Pillow's name for its format.
        frames: what is drawn.
        size: width and height.
    """

    def __init__(self, path: Path, kind: str, frames: Sequence[FramePart], size: tuple[int, int]) -> None:
        self._path, self._kind, self._frames = path, kind, frames
        self._empty = Image.new("RGBA", size)
        self._before = self._empty
        self._next = 0

    def image(self, number: int) -> Image.Image:
        """Return what is on screen when a frame is drawn: RGBA, not upright, in its own colours.

        Raises:
            BrokenFrameError: it cannot be.
            OSError: the file is damaged.
        """
        if number < self._next:
            self._before, self._next = self._empty, 0
        shown = self._before
        for place in range(self._next, number + 1):
            frame = self._frames[place]
            shown = self._drawn(frame, self._before)
            match frame.disposal:
                case Disposal.KEPT:
                    self._before = shown
                case Disposal.CLEARED:
                    self._before = shown.copy()
                    self._before.paste((0, 0, 0, 0), _box(frame))
                case Disposal.RESTORED:
                    pass
        self._next = number + 1
        return shown

    def _drawn(self, frame: FramePart, below: Image.Image) -> Image.Image:
        shown = below.copy()
        width, height = min(frame.width, shown.width - frame.left), min(frame.height, shown.height - frame.top)
        if width < 1 or height < 1:
            return shown
        if frame.width * frame.height > MAX_FRAME_PIXELS:
            raise BrokenFrameError(f"a frame has {frame.width}x{frame.height} pixels")
        with Image.open(open_spliced(self._path, frame.parts), formats=[self._kind]) as opened:
            opened.load()
            image = simplified(opened, opened.size).convert("RGBA")
        image = image.crop((0, 0, width, height))
        if frame.is_blended:
            shown.alpha_composite(image, (frame.left, frame.top))
        else:
            shown.paste(image, (frame.left, frame.top))
        return shown


def _box(frame: FramePart) -> tuple[int, int, int, int]:
    return frame.left, frame.top, frame.left + frame.width, frame.top + frame.height

"""An animated picture as a clip or an overlay: it plays at its own pace and starts over until the clip ends."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import numpy as np

from videojob_worker.media.pictures.animation import Animation
from videojob_worker.pixels.fit import fit_image, resize
from videojob_worker.pixels.frames import Rgba
from videojob_worker.pixels.yuv import Picture, from_rgb, parse_color

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from fractions import Fraction

    from PIL import Image

    from videojob_contract.resources.timeline import Anchor, Fit
    from videojob_worker.canvas import Canvas
    from videojob_worker.media.files.source import Source

_KEPT_BYTES: Final = 96 * 1024**2
"""An animation whose drawn frames take less is drawn once, not each time that it starts over."""

Drawn = TypeVar("Drawn", Picture, Rgba)


class _Film(Generic[Drawn]):
    """Frames drawn by one function; several iterators may run at once, in several threads."""

    def __init__(self, source: Source, fps: Fraction, draw: Callable[[Image.Image], Drawn], frame_bytes: int) -> None:
        self._source, self._fps, self._draw = source, fps, draw
        self._frame_bytes = frame_bytes
        self._kept: dict[int, Drawn] = {}
        self._lock = Lock()

    def pictures(self, first: int, count: int) -> Iterator[Drawn]:
        """Yield the pictures of the frames from `first` on: the same array while the same frame is shown.

        Raises:
            PermanentError: the source is damaged.
        """
        animation = Animation(self._source)
        keeps = animation.frames * self._frame_bytes <= _KEPT_BYTES
        shown, drawn = -1, None
        try:
            for frame in range(first, first + count):
                number = animation.number_at(frame / self._fps)
                if drawn is None or number != shown:
                    shown, drawn = number, self._drawn(animation, number, keeps=keeps)
                yield drawn
        finally:
            animation.close()

    def _drawn(self, animation: Animation, number: int, *, keeps: bool) -> Drawn:
        with self._lock:
            kept = self._kept.get(number)
        if kept is None:
            kept = self._draw(animation.frame(number))
            if keeps:
                with self._lock:
                    self._kept[number] = kept
        return kept

    def close(self) -> None:
        """Let go of what is kept."""
        with self._lock:
            self._kept.clear()


class AnimationLayer(_Film[Picture]):
    """An animated picture on the canvas."""

    def __init__(self, source: Source, canvas: Canvas, *, fit: Fit, anchor: Anchor, fps: Fraction) -> None:
        size, background = canvas.size, parse_color(canvas.background)
        super().__init__(
            source,
            fps,
            lambda image: from_rgb(fit_image(image, size, fit, anchor, background)),
            size[0] * size[1] * 3 // 2,
        )


class AnimationSprite(_Film[Rgba]):
    """An animated picture as `(height, width, 4) uint8` RGBA, not multiplied by opacity."""

    def __init__(self, source: Source, *, size: tuple[int, int], fps: Fraction) -> None:
        super().__init__(
            source, fps, lambda image: np.asarray(resize(image.convert("RGBA"), size)), size[0] * size[1] * 4
        )

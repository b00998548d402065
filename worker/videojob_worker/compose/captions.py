"""Draws subtitles over pictures."""

from fractions import Fraction

from videojob_worker.canvas import Canvas
from videojob_worker.pixels.sprite import Sprite
from videojob_worker.pixels.yuv import Picture
from videojob_worker.text.captions import Captions
from videojob_worker.text.painter import Sprites


class CaptionPainter:
    """Draws the subtitles of one moment after another; for one thread."""

    def __init__(self, captions: Captions, canvas: Canvas) -> None:
        self._painter = captions.painter()
        self._canvas = canvas.size
        self._drawn = Sprites()
        self._sprites: list[Sprite] = []

    def paint(self, picture: Picture, at_s: Fraction) -> None:
        """Draw what is shown at a time, in seconds, in place."""
        drawn = self._painter.sprites(at_s)
        if drawn is not self._drawn:
            self._drawn = drawn
            self._sprites = [Sprite.of(rgba, x, y, self._canvas) for x, y, rgba in drawn]
        for sprite in self._sprites:
            sprite.draw(picture)

"""An image that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from videojob_contract.resources.timeline import Clip, Overlay
from videojob_worker.compose.clips.base import ClipKind, PlacedClip
from videojob_worker.compose.layers.base import Layer, StillLayer
from videojob_worker.compose.layers.motion import held_size, move_image
from videojob_worker.media.pictures.decoding_memory import memory_turn
from videojob_worker.media.pictures.image import load_image
from videojob_worker.media.probe import ProbedSource, probe_picture
from videojob_worker.pixels.fit import fit_image
from videojob_worker.pixels.yuv import from_rgb, parse_color

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from videojob_contract.resources.motion import Motion
    from videojob_contract.resources.timeline import Image
    from videojob_worker.canvas import Canvas

_MOVING_BYTES: Final = 3
"""Of a pixel of a picture that moves: it is held twice."""
_DRAWN_BYTES: Final = 12
"""Of a pixel that is drawn: as RGB, on its background, and on its way to YUV."""


@dataclass(frozen=True, slots=True)
class ImageClip(ClipKind):
    """One picture, fitted to the canvas."""

    image: Image
    probed: ProbedSource

    probe: ClassVar = (".image.uri", probe_picture)

    @classmethod
    def of(cls, layer: Clip | Overlay, probed: Mapping[str, ProbedSource]) -> Self | None:
        """Return the image of a layer, unless it plays."""
        image = layer.image
        return cls(image, probed[image.uri]) if image is not None and probed[image.uri].kind == "image" else None

    def open(self, placed: PlacedClip) -> Layer:
        """Load it."""
        clip, canvas = placed.clip, placed.canvas
        with memory_turn(self.loading_bytes(clip, canvas)):
            image = load_image(placed.sources.source(f"{placed.field}.image.uri", self.image.uri), canvas.size)
            drawn = fit_image(image, canvas.size, clip.fit, clip.anchor, parse_color(canvas.background))
            return StillLayer(from_rgb(drawn))

    def open_moving(self, placed: PlacedClip, motion: Motion) -> Layer:
        """Load it in its own resolution, as far as the motion shows it."""
        source = placed.sources.source(f"{placed.field}.image.uri", self.image.uri)
        with memory_turn(self.loading_bytes(placed.clip, placed.canvas)):
            return move_image(source, self.probed, motion, placed.clip, frames=placed.frames, canvas=placed.canvas)

    def held_bytes(self, layer: Clip | Overlay, canvas: Canvas) -> int:
        """Of the image itself, where it moves."""
        width, height = self._size(layer, canvas)
        return _MOVING_BYTES * width * height if isinstance(layer, Clip) and layer.motion is not None else 0

    def loading_bytes(self, layer: Clip | Overlay, canvas: Canvas) -> int:
        """Of its decoder, and of drawing it: of an overlay, what the canvas shows."""
        width, height = size = self._size(layer, canvas)
        if isinstance(layer, Overlay):
            width, height = min(width, canvas.width), min(height, canvas.height)
        return (self.probed.decoding.bytes_for(size) if self.probed.decoding else 0) + _DRAWN_BYTES * width * height

    def _size(self, layer: Clip | Overlay, canvas: Canvas) -> tuple[int, int]:
        """Return how large it is drawn."""
        if isinstance(layer, Overlay):
            return overlay_size((self.probed.width or 1, self.probed.height or 1), canvas.size, layer)
        return canvas.size if layer.motion is None else held_size(self.probed, layer.motion, layer, canvas)


def overlay_size(own: tuple[int, int], canvas: tuple[int, int], overlay: Overlay) -> tuple[int, int]:
    """Return how large an overlay is drawn that is so large by itself, in pixels."""
    if overlay.scale is None:
        return own
    width = max(1, round(canvas[0] * overlay.scale))
    return width, max(1, round(width * own[1] / own[0]))

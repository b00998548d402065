"""An image that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from videojob_worker.compose.clips.base import ClipKind, PlacedClip
from videojob_worker.compose.layers.base import Layer, StillLayer
from videojob_worker.compose.layers.motion import move_image
from videojob_worker.media.image import load_image
from videojob_worker.media.probe import ProbedSource, probe_picture
from videojob_worker.pixels.fit import fit_image
from videojob_worker.pixels.yuv import from_rgb, parse_color

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from videojob_contract.resources.motion import Motion
    from videojob_contract.resources.timeline import Clip, Image, Overlay

RGB_BYTES: Final = 3


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
        image = load_image(placed.sources.source(f"{placed.field}.image.uri", self.image.uri), canvas.size)
        return StillLayer(
            from_rgb(fit_image(image, canvas.size, clip.fit, clip.anchor, parse_color(canvas.background)))
        )

    def open_moving(self, placed: PlacedClip, motion: Motion) -> Layer:
        """Load it in its own resolution, as far as the motion shows it."""
        source = placed.sources.source(f"{placed.field}.image.uri", self.image.uri)
        return move_image(source, self.probed, motion, placed.clip, frames=placed.frames, canvas=placed.canvas)

    def held_bytes(self, *, moves: bool) -> int:
        """Of the image itself, where it moves."""
        return self.probed.pixels * RGB_BYTES if moves else 0

"""The whole canvas in one colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.resources.timeline import Clip
from videojob_worker.compose.clips.base import ClipKind, PlacedClip
from videojob_worker.compose.layers.base import Layer, StillLayer
from videojob_worker.pixels.yuv import solid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from videojob_contract.resources.timeline import Overlay
    from videojob_worker.media.probe import ProbedSource


@dataclass(frozen=True, slots=True)
class ColorClip(ClipKind):
    """A colour, `#rrggbb`."""

    color: str

    @classmethod
    def of(cls, layer: Clip | Overlay, probed: Mapping[str, ProbedSource]) -> Self | None:  # noqa: ARG003 - it has no source
        """Return the colour of a clip."""
        return cls(layer.color) if isinstance(layer, Clip) and layer.color is not None else None

    def open(self, placed: PlacedClip) -> Layer:
        """Fill the canvas."""
        return StillLayer(solid(self.color, *placed.canvas.size))

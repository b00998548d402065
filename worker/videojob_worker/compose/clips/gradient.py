"""The whole canvas in a gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.resources.timeline import Clip
from videojob_worker.compose.clips.base import ClipKind, PlacedClip
from videojob_worker.compose.layers.base import Layer, StillLayer
from videojob_worker.pixels.gradient import gradient

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from videojob_contract.resources.timeline import Gradient, Overlay
    from videojob_worker.media.probe import ProbedSource


@dataclass(frozen=True, slots=True)
class GradientClip(ClipKind):
    """Colours that go over into each other."""

    gradient: Gradient

    @classmethod
    def of(cls, layer: Clip | Overlay, probed: Mapping[str, ProbedSource]) -> Self | None:  # noqa: ARG003 - it has no source
        """Return the gradient of a clip."""
        return cls(layer.gradient) if isinstance(layer, Clip) and layer.gradient is not None else None

    def open(self, placed: PlacedClip) -> Layer:
        """Paint it."""
        return StillLayer(gradient(self.gradient, *placed.canvas.size))

"""An image that plays: a GIF, a WebP, a PNG or an AVIF of several pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from videojob_worker.compose.clips.base import ClipKind, PlacedClip
from videojob_worker.compose.layers.animation import AnimationLayer
from videojob_worker.media.probe import ProbedSource, probe_picture
from videojob_worker.timeline.spans import SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction
    from typing import Self

    from videojob_contract.resources.timeline import Clip, Image, Overlay
    from videojob_worker.canvas import Canvas
    from videojob_worker.compose.layers.base import Layer

_FRAME_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class AnimationClip(ClipKind):
    """It starts over until the clip ends."""

    image: Image
    probed: ProbedSource

    probe: ClassVar = (".image.uri", probe_picture)
    span_kind: ClassVar = SpanKind.DECODED

    @classmethod
    def of(cls, layer: Clip | Overlay, probed: Mapping[str, ProbedSource]) -> Self | None:
        """Return the image of a layer, if it plays."""
        image = layer.image
        return cls(image, probed[image.uri]) if image is not None and probed[image.uri].kind == "animation" else None

    def open(self, placed: PlacedClip) -> Layer:
        """Open it; its frames are decoded when they are asked for."""
        source = placed.sources.source(f"{placed.field}.image.uri", self.image.uri)
        return AnimationLayer(source, placed.canvas, fit=placed.clip.fit, anchor=placed.clip.anchor, fps=placed.fps)

    def held_bytes(self, layer: Clip | Overlay, canvas: Canvas) -> int:  # noqa: ARG002 - it is as large as it is
        """Of its decoder, and of the picture that it composes."""
        return self.probed.pixels * _FRAME_BYTES

    def does(self, fps: Fraction) -> Iterable[str]:  # noqa: ARG002 - it has no rate of its own
        """Say that it plays."""
        return ("is an animation",)

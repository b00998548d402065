"""Text on a canvas of one colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from videojob_worker.compose.clips.base import ClipKind, PlacedClip
from videojob_worker.compose.layers.base import Layer, StillLayer
from videojob_worker.pixels.yuv import from_rgb
from videojob_worker.text.title import draw_title

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from videojob_contract.resources.text import Title
    from videojob_contract.resources.timeline import Clip, Overlay
    from videojob_worker.media.probe import ProbedSource


@dataclass(frozen=True, slots=True)
class TitleClip(ClipKind):
    """A card of its own."""

    title: Title

    @classmethod
    def of(cls, layer: Clip | Overlay, probed: Mapping[str, ProbedSource]) -> Self | None:  # noqa: ARG003 - it has no source
        """Return the title of a layer."""
        return None if layer.title is None else cls(layer.title)

    def open(self, placed: PlacedClip) -> Layer:
        """Draw it."""
        canvas = placed.canvas
        card = Image.new("RGB", canvas.size, self.title.background or canvas.background)
        text = Image.fromarray(draw_title(self.title, *canvas.size, placed.fonts, placed.clip.anchor))
        card.paste(text, mask=text)
        return StillLayer(from_rgb(card))

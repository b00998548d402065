"""The kinds of clips, one file each: what probing, planning, composing and explaining know of them."""

from collections.abc import Mapping
from typing import Final

from videojob_contract.effects import effects_are_still
from videojob_contract.resources.timeline import Clip, Overlay
from videojob_worker.compose.clips.animation import AnimationClip
from videojob_worker.compose.clips.base import ClipKind, PlacedClip
from videojob_worker.compose.clips.color import ColorClip
from videojob_worker.compose.clips.gradient import GradientClip
from videojob_worker.compose.clips.image import ImageClip
from videojob_worker.compose.clips.title import TitleClip
from videojob_worker.compose.clips.video import VideoClip
from videojob_worker.compose.layers.base import Layer, StillLayer
from videojob_worker.compose.layers.effects import EffectLayer
from videojob_worker.media.probe import ProbedSource
from videojob_worker.timeline.spans import SpanKind

_KINDS: Final[tuple[type[ClipKind], ...]] = (
    ImageClip,
    AnimationClip,
    VideoClip,
    ColorClip,
    GradientClip,
    TitleClip,
)

PROBES: Final = dict(kind.probe for kind in _KINDS if kind.probe is not None)
"""What the source of a clip or an overlay has to be, by the end of its field's path."""


def clip_kind(layer: Clip | Overlay, probed: Mapping[str, ProbedSource]) -> ClipKind:
    """Return what a clip or an overlay shows; `probed` are of each source, by its URI."""
    return next(found for kind in _KINDS if (found := kind.of(layer, probed)) is not None)


def span_kind(clip: Clip, probed: Mapping[str, ProbedSource]) -> SpanKind:
    """Tell how a clip's own frames come about, motion and effects included."""
    kind = clip_kind(clip, probed).span_kind
    if kind is SpanKind.STILL and clip.motion is not None:
        kind = SpanKind.ANIMATED
    if clip.effects and (kind is not SpanKind.STILL or not effects_are_still(clip.effects)):
        return SpanKind.EFFECT
    return kind


def open_layer(placed: PlacedClip) -> Layer:
    """Open the layer of a clip, motion and effects included.

    Raises:
        PermanentError: its source cannot be used.
    """
    clip, kind = placed.clip, clip_kind(placed.clip, placed.sources.probed)
    layer = kind.open(placed) if clip.motion is None else kind.open_moving(placed, clip.motion)
    if not clip.effects:
        return layer
    field = f"{placed.field}.effects"
    changed = EffectLayer(layer, clip.effects, field, frames=placed.frames, fps=placed.fps, canvas=placed.canvas)
    if isinstance(layer, StillLayer) and effects_are_still(clip.effects):
        return StillLayer(next(changed.pictures(0, 1)))
    return changed

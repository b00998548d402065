"""All that is seen, and when: what pictures are composed from."""

from collections.abc import Sequence
from dataclasses import dataclass

from videojob_contract.resources.timeline import CLIP_KINDS, Clip, Overlay
from videojob_worker.canvas import Canvas
from videojob_worker.compose.clips.base import PlacedClip
from videojob_worker.media.probed import ProbedSources
from videojob_worker.text.captions import Captions
from videojob_worker.text.fonts import Fonts
from videojob_worker.timeline.overlays import PlacedOverlay
from videojob_worker.timeline.times import Timeline


@dataclass(frozen=True, slots=True)
class Composition:
    """Clips on a canvas and what lies over them; nothing is open. Spans mean them by their numbers."""

    canvas: Canvas
    timeline: Timeline
    clips: Sequence[Clip]
    overlays: Sequence[PlacedOverlay]
    captions: Captions | None
    sources: ProbedSources
    fonts: Fonts

    def clip(self, number: int) -> PlacedClip:
        """Return a clip by its number, with all that it is made with."""
        frames = self.timeline.clips[number].frames
        return PlacedClip(number, self.clips[number], frames, self.timeline.fps, self.canvas, self.sources, self.fonts)

    def clip_name(self, number: int) -> str:
        """Return how its user knows a clip: `spec.clips[3].video.uri: volume://media/x.mp4`, `spec.clips[4].title`."""
        return self._name(f"spec.clips[{number}]", self.clips[number])

    def overlay_name(self, number: int) -> str:
        """Return how its user knows an overlay."""
        placed = self.overlays[number]
        return self._name(f"spec.overlays[{placed.number}]", placed.overlay)

    def _name(self, field: str, layer: Clip | Overlay) -> str:
        for kind in CLIP_KINDS:
            shown = getattr(layer, kind, None)
            if shown is not None:
                return (
                    self.sources.source(f"{field}.{kind}.uri", shown.uri).name
                    if hasattr(shown, "uri")
                    else f"{field}.{kind}"
                )
        raise AssertionError(f"{field} shows nothing")

"""All that is seen, and when: what pictures are composed from."""

from collections.abc import Sequence
from dataclasses import dataclass

from videojob_contract.resources.timeline import Clip
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

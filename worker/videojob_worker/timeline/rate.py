"""From the canvas' frame rate to an output's: which frames of the output show a frame of the canvas.

Frame n of an output is what is on the canvas at its time, n / fps. Frames are dropped or repeated, never blended.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from videojob_worker.clock import to_frame
from videojob_worker.timeline.segments import Segment
from videojob_worker.timeline.times import Timeline


@dataclass(frozen=True, slots=True)
class Rate:
    """An output's frames, against those of its timeline."""

    timeline: Timeline
    fps: Fraction

    @property
    def frames(self) -> int:
        """How many the output has."""
        if self.fps == self.timeline.fps:
            return self.timeline.frames
        return max(1, to_frame(self.timeline.length_s, self.fps))

    def first(self, frame: int) -> int:
        """Return the first frame of the output that shows a frame of the canvas, or one after it."""
        if frame >= self.timeline.frames:
            return self.frames
        return min(self.frames, -int(-frame * self.fps / self.timeline.fps // 1))

    def count(self, frame: int, frames: int) -> int:
        """Return how many frames of the output show `frames` frames of the canvas from `frame`; it may be none."""
        return self.first(frame + frames) - self.first(frame)

    def shown(self, number: int) -> int:
        """Return the frame of the canvas that a frame of the output shows."""
        return min(int(number * self.timeline.fps / self.fps // 1), self.timeline.frames - 1)

    def segment(self, segment: Segment) -> Segment | None:
        """Return a segment of the canvas in frames of the output; None when none of them is in it."""
        if self.fps == self.timeline.fps:
            return segment
        spans = (
            replace(span, start=self.first(span.start), frames=self.count(span.start, span.frames))
            for span in segment.spans
        )
        shown = tuple(span for span in spans if span.frames)
        keypoints = tuple(map(self.first, segment.keypoints))
        return replace(segment, spans=shown, keypoints=keypoints) if shown else None

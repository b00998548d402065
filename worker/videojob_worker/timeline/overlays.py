"""When what lies over the clips is seen, in frames: overlays, and the cues of subtitles."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from videojob_contract.resources.timeline import Overlay
from videojob_worker.clock import to_frame
from videojob_worker.text.cues import Cue
from videojob_worker.timeline.times import Timeline


@dataclass(frozen=True, slots=True)
class PlacedOverlay:
    """An overlay, seen in `start <= frame < end`; it appears and goes over so many frames."""

    number: int
    overlay: Overlay
    start: int
    end: int
    fade_in: int
    fade_out: int
    moving: bool
    """Whether its own picture changes."""

    def opacity(self, frame: int) -> float:
        """Return how much of it is seen at a frame of the timeline, 0 to 1, its own opacity included.

        The first frame of a fade in is not clear and the last of a fade out is not clear, so that none is wasted.
        """
        share = 1.0
        if frame < self.start + self.fade_in:
            share = (frame - self.start + 1) / (self.fade_in + 1)
        if frame >= self.end - self.fade_out:
            share = min(share, (self.end - frame) / (self.fade_out + 1))
        return share * self.overlay.opacity


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Frames `start <= frame < end` in which something lies over the clips; `moving`: each frame is another."""

    start: int
    end: int
    moving: bool


def place_overlays(
    overlays: Sequence[Overlay], timeline: Timeline, moves: Callable[[Overlay], bool]
) -> tuple[PlacedOverlay, ...]:
    """Round each overlay's times to frames; those of no frame are left out."""
    placed = []
    for number, overlay in enumerate(overlays):
        start = min(to_frame(overlay.from_ or Fraction(0), timeline.fps), timeline.frames)
        end = timeline.frames if overlay.to is None else min(to_frame(overlay.to, timeline.fps), timeline.frames)
        if end > start:
            placed.append(
                PlacedOverlay(
                    number=number,
                    overlay=overlay,
                    start=start,
                    end=end,
                    fade_in=min(to_frame(overlay.fade_in or Fraction(0), timeline.fps), end - start),
                    fade_out=min(to_frame(overlay.fade_out or Fraction(0), timeline.fps), end - start),
                    moving=moves(overlay),
                )
            )
    return tuple(placed)


def place_cues(cues: Iterable[Cue], fps: Fraction) -> list[FrameRange]:
    """Return the frames at whose moment each cue is shown."""
    return [FrameRange(ceil(cue.start_s * fps), ceil(cue.end_s * fps), cue.moving) for cue in cues]


def phases(placed: PlacedOverlay) -> list[FrameRange]:
    """Split an overlay's time into coming in, standing and going."""
    settled = placed.start + placed.fade_in
    leaves = max(settled, placed.end - placed.fade_out)
    parts = [
        FrameRange(placed.start, settled, moving=True),
        FrameRange(settled, leaves, placed.moving),
        FrameRange(leaves, placed.end, moving=True),
    ]
    return [part for part in parts if part.end > part.start]

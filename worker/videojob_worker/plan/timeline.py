"""When each clip is seen, in whole frames.

Every transition overlaps its two clips, so a clip starts at the sum of the clips before it less the sum of
the transitions up to it. These sums are exact rationals and each boundary is rounded to a frame once, so
nothing drifts however long the timeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.timeline import Clip

SAMPLE_RATE = 48_000
"""Audio samples a second of every timeline."""


def to_frame(seconds: Fraction, fps: Fraction) -> int:
    """Round a moment to the nearest frame; a tie goes to the later one."""
    return int((seconds * fps + Fraction(1, 2)) // 1)


@dataclass(frozen=True, slots=True)
class ClipTimes:
    """The frames of one clip: it comes in over `start <= frame < settled` and starts to go at `leaves`."""

    start: int
    settled: int
    leaves: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The exact length of a job and the frames of its clips."""

    fps: Fraction
    length_s: Fraction
    frames: int
    samples: int
    clips: tuple[ClipTimes, ...]

    def frame_at(self, seconds: Fraction) -> int:
        """Return the frame that is on screen at a moment; past the end it is the last."""
        return min(int(seconds * self.fps // 1), self.frames - 1)


def transition_s(clip: Clip) -> Fraction:
    """Seconds that a clip overlaps the one before it."""
    return clip.transition.duration or Fraction(0) if clip.transition is not None else Fraction(0)


def build_timeline(clips: Sequence[Clip], fps: Fraction) -> Timeline:
    """Place clips, whose durations are all given, on a timeline.

    Raises:
        PermanentError: a clip has no duration or is shorter than its transitions, or there is not one frame.
    """
    times: list[ClipTimes] = []
    start = Fraction(0)
    for index, clip in enumerate(clips):
        if not isinstance(clip.duration, Fraction):
            raise PermanentError(f"spec.clips[{index}].duration: a {clip.kind} needs a duration", Reason.INVALID_SPEC)
        entry = transition_s(clip) if index else Fraction(0)
        departure = transition_s(clips[index + 1]) if index + 1 < len(clips) else Fraction(0)
        if entry + departure > clip.duration:
            raise PermanentError(
                f"spec.clips[{index}].duration: {float(clip.duration):g}s is shorter than the clip's "
                f"transitions together ({float(entry + departure):g}s)",
                Reason.INVALID_SPEC,
            )
        end = start + clip.duration
        times.append(ClipTimes(to_frame(start, fps), to_frame(start + entry, fps), to_frame(end - departure, fps)))
        start = end - departure
    frames = times[-1].leaves if times else 0
    if frames < 1:
        raise PermanentError("spec.clips: the timeline is shorter than one frame", Reason.INVALID_SPEC)
    return Timeline(
        fps=fps,
        length_s=start,
        frames=frames,
        samples=to_frame(start, Fraction(SAMPLE_RATE)),
        clips=tuple(times),
    )

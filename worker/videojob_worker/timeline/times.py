"""When each clip is seen, in exact seconds and in whole frames.

Every transition overlaps its two clips, so a clip starts at the sum of the clips before it less the sum of
the transitions up to it. These sums are exact rationals and each boundary is rounded to a frame once, so
nothing drifts however long the timeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.timeline import Clip
from videojob_worker.clock import SAMPLE_RATE, to_frame


@dataclass(frozen=True, slots=True)
class ClipTimes:
    """When one clip is seen.

    In frames, it comes in over `start <= frame < settled`, is alone until `leaves` and gone at `end`. In seconds, it
    lasts from `start_s` to `end_s`; for `entry_s` of it the clip before, for `departure_s` the next one is seen too.
    """

    start: int
    settled: int
    leaves: int
    end: int
    start_s: Fraction
    end_s: Fraction
    entry_s: Fraction
    departure_s: Fraction

    @property
    def frames(self) -> int:
        """How many frames it is seen in."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Timeline:
    """The exact length of a job and the times of its clips."""

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


def build_timeline(clips: Sequence[Clip], lengths_s: Sequence[Fraction], fps: Fraction) -> Timeline:
    """Place clips, each of its length in seconds, on a timeline.

    Raises:
        PermanentError: a clip is shorter than its transitions, or there is not one frame.
    """
    times: list[ClipTimes] = []
    start = Fraction(0)
    for index, (clip, length) in enumerate(zip(clips, lengths_s, strict=True)):
        entry = transition_s(clip) if index else Fraction(0)
        departure = transition_s(clips[index + 1]) if index + 1 < len(clips) else Fraction(0)
        if entry + departure > length:
            raise PermanentError(
                f"spec.clips[{index}].duration: {float(length):g}s is shorter than the clip's "
                f"transitions together ({float(entry + departure):g}s)",
                Reason.INVALID_SPEC,
            )
        end = start + length
        times.append(
            ClipTimes(
                start=to_frame(start, fps),
                settled=to_frame(start + entry, fps),
                leaves=to_frame(end - departure, fps),
                end=to_frame(end, fps),
                start_s=start,
                end_s=end,
                entry_s=entry,
                departure_s=departure,
            )
        )
        start = end - departure
    frames_in_all = times[-1].leaves if times else 0
    if frames_in_all < 1:
        raise PermanentError("spec.clips: the timeline is shorter than one frame", Reason.INVALID_SPEC)
    return Timeline(
        fps=fps,
        length_s=start,
        frames=frames_in_all,
        samples=to_frame(start, Fraction(SAMPLE_RATE)),
        clips=tuple(times),
    )

"""What a source is: all that planning needs to know of it, and what is wrong with it before any work."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

from videojob_contract.errors import Reason
from videojob_contract.resources.audio import Narration
from videojob_contract.resources.timeline import HeldPicture, Video
from videojob_contract.semantics.lengths import speed_of
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.decoding_memory import DecodingMemory
from videojob_worker.media.pictures.image import inspect_picture
from videojob_worker.media.sound.sound_container import check_audio
from videojob_worker.media.sound.sound_decoder import measure_sound
from videojob_worker.media.video.video_info import VideoInfo, inspect_video

_HELD_S: Final = Fraction(1, 5)
"""A picture that is held for longer is noticed."""


@dataclass(frozen=True, slots=True)
class ProbedSource:
    """A source that could be opened; `width` and `height` are upright, in display pixels."""

    kind: Literal["image", "animation", "video", "audio"]
    width: int | None = None
    height: int | None = None
    duration_s: Fraction | None = None
    """Of the pictures, or of a sound; seconds."""
    narration_s: Fraction | None = None
    """Of a narration: how many seconds of sound it has, whatever pictures are beside it."""
    sound_end_s: Fraction | None = None
    """Of a video: when its sound is over, where that is later than its pictures, else when they are."""
    fps: Fraction | None = None
    """Mean rate."""
    has_alpha: bool = False
    has_sound: bool = False
    footage: VideoInfo | None = None
    """Of a video: what playing and copying it needs; its `source` names the field that was looked at first."""
    decoding: DecodingMemory | None = None
    """What decoding a picture takes of memory."""

    @property
    def pixels(self) -> int:
        """Of a picture."""
        return (self.width or 0) * (self.height or 0)

    def used_as_well(self, found: "ProbedSource") -> "ProbedSource":
        """Return what is known of what is used in two ways: what was found first, but pictures before sound."""
        seen = next((one for one in (self, found) if one.kind != "audio"), self)
        return replace(seen, narration_s=self.narration_s or found.narration_s)


def probe_picture(source: Source) -> ProbedSource:
    """Read the header of an `image` source.

    Raises:
        PermanentError: it cannot be used.
    """
    found = inspect_picture(source)
    length_s = sum(found.frame_times_s, Fraction(0))
    return ProbedSource(
        "animation" if found.frame_times_s else "image",
        width=found.width,
        height=found.height,
        duration_s=length_s or None,
        fps=len(found.frame_times_s) / length_s if length_s else None,
        has_alpha=found.has_alpha,
        decoding=found.decoding,
    )


def probe_video(source: Source) -> ProbedSource:
    """Read the header of a `video` source, and decode its first frame.

    Raises:
        PermanentError: it cannot be used.
    """
    footage = inspect_video(source)
    return ProbedSource(
        "video",
        width=footage.width,
        height=footage.height,
        duration_s=footage.end_s,
        sound_end_s=footage.sound_end_s,
        fps=1 / footage.period_s if footage.period_s else None,
        has_alpha=footage.has_alpha,
        has_sound=footage.has_sound,
        footage=footage,
    )


def footage_of(probed: ProbedSource) -> VideoInfo:
    """Return what was found out about a source that is used as a video."""
    if probed.footage is None:
        raise AssertionError("a video has been probed")
    return probed.footage


def probe_sound(source: Source) -> ProbedSource:
    """Read the header of a source of sound.

    Raises:
        PermanentError: it cannot be used.
    """
    return ProbedSource("audio", duration_s=check_audio(source), has_sound=True)


def probe_narration(source: Source) -> ProbedSource:
    """Decode a narration: a clip may last as long as it.

    Raises:
        PermanentError: it cannot be used.
    """
    length_s = measure_sound(source)
    return ProbedSource("audio", duration_s=length_s, narration_s=length_s, has_sound=True)


def narrated_length(narration: Narration, probed: ProbedSource) -> Fraction:
    """Return how many seconds a clip lasts that lasts as long as its narration."""
    return narration.before + (probed.narration_s or 0) + narration.after


def video_end_s(video: Video, probed: ProbedSource) -> Fraction:
    """Return when a video is over, in seconds of its own: with its pictures, or with sound that is heard longer."""
    pictures_s = probed.duration_s or Fraction(0)
    return pictures_s if video.hold is HeldPicture.NONE or not video.volume else probed.sound_end_s or pictures_s


def video_clip_length(video: Video, probed: ProbedSource) -> Fraction:
    """Return how many seconds of the timeline a video lasts by itself."""
    end_s = video_end_s(video, probed) if video.to is None else video.to
    return (end_s - (video.from_ or Fraction(0))) / speed_of(video)


def check_stretch(source: Source, video: Video, probed: ProbedSource, wanted_s: Fraction, frame_s: Fraction) -> None:
    """Check that a video lasts as long as `wanted_s` seconds of the timeline, whose frames last `frame_s`, ask of it.

    Raises:
        PermanentError: `from` or `to` are not within it, or it is too short and does not loop.
    """
    start_s, length_s = video.from_ or Fraction(0), video_end_s(video, probed)
    end_s = length_s if video.to is None else video.to
    # One frame more or less, of either, is a matter of rounding, not of what the user meant.
    period_s = 1 / probed.fps if probed.fps else Fraction(1, 10)
    lasts = f"lasts {_shown(length_s)}"
    if start_s >= length_s:
        raise source.error(f"{lasts}, so that nothing is left from {_shown(start_s)} on", Reason.INVALID_SPEC)
    if end_s > length_s + period_s:
        raise source.error(f"{lasts}, less than the {_shown(end_s)} to which it should play", Reason.INVALID_SPEC)
    held_s = min(end_s, start_s + wanted_s * speed_of(video)) - (probed.duration_s or length_s)
    if held_s > _HELD_S:
        source.warn(f"shows its last picture for {_shown(held_s)}, in which its sound goes on")
    speed = speed_of(video)
    if not video.loop and wanted_s * speed > end_s - start_s + max(period_s, frame_s * speed):
        rest = (
            "" if start_s == 0 and end_s == length_s else f", {_shown(end_s - start_s)} of it from {_shown(start_s)} on"
        )
        pace = "" if video.speed == 1 else f" at speed {video.speed:g}"
        raise source.error(
            f"{lasts}{rest}: too short for {_shown(wanted_s)} of the timeline{pace}; shorten the clip or let it loop",
            Reason.INVALID_SPEC,
        )


def _shown(seconds: Fraction) -> str:
    return f"{float(seconds):.3f}".rstrip("0").rstrip(".") + "s"

"""What a source is, from its header: all that planning needs to know of it."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from videojob_contract.resources.timeline import Video
from videojob_worker.audio.decode import check_audio
from videojob_worker.media.image import check_image
from videojob_worker.media.source import Source


@dataclass(frozen=True, slots=True)
class Facts:
    """A source that could be opened; `width` and `height` are upright, in display pixels."""

    kind: Literal["image", "animation", "video", "audio"]
    width: int | None = None
    height: int | None = None
    duration_s: Fraction | None = None
    """Of the pictures, or of a sound; seconds."""
    fps: Fraction | None = None
    """Mean rate."""
    has_alpha: bool = False
    has_sound: bool = False


def probe_picture(source: Source) -> Facts:
    """Read the header of an `image` source.

    Raises:
        PermanentError: it cannot be used.
    """
    check_image(source)
    return Facts("image")


def probe_video(source: Source) -> Facts:
    """Read the header of a `video` source.

    Raises:
        PermanentError: it cannot be used.
    """
    raise source.error("is a video, which is not supported yet")


def probe_sound(source: Source) -> Facts:
    """Read the header of a source of sound.

    Raises:
        PermanentError: it cannot be used.
    """
    return Facts("audio", duration_s=check_audio(source), has_sound=True)


def video_clip_length(video: Video, facts: Facts) -> Fraction:
    """Return how many seconds of the timeline a video lasts by itself."""
    start, end = video.from_ or Fraction(0), video.to if video.to is not None else facts.duration_s
    return ((end or Fraction(0)) - start) / Fraction(str(video.speed))

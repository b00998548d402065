"""Checks a finished output before anybody sees it: streams, size, frames and times, counted, not believed.

Every packet is read and its time compared with the plan; every keyframe, which is where segments were joined,
is decoded. That finds a short write, a wrong join and a damaged file in a fraction of the time of decoding it
all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from PIL import Image

from videojob_contract.errors import PermanentError, Reason
from videojob_worker.plan.timeline import SAMPLE_RATE, Timeline

# One frame of AAC: what its packets may stick out at either end.
_AAC_FRAME: Final = 1024


@dataclass(frozen=True, slots=True)
class Expected:
    """What an mp4 has to be."""

    width: int
    height: int
    timeline: Timeline
    sound: bool


def verify_mp4(path: Path, expected: Expected) -> None:
    """Check an mp4 against the plan.

    Raises:
        PermanentError: it is not what was planned; reason `VerificationFailed`.
    """
    try:
        with av.open(str(path), format="mp4") as container:
            _check_streams(container, expected)
            video = container.streams.video[0]
            video_times, sound_end = _read(container, video)
            _check_times(video_times, video, expected.timeline)
            if expected.sound:
                _check_sound(sound_end, expected.timeline)
    except FFmpegError as error:
        raise _failed(f"it cannot be read back: {error.strerror}") from error


def verify_picture(path: Path, width: int, height: int) -> None:
    """Check that a poster decodes and has the size of the canvas.

    Raises:
        PermanentError: it does not; reason `VerificationFailed`.
    """
    try:
        with Image.open(path) as image:
            image.load()
            size = image.size
    except (OSError, SyntaxError) as error:
        raise _failed(f"it cannot be read back: {error}") from error
    if size != (width, height):
        raise _failed(f"it has {size[0]}x{size[1]} pixels instead of {width}x{height}")


def _failed(what: str) -> PermanentError:
    return PermanentError(f"the finished output is wrong: {what}", Reason.VERIFICATION_FAILED)


def _check_streams(container: InputContainer, expected: Expected) -> None:
    found = [stream.type for stream in container.streams]
    wanted = ["video", "audio"] if expected.sound else ["video"]
    if found != wanted:
        raise _failed(f"it has the streams {', '.join(found) or 'none'} instead of {', '.join(wanted)}")
    video = container.streams.video[0]
    if (video.width, video.height) != (expected.width, expected.height):
        raise _failed(f"it has {video.width}x{video.height} pixels instead of {expected.width}x{expected.height}")


def _read(container: InputContainer, video: VideoStream) -> tuple[list[int], Fraction]:
    """Read every packet and decode the keyframes.

    Returns the times of the video's frames, in its time base, and where the sound ends, in seconds.
    """
    times: list[int] = []
    keyframes = decoded = 0
    sound_end = Fraction(0)
    video.codec_context.skip_frame = "NONKEY"
    for packet in container.demux():
        if packet.is_corrupt:
            raise _failed("a packet is damaged")
        if packet.stream is not video:
            if packet.pts is not None and packet.time_base is not None:
                sound_end = max(sound_end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            continue
        if packet.pts is not None:
            times.append(packet.pts)
            keyframes += packet.is_keyframe
        if packet.is_keyframe or packet.pts is None:
            decoded += sum(not frame.is_corrupt for frame in video.decode(packet))
    if decoded != keyframes:
        raise _failed(f"{keyframes - decoded} of its {keyframes} keyframes do not decode")
    return sorted(times), sound_end


def _check_times(times: Sequence[int], video: VideoStream, timeline: Timeline) -> None:
    if len(times) != timeline.frames:
        raise _failed(f"it has {len(times)} frames instead of {timeline.frames}")
    if video.time_base is None:
        raise _failed("its video has no time base")
    for number, time in enumerate(times):
        if abs(time * video.time_base - number / timeline.fps) > video.time_base:
            raise _failed(
                f"frame {number} is at {float(time * video.time_base):.3f}s "
                f"instead of {float(number / timeline.fps):.3f}s"
            )


def _check_sound(end_s: Fraction, timeline: Timeline) -> None:
    wanted_s = Fraction(timeline.samples, SAMPLE_RATE)
    if not -1 <= (end_s - wanted_s) * SAMPLE_RATE <= _AAC_FRAME:
        raise _failed(f"its sound lasts {float(end_s):.3f}s instead of {float(wanted_s):.3f}s")

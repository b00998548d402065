"""Checks videos and sound: streams, size, frames and times, counted, not believed.

Every packet is read and its time compared with the plan; the encoder's keyframes, which are where segments were
joined, are decoded (of copied pictures, those at joints alone). That finds a short write, a wrong join and a damaged
file in a fraction of the time of decoding it all.
"""

from array import array
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import av
from av.codec import CodecContext
from av.container import InputContainer
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from videojob_contract.resources.outputs import Codec
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.timeline.rate import Rate
from videojob_worker.verify.failure import mismatch

if TYPE_CHECKING:
    from av import Packet

# What packets may stick out at the end: one frame; of MP3 also what the encoder puts before the first sample.
_STICKS_OUT: Final = {"aac": 1024, "opus": 960, "mp3": 2 * 1152}
_MILLISECOND: Final = SAMPLE_RATE // 1000
_DECODED: Final = {Codec.H264: "h264", Codec.H265: "hevc", Codec.AV1: "av1", Codec.VP9: "vp9"}

_DECODED_LATER: Final = 16
"""Packets that may wait for a decoder, while the file is read on."""

# An mp4's header tells all that is looked at; libav would decode a frame to learn more.
_OPTIONS: Final = {"mp4": {"codec_whitelist": "none", "probesize": "32"}}


class Decodable(Protocol):
    """A file that is read from its beginning to its end."""

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class ExpectedVideo:
    """The stream of pictures that a file has to have."""

    codec: Codec
    width: int
    height: int
    rate: Rate
    joints: frozenset[int]
    """The frames at which pieces may have been joined: keyframes that have to decode by themselves."""
    cut_s: Fraction | None = None
    """Seconds from cut to cut: the first frame at or after each has to be a keyframe."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file has to be."""

    format: str
    """libav's name of its demuxer."""
    video: ExpectedVideo | None
    sound_codec: str | None
    """libav's name of the codec; None without sound."""
    samples: int = 0
    """Of the sound."""
    subtitle_codec: str | None = None
    """libav's name of the codec; None without a track of subtitles."""


def verify_file(
    source: Path | Decodable,
    expected: Expected,
    check_cancelled: Callable[[], None] = lambda: None,
    *,
    threads: int = 1,
) -> None:
    """Check a file against the plan, keyframes in so many threads; `check_cancelled` is called for each packet.

    Raises:
        PermanentError: it is not what was planned; reason `VerificationFailed`.
    """
    try:
        file = str(source) if isinstance(source, Path) else source
        with av.open(file, "r", format=expected.format, options=_OPTIONS.get(expected.format, {})) as container:
            _check_streams(container, expected)
            video = container.streams.video[0] if expected.video is not None else None
            times, keyframes, sound_end = _read(container, video, expected.video, check_cancelled, threads)
            if video is not None and expected.video is not None:
                _check_times(times, video, expected.video.rate)
                _check_cuts(times, keyframes, expected.video)
            if expected.sound_codec is not None:
                _check_sound(sound_end, expected.samples, _STICKS_OUT[expected.sound_codec])
    except FFmpegError as error:
        raise mismatch(f"it cannot be read back: {error.strerror}") from error


def _check_streams(container: InputContainer, expected: Expected) -> None:
    found = [f"{stream.type} ({stream.codec_context.name})" for stream in container.streams]
    wanted = [f"video ({_DECODED[expected.video.codec]})"] if expected.video is not None else []
    if expected.sound_codec is not None:
        wanted.append(f"audio ({expected.sound_codec})")
    if expected.subtitle_codec is not None:
        wanted.append(f"subtitle ({expected.subtitle_codec})")
    if [_family(each) for each in found] != wanted:
        raise mismatch(f"it has the streams {', '.join(found) or 'none'} instead of {', '.join(wanted)}")
    if expected.video is not None:
        video = container.streams.video[0]
        _check_size(video, expected.video)


def _check_size(found: VideoStream | VideoFrame, planned: ExpectedVideo) -> None:
    if (found.width, found.height) != (planned.width, planned.height):
        raise mismatch(f"it has {found.width}x{found.height} pixels instead of {planned.width}x{planned.height}")


def _family(stream: str) -> str:
    """Take a decoder's name for its codec's: libdav1d decodes av1, mp3float mp3."""
    return stream.replace("libdav1d", "av1").replace("libopus", "opus").replace("mp3float", "mp3")


def _read(
    container: InputContainer,
    video: VideoStream | None,
    expected: ExpectedVideo | None,
    check_cancelled: Callable[[], None],
    threads: int,
) -> "tuple[Sequence[int], set[int], Fraction]":
    """Read every packet and decode the keyframes at which pieces were joined.

    Returns the times of the video's frames and of its keyframes, in its time base, and where the sound ends, in s.
    """
    times = array("q")
    keyframes: set[int] = set()
    sound_end = Fraction(0)
    with ExitStack() as stack:
        joints = None
        if video is not None and expected is not None:
            joints = stack.enter_context(_Joints(video, expected, threads))
        for packet in container.demux():
            check_cancelled()
            if packet.is_corrupt:
                raise mismatch("a packet is damaged")
            if joints is None or packet.stream is not video:
                if packet.stream.type == "audio" and packet.pts is not None and packet.time_base is not None:
                    sound_end = max(sound_end, (packet.pts + (packet.duration or 0)) * packet.time_base)
                continue
            if packet.pts is not None:
                times.append(packet.pts)
                if packet.is_keyframe:
                    keyframes.add(packet.pts)
            joints.take(packet)
        if joints is not None:
            joints.check()
    return array("q", sorted(times)), keyframes, sound_end


class _Joints:
    """Decodes the keyframes at which pieces may have been joined, each by itself, while the file is read on."""

    def __init__(self, video: VideoStream, expected: ExpectedVideo, threads: int) -> None:
        self._expected = expected
        tick_s = video.time_base or Fraction(1)
        self._frames, self._ticks = (tick_s * expected.rate.fps).as_integer_ratio()
        self._sent = 0
        self._waiting: deque[Future[None]] = deque()
        self._decoders = SimpleQueue[VideoCodecContext]()
        for _ in range(threads):
            self._decoders.put(_decoder(video))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="joints")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def take(self, packet: "Packet[Any]") -> None:
        """Decode a packet, if it is of a joint."""
        if packet.is_keyframe and self._is_joint(packet.pts):
            self._sent += 1
            self._waiting.append(self._pool.submit(self._decode, packet))
            if len(self._waiting) > _DECODED_LATER:
                self._waiting.popleft().result()

    def check(self) -> None:
        """Check that all were there and could be decoded."""
        for each in self._waiting:
            each.result()
        joints = len(self._expected.joints)
        if self._sent != joints:
            raise mismatch(f"{joints - self._sent} of the {joints} frames at which it was joined are no keyframes")

    def _decode(self, packet: "Packet[Any]") -> None:
        decoder = self._decoders.get()
        try:
            frames = [*decoder.decode(packet), *decoder.decode(None)]
            decoder.flush_buffers()
        except FFmpegError:
            frames = []
        finally:
            self._decoders.put(decoder)
        if len(frames) != 1 or frames[0].is_corrupt:
            raise mismatch(f"the keyframe at {float((packet.pts or 0) * (packet.time_base or 0)):.3f}s does not decode")
        _check_size(frames[0], self._expected)  # a header can say something else

    def _is_joint(self, pts: int | None) -> bool:
        # That a packet starts with a keyframe is not enough: libav's parser takes some others for one.
        if pts is None:
            return False
        return (2 * pts * self._frames + self._ticks) // (2 * self._ticks) in self._expected.joints


def _decoder(video: VideoStream) -> VideoCodecContext:
    """Return a decoder of a stream's keyframes."""
    context = video.codec_context
    decoder = CodecContext.create(context.codec.name, "r")
    if not isinstance(decoder, VideoCodecContext):
        raise TypeError(f"{context.codec.name} decodes no video")
    decoder.extradata = context.extradata
    # The threads of one can wait for ever in a damaged stream.
    decoder.thread_count = 1
    return decoder


def _check_times(times: Sequence[int], video: VideoStream, rate: Rate) -> None:
    if len(times) != rate.frames:
        raise mismatch(f"it has {len(times)} frames instead of {rate.frames}")
    if video.time_base is None:
        raise mismatch("its video has no time base")
    # A frame is at `number / fps`, to a tick; in whole numbers, because there are many.
    ticks, seconds = (rate.fps * video.time_base).as_integer_ratio()
    for number, time in enumerate(times):
        if abs(time * ticks - number * seconds) > ticks:
            raise mismatch(
                f"frame {number} is at {float(time * video.time_base):.3f}s instead of {float(number / rate.fps):.3f}s"
            )


def _check_cuts(times: Sequence[int], keyframes: set[int], video: ExpectedVideo) -> None:
    if video.cut_s is None:
        return
    for cut in range(1, int((video.rate.frames - 1) / video.rate.fps // video.cut_s) + 1):
        frame = -int(-cut * video.cut_s * video.rate.fps // 1)
        if times[frame] not in keyframes:
            raise mismatch(f"frame {frame}, at which a segment starts, is no keyframe")


def _check_sound(end_s: Fraction, samples: int, most: int) -> None:
    wanted_s = Fraction(samples, SAMPLE_RATE)
    if not -_MILLISECOND <= (end_s - wanted_s) * SAMPLE_RATE <= most + _MILLISECOND:
        raise mismatch(f"its sound lasts {float(end_s):.3f}s instead of {float(wanted_s):.3f}s")

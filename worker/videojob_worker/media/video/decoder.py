"""Decodes the pictures of one video in the order they are shown, from any keyframe on.

libav conceals what it cannot decode, marks the frame, and reports success: it is shown with a warning, or an error.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

from av.codec import CodecContext
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as NothingMore
from av.error import FFmpegError
from av.filter import Graph
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from videojob_contract.errors import PermanentError
from videojob_contract.resources.damage import OnDamage
from videojob_worker.media.files.source import MOST_MISSING, Source
from videojob_worker.media.video.coded_size import MAX_PIXELS, CodedSizeLimit
from videojob_worker.media.video.hevc_layers import has_alpha_layer
from videojob_worker.media.video.pixel_aspect import PixelAspect
from videojob_worker.media.video.video_container import WITHOUT_HEADER, open_video
from videojob_worker.media.video.video_end import Restart

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

# What these call a time of showing is that of decoding, where both differ: a demuxer, and a codec where there
# is no header, because libav learns by decoding that they do.
_UNTIMED: Final = frozenset(("avi", "mpeg1video"))
# Its time stamps are few, and what libav makes up between them is wrong after a seek.
_UNSEEKABLE: Final = frozenset(("mpeg",))
_ENOUGH: Final = 50
"""Frames of which a share tells how much is damaged."""
_NEARLY: Final = Fraction(1, 500)
# libav's own decoders of these leave their transparency out.
_WITH_ALPHA: Final[Mapping[str, Literal["libvpx", "libvpx-vp9"]]] = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


class Decoder:
    """An open video; frames come with their time stamps in ticks of `tick_s` seconds.

    Raises:
        PermanentError: the source is no video that is read here.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.container, self.stream = open_video(source)
        self.tick_s: Fraction = self.stream.time_base or Fraction(1)
        self._is_stream = self.container.format.name in WITHOUT_HEADER
        self._context = self._codec_context()
        self._limit = CodedSizeLimit(source, self._context)
        # What is broadcast or recorded without a header may begin amid frames that need others.
        self._settled = not self._is_stream
        # What a container says holds for all frames; of the others, what libav says is that of the first.
        self._tells_aspect = self._is_stream and not self.stream.sample_aspect_ratio
        self._shown = 0
        self._harmed_s: list[float] = []
        kind = self._context.codec.canonical_name if self._is_stream else self.container.format.name
        self.is_timed: bool = kind not in _UNTIMED
        """Whether the file says when frames are shown, and not only when they are decoded."""
        self.first_dts: int | None = None
        """Time stamp of decoding of the first packet that was read."""
        self.leaves_alpha_out: bool | None = None if self._context.name == "hevc" else False
        """Whether there is transparency that is not decoded; None until the first packet is read."""
        # The first frame says which x264 coded it; libav decodes 4:4:4 of old ones as they did.
        self._learns = self._context.name == "h264" and (self._context.pix_fmt or "yuv444p").startswith("yuv444")

    def _codec_context(self) -> VideoCodecContext:
        context = self.stream.codec_context
        name: Literal["libvpx", "libvpx-vp9"] | None = _WITH_ALPHA.get(context.codec.canonical_name)
        if name is not None and self.stream.metadata.get("alpha_mode") == "1":
            context = CodecContext.create(name, "r")
        # A left edge is cut where it is, not where lines are easily copied.
        context.options = {"max_pixels": str(MAX_PIXELS), "flags": "unaligned+copy_opaque"}
        if context.name == "h264":
            # Where it does not say how far frames are reordered, that is as far as its level allows, not as seen yet.
            context.options |= {"strict": "strict"}
        # One thread: segments that are rendered side by side use the cores, and libav's frame threads can wait for
        # each other for ever in a damaged H.265 stream.
        context.thread_count = 1
        return context

    @property
    def period_s(self) -> Fraction | None:
        """Mean time between two frames, as far as the file tells."""
        mean, guess = self.stream.average_rate, self.stream.guessed_rate
        # libav's guess knows the usual rates, where the mean is off by the rounding of stamps.
        rate = guess if guess and (not mean or abs(guess - mean) < mean * _NEARLY) else mean
        return Fraction(1) / rate if rate else None

    @property
    def is_seekable(self) -> bool:
        """Whether a time stamp means the same after a seek as from the start on."""
        return self.container.format.name not in _UNSEEKABLE

    def first_pts(self, decoded: int) -> int:
        """Return when time starts, if the first frame that can be decoded has a time stamp."""
        start = self.stream.start_time
        # Frames that cannot be decoded are shown as the first that can, so that sound stays with the pictures.
        if start is None:
            return decoded
        if self._is_stream:
            return min(start, decoded)
        # What an edit list leaves out is decoded where others build on it, and not all of it is marked.
        return max(start, decoded) if decoded < 0 <= start else decoded

    def close(self) -> None:
        """Close the file, and say what of it was not whole."""
        self.container.close()
        if self._harmed_s:
            first_s, last_s, count = min(self._harmed_s), max(self._harmed_s), len(self._harmed_s)
            where = f"at {first_s:.2f}s" if count == 1 else f"between {first_s:.2f}s and {last_s:.2f}s"
            frames = "a frame" if count == 1 else f"{count} frames"
            self.source.warn(
                f"is damaged {where}: {frames}, and those that build on them, are shown as far as they can be"
            )
            self._harmed_s = []

    def seek(self, pts: int) -> None:
        """Go to the keyframe at or before a time stamp, as well as the file's index knows.

        Raises:
            PermanentError: the file is damaged.
        """
        self._settled = False
        if self._learns:
            self._decode(next(self._packets()), 0)
        try:
            self.container.seek(pts, stream=self.stream)
        except FFmpegError as error:
            raise self._damaged(f"cannot be read at {float(pts * self.tick_s):.2f}s ({error.strerror})") from error
        self._context.flush_buffers()
        self._learns = False

    def frames(self) -> Iterator[tuple[int, VideoFrame]]:
        """Yield time stamps, ascending, and progressive frames from where the file stands to its end.

        After `seek`, frames that lean on what is before the keyframe are left out.

        Raises:
            PermanentError: a frame is damaged.
        """
        return _progressive(self._ascending())

    def _ascending(self) -> Iterator[tuple[int, VideoFrame]]:
        period = max(1, round((self.period_s or 0) / self.tick_s))
        last: int | None = None
        restart = Restart(self.container, self.tick_s)
        for frame in self._decoded():
            stamp, following = frame.pts if self.is_timed else frame.dts, 0 if last is None else last + period
            pts = following if stamp is None else stamp if last is None else restart.follow(stamp, following)
            if last is None or pts > last:
                last = pts
                yield pts, frame

    def _decoded(self) -> Iterator[VideoFrame]:
        at_s = 0.0
        for packet in self._packets():
            if packet.pts is not None:
                at_s = float(packet.pts * self.tick_s)
            if self.first_dts is None:
                self.first_dts = packet.dts
            if self.leaves_alpha_out is None:
                self.leaves_alpha_out = has_alpha_layer(self._context.extradata or b"", bytes(packet))
            yield from self._whole(self._decode(packet, at_s), at_s)

    def _packets(self) -> Iterator["Packet[VideoStream]"]:
        """Read on; a demuxer that runs out of memory believed a size that is damaged."""
        try:
            yield from self.container.demux(self.stream)
        except FFmpegError as error:
            raise self._damaged(f"it cannot be read to its end ({error.strerror})") from error

    def _decode(self, packet: "Packet[VideoStream]", at_s: float) -> list[VideoFrame]:
        self._limit.check_packet(packet)
        aspect = PixelAspect()
        if self._tells_aspect:
            aspect.ride(packet)
        try:
            return self._context.decode(packet)
        except MemoryError:
            raise
        except NothingMore:
            return []
        except FFmpegError as error:
            if self._settled:
                self._conceal(at_s, f"a frame near {at_s:.2f}s cannot be decoded", error)
            return []
        finally:
            self._limit.check_decoder()
            aspect.fill(self._context)

    def _whole(self, frames: list[VideoFrame], at_s: float) -> Iterator[VideoFrame]:
        for frame in frames:
            # An index may call any frame a keyframe, and not every decoder minds.
            if not self._settled and not (frame.key_frame or frame.pict_type == PictureType.I):
                continue
            if not frame.is_corrupt:
                self._settled = True
                self._shown += 1
                yield frame
            elif self._settled:
                self._conceal(at_s, f"the frame at {at_s:.2f}s is not whole")
                self._shown += 1
                yield frame

    def _conceal(self, at_s: float, what: str, cause: Exception | None = None) -> None:
        """Take note of a frame that is shown as libav made it up, as players do, or not at all.

        Raises:
            PermanentError: it must be whole, or most of what was decoded so far is not.
        """
        self._harmed_s.append(at_s)
        seen = max(self._shown, _ENOUGH)
        if self.source.on_damage is OnDamage.FAIL or len(self._harmed_s) > MOST_MISSING * seen or not self._shown:
            raise self._damaged(what) from cause

    def _damaged(self, what: str) -> PermanentError:
        return self.source.error(f"is a damaged video: {what}")


def _progressive(frames: Iterator[tuple[int, VideoFrame]]) -> Iterator[tuple[int, VideoFrame]]:
    """Deinterlace from the first frame on that says it is interlaced; a video without one passes untouched."""
    graph: Graph | None = None
    stamps: deque[int] = deque()
    for pts, frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield pts, frame
            continue
        if graph is None:
            graph = _deinterlacer(frame)
        stamps.append(pts)
        frame.pts = pts
        graph.push(frame)
        yield from _pull(graph, stamps)
    if graph is not None:
        graph.push(None)
        yield from _pull(graph, stamps)


def _deinterlacer(frame: VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1))
    # A frame of each pair of fields, and only of those frames that are interlaced.
    bwdif = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
    graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
    return graph


def _pull(graph: Graph, stamps: deque[int]) -> Iterator[tuple[int, VideoFrame]]:
    while True:
        try:
            frame = graph.vpull()
        except (NothingYet, NothingMore):
            return
        yield stamps.popleft(), frame

"""Encodes segments with x264, side by side, one encoder each; the packets go to spools.

All encoders have the same settings, and so the same parameter sets: their packets join into one stream
without re-encoding.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from av import CodecContext, Packet, VideoCodecContext, VideoFrame
from av.codec.context import Flags
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from videojob_contract.errors import CancelledError
from videojob_worker.compose.color import Picture
from videojob_worker.encode.settings import VideoSettings
from videojob_worker.encode.spool import Spool, spool_packets
from videojob_worker.encode.zones import CRF_OFFSET, still_zones
from videojob_worker.plan.cost import Segment

if TYPE_CHECKING:
    from av.video.stream import VideoStream


def configure(context: VideoCodecContext, settings: VideoSettings, threads: int, zones: str = "") -> None:
    """Set up an x264 encoder that is not open yet."""
    context.width, context.height = settings.width, settings.height
    context.pix_fmt = "yuv420p"
    context.framerate = settings.fps
    context.time_base = 1 / settings.fps
    context.color_range = ColorRange.MPEG
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.thread_count = threads
    context.flags |= Flags.global_header
    if settings.keyframe_frames is not None:
        context.gop_size = settings.keyframe_frames
    # 0 is lossless; what is below, x264 takes for no answer and uses its own default.
    context.options = {"preset": settings.preset, "crf": f"{max(0.0, settings.crf + CRF_OFFSET):.1f}"}
    if zones:
        context.options["x264-params"] = f"zones={zones}"


def encode_segment(
    segment: Segment,
    pictures: Iterable[tuple[Picture, int]],
    settings: VideoSettings,
    *,
    threads: int,
    path: Path,
    on_given: Callable[[int], None],
    on_frame: Callable[[int], None],
    stopped: Callable[[], bool],
) -> Spool:
    """Encode the pictures of a segment into a spool at `path`.

    Args:
        segment: what is encoded.
        pictures: its pictures, each with the number of frames that it is shown.
        settings: the output's.
        threads: threads of this encoder.
        path: where the packets are parked.
        on_given: told the number, in the timeline, of each frame that the encoder is given; it looks at many before
            the first is done.
        on_frame: told the number, in the timeline, of each frame that is done.
        stopped: asked before each frame.

    Raises:
        CancelledError: `stopped` said so.
    """
    context = CodecContext.create("libx264", "w")
    configure(context, settings, threads, still_zones(segment.spans))
    context.open()

    def packets() -> Iterator["Packet[VideoStream]"]:
        for frame in _frames(pictures, context):
            if frame is not None:
                on_given(segment.start + (frame.pts or 0))
            for packet in context.encode_lazy(frame):
                if stopped():
                    raise CancelledError("the render was stopped")
                yield packet
                on_frame(segment.start + (packet.pts or 0))
            if stopped():
                raise CancelledError("the render was stopped")

    return spool_packets(path, packets(), segment.start, context.extradata or b"")


def _frames(pictures: Iterable[tuple[Picture, int]], context: VideoCodecContext) -> Iterator[VideoFrame | None]:
    """Wrap pictures as frames without a copy (the encoder makes its own); end with the None that flushes."""
    # PyAV's view of a buffer takes heights that are no multiple of four for smaller ones.
    wrap = VideoFrame.from_ndarray if context.height % 4 else VideoFrame.from_numpy_buffer
    number = 0
    for picture, count in pictures:
        frame = wrap(picture, format="yuv420p")
        frame.color_range = ColorRange.MPEG
        frame.colorspace = Colorspace.ITU709
        frame.color_primaries = ColorPrimaries.BT709
        frame.color_trc = ColorTrc.BT709
        for _ in range(count):
            frame.pts, frame.time_base = number, context.time_base
            yield frame
            number += 1
    yield None

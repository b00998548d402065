"""Encodes segments, side by side, one encoder each; the packets go to packet files.

All encoders have the same settings, and so the same parameter sets: their packets join into one stream
without re-encoding.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from av import VideoFrame
from av.video.frame import PictureType
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from videojob_contract.errors import CancelledError
from videojob_worker.encode.encoder import new_encoder
from videojob_worker.encode.frame_types import FrameType
from videojob_worker.encode.packet_file import PacketFile, PacketFileWriter
from videojob_worker.encode.settings import VideoSettings
from videojob_worker.encode.skip_frames import CodedFrame, SkipFrameWriter
from videojob_worker.encode.x264_tuning import hints_for
from videojob_worker.pixels.yuv import Picture
from videojob_worker.timeline.segments import Segment

_PICTURE_TYPES = {
    FrameType.KEY: PictureType.I,
    FrameType.REFERENCE: PictureType.P,
    FrameType.ANCHOR: PictureType.P,
    FrameType.BETWEEN: PictureType.B,
    FrameType.REPEAT: None,
}


class SegmentEncoder:
    """Encodes the frames of one segment, in order, into a packet file; a context manager that frees what it holds.

    Args:
        settings: the output's.
        segment: what will be encoded.
        threads: threads of this encoder.
        path: where the packets are parked.
        on_given: told the number, in the timeline, of each frame that the encoder is given; it looks at many before
            the first is done.
        on_frame: told the number, in the timeline, of each frame that is done.
        stopped: asked before each frame.
    """

    def __init__(
        self,
        settings: VideoSettings,
        segment: Segment,
        threads: int,
        path: Path,
        *,
        on_given: Callable[[int], None],
        on_frame: Callable[[int], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._segment = segment
        self._on_given, self._on_frame, self._stopped = on_given, on_frame, stopped
        self._cuts = settings.cuts(segment.start, segment.frames)
        hints = hints_for(settings, segment)
        self._codes = hints.codes
        self._context = new_encoder(settings, threads, hints)
        self._context.open()
        self._skip_frames = SkipFrameWriter(hints.codes, self._context.extradata or b"") if hints.codes else None
        self._spool = PacketFileWriter(path, segment.start)
        self._given = self._written = 0

    def write(self, picture: Picture, count: int) -> None:
        """Encode a picture that is shown for `count` frames; it may change after the return.

        Raises:
            CancelledError: `stopped` said so.
        """
        # PyAV's view of a buffer takes heights that are no multiple of four for smaller ones.
        wrap = VideoFrame.from_ndarray if self._context.height % 4 else VideoFrame.from_numpy_buffer
        frame = wrap(picture, format="yuv420p")
        frame.color_range = ColorRange.MPEG
        frame.colorspace = Colorspace.ITU709
        frame.color_primaries = ColorPrimaries.BT709
        frame.color_trc = ColorTrc.BT709
        for _ in range(count):
            self._raise_if_stopped()
            kind = self._picture_type()
            self._on_given(self._segment.start + self._given)
            self._given += 1
            if kind is not None:
                frame.pict_type = kind
                frame.pts, frame.time_base = self._written, self._context.time_base
                self._written += 1
                self._encode(frame)

    def close(self) -> PacketFile:
        """Encode what the encoder still holds, and return all packets.

        Raises:
            CancelledError: `stopped` said so.
        """
        self._encode(None)
        if self._skip_frames is not None:
            self._park(self._skip_frames.finish())
        return self._spool.finish(self._context.extradata or b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def _picture_type(self) -> PictureType | None:
        """Return what the next frame has to be for the encoder; None when it is not given to it."""
        if self._codes is not None:
            return _PICTURE_TYPES[self._codes[self._given]]
        return PictureType.I if self._segment.start + self._given in self._cuts else PictureType.NONE

    def _encode(self, frame: VideoFrame | None) -> None:
        for packet in self._context.encode_lazy(frame):
            self._raise_if_stopped()
            self._park([CodedFrame.of(packet)] if self._skip_frames is None else self._skip_frames.insert(packet))

    def _park(self, frames: Iterable[CodedFrame]) -> None:
        for coded in frames:
            self._spool.write(coded.data, coded.pts, coded.dts, is_keyframe=coded.is_keyframe)
            self._on_frame(self._segment.start + coded.pts)

    def _raise_if_stopped(self) -> None:
        if self._stopped():
            raise CancelledError("the render was stopped")

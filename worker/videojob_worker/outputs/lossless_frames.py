"""Pictures that were parked on the disk without loss, read back one by one: what moving pictures are made of."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from av import CodecContext, VideoCodecContext

from videojob_worker.encode.packet_file import PacketFile
from videojob_worker.pixels.yuv import Picture
from videojob_worker.plan.outputs import VideoTrack


@dataclass(frozen=True, slots=True)
class PictureRun:
    """A picture that is shown from one frame up to another."""

    picture: Picture
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LosslessFrames:
    """The pictures of a track; may be read more than once, until it is deleted."""

    track: VideoTrack
    packet_files: Sequence[PacketFile]
    check_cancelled: Callable[[], None]
    """Called for each frame; may raise."""

    def pictures(self) -> Iterator[Picture]:
        """Yield every frame's picture, in order."""
        decoder = CodecContext.create("h264", "r")
        if not isinstance(decoder, VideoCodecContext):
            raise TypeError("h264 is no video")
        decoder.extradata = self.packet_files[0].parameter_sets
        decoder.thread_count = 1
        packets = (
            packet
            for packet_file in self.packet_files
            for packet in packet_file.packets(1 / self.track.settings.fps, keep=True)
        )
        for packet in packets:
            self.check_cancelled()
            for frame in decoder.decode(packet):
                yield np.asarray(frame.to_ndarray(), np.uint8)
        for frame in decoder.decode(None):
            yield np.asarray(frame.to_ndarray(), np.uint8)

    def runs(self, longest: int) -> Iterator[PictureRun]:
        """Yield pictures with the frames for which they do not change, at most `longest` at a time."""
        start = 0
        last: Picture | None = None
        number = 0
        for number, picture in enumerate(self.pictures(), 1):
            at = number - 1
            if last is not None and at - start < longest and np.array_equal(last, picture):
                continue
            if last is not None:
                yield PictureRun(last, start, at)
            start, last = at, picture
        if last is not None:
            yield PictureRun(last, start, number)

    def delete(self) -> None:
        """Delete what was parked."""
        for packet_file in self.packet_files:
            packet_file.path.unlink()

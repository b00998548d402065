"""Finds the frame of a video that is on screen at a time, by time stamps, for times that mostly ascend."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from av.video.frame import VideoFrame

from videojob_worker.media.video.decoder import Decoder
from videojob_worker.media.video.video_info import VideoInfo

Stamped = tuple[int, VideoFrame]
"""A frame and its time stamp in ticks."""

# A file whose index misleads is searched this much further back each time, then from its start.
_STEPS_BACK_S: Final = (0, 2, 10, 40)


class Reader:
    """Reads one video; for one thread, with a decoder of its own.

    Going forward decodes on; going back seeks the keyframe before. Two frames are held.
    """

    def __init__(self, footage: VideoInfo) -> None:
        self._footage = footage
        self._decoder: Decoder | None = None
        self._frames: Iterator[Stamped] = iter(())
        self._shown: Stamped | None = None
        self._next: Stamped | None = None
        self._is_first = False

    def close(self) -> None:
        """Close the file."""
        if self._decoder is not None:
            self._decoder.close()
        self._decoder = self._shown = self._next = None
        self._frames = iter(())

    def at(self, time_s: Fraction, *, just_before: bool = False) -> VideoFrame:
        """Return the frame that is shown at a time, or `just_before` it; at the ends, the first or the last.

        Times are counted from the first picture. The frame is the same object while it is on screen.

        Raises:
            PermanentError: the source is damaged, or ends before it says.
        """
        if self._shown is None or (self._is_after(self._shown, time_s, just_before=just_before) and not self._is_first):
            self._go_to(time_s, just_before=just_before)
        while self._next is not None and not self._is_after(self._next, time_s, just_before=just_before):
            self._step()
        if self._next is None:
            self._check_end(time_s)
        if self._shown is None:
            raise AssertionError("a reader went to no frame")
        return self._shown[1]

    def _is_after(self, stamped: Stamped, time_s: Fraction, *, just_before: bool) -> bool:
        shown_s = self._footage.time_s(stamped[0])
        return shown_s >= time_s if just_before else shown_s > time_s

    def _go_to(self, time_s: Fraction, *, just_before: bool) -> None:
        footage = self._footage
        for step_s in _STEPS_BACK_S:
            target = footage.first_pts + int((time_s - step_s) / footage.tick_s)
            if target <= footage.first_pts or not footage.is_seekable:
                break
            if self._decoder is None:
                self._decoder = Decoder(footage.source)
            self._decoder.seek(target)
            self._start(self._decoder.frames())
            if self._shown is not None and not self._is_after(self._shown, time_s, just_before=just_before):
                return
        # Opened anew, because not every demuxer finds back to the first frame of a file.
        self.close()
        self._decoder = Decoder(footage.source)
        self._start(self._decoder.frames())
        self._is_first = True
        if self._shown is None:
            raise footage.source.error("is a damaged video: not one of its frames can be decoded")

    def _start(self, frames: Iterator[Stamped]) -> None:
        self._is_first = False
        self._frames = frames
        self._shown = next(self._frames, None)
        self._next = next(self._frames, None)

    def _step(self) -> None:
        self._shown, self._next = self._next, next(self._frames, None)
        self._is_first = False

    def _check_end(self, time_s: Fraction) -> None:
        """Refuse a video that ends long before it says, when a picture of what is missing is asked for."""
        footage = self._footage
        if self._shown is None:
            return
        pts, frame = self._shown
        lasts = frame.duration or (footage.period_s or 0) / footage.tick_s
        end_s = footage.time_s(pts) + lasts * footage.tick_s
        period_s = footage.period_s or Fraction(1, 10)
        if time_s >= end_s + period_s and footage.end_s - end_s > max(2 * period_s, Fraction(1, 10)):
            found, expected = round(end_s / period_s), round(footage.end_s / period_s)
            footage.source.conceal(
                f"is cut short: it says that it lasts {float(footage.end_s):.2f}s, and its pictures end at "
                f"{float(end_s):.2f}s (about {found} of {expected} frames)",
                float(1 - end_s / footage.end_s),
            )

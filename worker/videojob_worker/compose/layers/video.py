"""A video clip, frame by frame: what is on screen in the source at each frame's time, fitted to the canvas."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import numpy as np
from av.error import FFmpegError

from videojob_contract.resources.timeline import Anchor, Fit
from videojob_contract.semantics.lengths import speed_of
from videojob_worker.media.probe import check_stretch, footage_of, video_end_s
from videojob_worker.media.video.reader import Reader
from videojob_worker.pixels.frames import CanvasConverter, FilterChain, Rgba, rows_of
from videojob_worker.pixels.place import WHOLE, Place, place
from videojob_worker.pixels.yuv import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.video.frame import VideoFrame

    from videojob_contract.resources.timeline import Video
    from videojob_worker.canvas import Canvas
    from videojob_worker.media.files.source import Source
    from videojob_worker.media.probe import ProbedSource
    from videojob_worker.media.video.frame_shape import FrameShape, Stored
    from videojob_worker.media.video.video_info import VideoInfo

_HELD_BYTES: Final = 64 * 1024**2
"""Most memory for pictures that are shown in the reverse of the order in which they are decoded."""

Drawn = TypeVar("Drawn", Picture, Rgba)


class VideoLayer:
    """The pictures of a video clip.

    Args:
        source: the video.
        probed: what was found out about it.
        video: which stretch of it plays, and how.
        canvas: what it is drawn on.
        fit: how it fills the canvas.
        anchor: which part stays when it is cropped.
        frames: how many frames of the timeline the clip lasts.
        fps: of the timeline.

    Raises:
        PermanentError: the stretch is not within the source.
    """

    def __init__(
        self,
        source: Source,
        probed: ProbedSource,
        video: Video,
        canvas: Canvas,
        *,
        fit: Fit,
        anchor: Anchor,
        frames: int,
        fps: Fraction,
    ) -> None:
        check_stretch(source, video, probed, frames / fps, 1 / fps)
        self._footage = replace(footage_of(probed), source=source)
        self._times = Times(video_end_s(video, probed), video, fps)
        self._canvas, self._fit, self._anchor = canvas, fit, anchor

    def pictures(self, first: int, count: int) -> Iterator[Picture]:
        """Yield the pictures of the clip's frames from `first` on.

        Raises:
            PermanentError: the source is damaged or ends too early.
        """
        size = self._canvas.size
        held = max(2, _HELD_BYTES // (size[0] * size[1] * 3 // 2))
        drawers = _ByShape(self._footage.shape, self._drawer)
        yield from Player(self._footage, self._times, drawers.draw, held).play(first, count)

    def _drawer(self, stored: Stored) -> Callable[[VideoFrame], Picture]:
        shape = self._footage.shape
        return CanvasConverter(
            shape.size_of(stored),
            self._canvas.size,
            turn=shape.turn,
            fit=self._fit,
            anchor=self._anchor,
            background=self._canvas.background,
            has_alpha=self._footage.has_alpha,
            crop=shape.crop_of(stored),
        ).draw

    def close(self) -> None:
        """Nothing is held: each iterator has a decoder of its own, and closes it."""


class VideoSprite:
    """The pictures of a video overlay as `(height, width, 4) uint8` RGBA, not multiplied by opacity."""

    def __init__(
        self, source: Source, probed: ProbedSource, video: Video, *, size: tuple[int, int], frames: int, fps: Fraction
    ) -> None:
        check_stretch(source, video, probed, frames / fps, 1 / fps)
        self._footage = replace(footage_of(probed), source=source)
        self._times = Times(video_end_s(video, probed), video, fps)
        self._size = size

    def pictures(self, first: int, count: int) -> Iterator[Rgba]:
        """Yield the pictures of the overlay's frames from `first` on; each is valid until the next is asked for.

        Raises:
            PermanentError: the source is damaged or ends too early.
        """
        held = max(2, _HELD_BYTES // (self._size[0] * self._size[1] * 4))
        drawers = _ByShape(self._footage.shape, self._drawer)
        yield from Player(self._footage, self._times, drawers.draw, held).play(first, count)

    def _drawer(self, stored: Stored) -> Callable[[VideoFrame], Rgba]:
        shape, (width, height) = self._footage.shape, self._size
        # In the room that the first frames have; what others leave of it is clear.
        where = Place(WHOLE, 0, 0, width, height)
        if shape.size_of(stored) != shape.size_of(shape.stored):
            where = place(shape.size_of(stored), self._size, Fit.CONTAIN, Anchor.CENTER)
        chain = FilterChain(shape.turn, where, "rgba", shape.crop_of(stored))
        if (where.width, where.height) == self._size:
            return lambda frame: rgba_of(chain.convert(frame))
        room = slice(where.top, where.top + where.height), slice(where.left, where.left + where.width)

        def draw(frame: VideoFrame) -> Rgba:
            drawn = np.zeros((height, width, 4), np.uint8)
            drawn[room] = rgba_of(chain.convert(frame))
            return drawn

        return draw

    def close(self) -> None:
        """Nothing is held."""


class _ByShape(Generic[Drawn]):
    """Draws frames as `drawer` makes it for how they are stored, which seldom changes."""

    def __init__(self, shape: FrameShape, drawer: Callable[[Stored], Callable[[VideoFrame], Drawn]]) -> None:
        self._shape = shape
        self._drawer = drawer
        self._stored: Stored | None = None
        self._draw: Callable[[VideoFrame], Drawn] | None = None

    def draw(self, frame: VideoFrame) -> Drawn:
        stored = self._shape.stored_as(frame)
        if self._draw is None or stored != self._stored:
            self._draw, self._stored = self._drawer(stored), stored
        return self._draw(frame)


class Times:
    """When in the source each frame of a clip is, in seconds from its first picture."""

    def __init__(self, end_s: Fraction, video: Video, fps: Fraction) -> None:
        self._start_s = video.from_ or Fraction(0)
        self._end_s = end_s if video.to is None else video.to
        self._step_s = speed_of(video) / fps
        self._loops = video.loop
        self.is_reverse = video.reverse

    def of(self, frame: int) -> Fraction:
        """Return the time of a frame; played in reverse, what is shown is just before it."""
        passed_s = frame * self._step_s
        if self._loops:
            passed_s %= self._end_s - self._start_s
        return self._end_s - passed_s if self.is_reverse else self._start_s + passed_s


class Player(Generic[Drawn]):
    """Plays one stretch of a video once: frames are decoded in order and drawn when another is on screen."""

    def __init__(self, footage: VideoInfo, times: Times, draw: Callable[[VideoFrame], Drawn], held: int) -> None:
        self._source = footage.source
        self._reader = Reader(footage)
        self._times = times
        self._draw = draw
        self._held = held
        self._frame: VideoFrame | None = None
        self._picture: Drawn | None = None

    def play(self, first: int, count: int) -> Iterator[Drawn]:
        """Yield the picture of each frame; each is valid until the next is asked for."""
        frames = range(first, first + count)
        try:
            yield from self._backwards(frames) if self._times.is_reverse else map(self._at, frames)
        finally:
            self._reader.close()

    def _backwards(self, frames: range) -> Iterator[Drawn]:
        """Decode forward a stretch of as many pictures as may be held, show it in reverse, go on before it."""
        for start in range(frames.start, frames.stop, self._held):
            stretch = frames[start - frames.start :][: self._held]
            # Where a loop starts over, time jumps: sorted, it ascends all the same.
            pictures = {}
            for frame in sorted(stretch, key=self._times.of):
                pictures[frame] = np.copy(self._at(frame))
            for frame in stretch:
                yield pictures.pop(frame)

    def _at(self, number: int) -> Drawn:
        frame = self._reader.at(self._times.of(number), just_before=self._times.is_reverse)
        if self._picture is None or frame is not self._frame:
            try:
                self._frame, self._picture = frame, self._draw(frame)
            except MemoryError:
                raise
            except FFmpegError as error:
                raise self._source.error(
                    f"has pictures of {frame.format.name} that cannot be converted: {error.strerror}"
                ) from error
        return self._picture


def rgba_of(frame: VideoFrame) -> Rgba:
    """View a frame of `rgba` as `(height, width, 4) uint8`."""
    return rows_of(frame.planes[0])[:, : frame.width * 4].reshape(-1, frame.width, 4)

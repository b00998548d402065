"""Pictures in the sizes of outputs, by libswscale: each picture is scaled once for all outputs of a size."""

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from videojob_worker.pixels.yuv import Picture


class Scaler:
    """Scales one picture after the other; for one thread.

    Args:
        canvas: width and height of the pictures that come, in pixels.
    """

    def __init__(self, canvas: tuple[int, int]) -> None:
        self._canvas = canvas
        self._reformatters: dict[tuple[int, int], VideoReformatter] = {}
        self._scaled: dict[tuple[int, int], Picture] = {}
        self._picture: Picture | None = None

    def show(self, picture: Picture) -> None:
        """Begin with the next picture."""
        self._picture = picture
        self._scaled.clear()

    def at(self, size: tuple[int, int]) -> Picture:
        """Return the picture of `show` in a size, in pixels; the picture itself in its own."""
        if self._picture is None:
            raise AssertionError("there is no picture yet")
        if size == self._canvas:
            return self._picture
        if size not in self._scaled:
            frame = VideoFrame.from_ndarray(self._picture, format="yuv420p")
            reformatter = self._reformatters.setdefault(size, VideoReformatter())
            scaled = reformatter.reformat(
                frame,
                *size,
                format="yuv420p",
                src_colorspace=Colorspace.ITU709,
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.MPEG,
                dst_color_range=ColorRange.MPEG,
                interpolation=Interpolation.LANCZOS,
                threads=1,
            )
            self._scaled[size] = np.asarray(scaled.to_ndarray(), np.uint8)
        return self._scaled[size]

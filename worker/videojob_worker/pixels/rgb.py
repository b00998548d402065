"""Whole pictures to RGB and back, exactly and quickly: for what works in RGB, frame after frame.

libswscale does it, with chroma sited as it is here, in a fifth of the time that Pillow takes.
"""

from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt
from av import VideoFrame
from av.filter import Graph

from videojob_worker.pixels.frames import rows_of
from videojob_worker.pixels.scaling import scaling_graph
from videojob_worker.pixels.yuv import Picture, planes

Rgb = npt.NDArray[np.uint8]

_EXACT: Final = "flags=bicubic+accurate_rnd+full_chroma_int"


class Converter:
    """Converts pictures of one size; for one thread."""

    def __init__(self, width: int, height: int) -> None:
        self._to_rgb = scaling_graph(
            (width, height),
            "pix_fmt=yuv420p:colorspace=bt709:range=tv",
            f"{_EXACT}:in_color_matrix=bt709:in_range=limited:in_chroma_loc=left",
            "rgb24",
        )
        self._to_picture = scaling_graph(
            (width, height),
            "pix_fmt=rgb24",
            f"{_EXACT}:out_color_matrix=bt709:out_range=limited:out_chroma_loc=left",
            "yuv420p",
        )
        self._count = 0

    def to_rgb(self, picture: Picture) -> Rgb:
        """Convert to sRGB, `(height, width, 3) uint8`."""
        made = self._run(self._to_rgb, VideoFrame.from_ndarray(picture, format="yuv420p"))
        return rows_of(made.planes[0])[:, : made.width * 3].reshape(made.height, made.width, 3)

    def to_picture(self, rgb: Rgb, out: Picture) -> None:
        """Convert sRGB, `(height, width, 3) uint8`."""
        made = self._run(self._to_picture, VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"))
        for plane, written in zip(made.planes, planes(out), strict=True):
            written[...] = rows_of(plane)[:, : plane.width]

    def _run(self, graph: Graph, frame: VideoFrame) -> VideoFrame:
        frame.pts, frame.time_base = self._count, Fraction(1)
        self._count += 1
        graph.vpush(frame)
        return graph.vpull()

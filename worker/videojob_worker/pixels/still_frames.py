"""From a decoded frame of a still picture to R'G'B' of 8 bits, exactly as large, with chroma at full precision."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np
from av.filter import Graph
from PIL import Image

from videojob_worker.pixels.coded_colors import luma_weights
from videojob_worker.pixels.colorspace import BY_PRIMARIES, grey_in_full, nearest_matrix
from videojob_worker.pixels.scaling import scaling_graph

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_EXACT: Final = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
# Rec. ITU-T H.273, table 4, as libswscale's filter names them. What is unsaid is BT.601, as MIAF says (7.3.6.4).
_MATRICES: Final = {1: "bt709", 2: "bt601", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020"}
_IDENTITY: Final = 0


def is_known_matrix(matrix: int) -> bool:
    """Tell whether pictures with such matrix coefficients (Rec. ITU-T H.273, table 4) can be converted."""
    return matrix in _MATRICES or matrix in {_IDENTITY, BY_PRIMARIES}


class StillConverter:
    """Converts frames of one size and format, such as the tiles of a picture.

    Args:
        matrix: the matrix coefficients of their colours, one of the known.
        primaries: their colour primaries, which one of these depends on.
        is_full: whether their range is full.
    """

    def __init__(self, matrix: int, primaries: int, *, is_full: bool) -> None:
        self._is_full = is_full
        self._correction: tuple[float, ...] | None = None
        if matrix == BY_PRIMARIES:
            matrix = nearest_matrix(primaries)
            self._correction = _correction(primaries, matrix)
        self._matrix = matrix
        self._read = f":in_color_matrix={_MATRICES.get(matrix, 'bt601')}:in_range={'full' if is_full else 'limited'}"
        self._key: tuple[object, ...] = ()
        self._graph = Graph()
        self._count = 0

    def to_rgb(self, frame: VideoFrame) -> Image.Image:
        """Return a frame as an RGB image, whose numbers mean what the frame's primaries and transfer say."""
        if self._correction is not None:
            frame.colorspace = self._matrix  # libswscale takes no frame that says what it does not know
        key = (frame.width, frame.height, frame.format.name)
        if key != self._key:
            self._graph, self._key = self._build(frame), key
        frame.pts, frame.time_base = self._count, Fraction(1)
        self._count += 1
        self._graph.vpush(frame)
        image = Image.fromarray(np.ascontiguousarray(self._graph.vpull().to_ndarray()))
        return image if self._correction is None else image.convert("RGB", self._correction)

    def _build(self, frame: VideoFrame) -> Graph:
        given = f"pix_fmt={frame.format.name}:colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"
        read = "" if frame.format.is_rgb else self._read
        is_limited_grey = frame.format.name.startswith("gray") and not self._is_full
        first = [grey_in_full(frame.format)] if is_limited_grey else []
        return scaling_graph((frame.width, frame.height), given, f"{_EXACT}{read}", "rgb24", first=first)


def _correction(primaries: int, taken: int) -> tuple[float, ...]:
    """Return what brings R'G'B' by the matrix of primaries `taken` to that of others, as rows of 3 and an offset."""
    matrix = _from_differences(primaries) @ np.linalg.inv(_from_differences(taken))
    return tuple(float(value) for row in matrix for value in (*row, 0))


def _from_differences(primaries: int) -> np.ndarray:
    """Return the matrix from Y'CbCr to R'G'B' (Rec. ITU-T H.273, equations 32 to 46)."""
    red, green, blue = luma_weights(primaries)
    cr, cb = 2 * (1 - red), 2 * (1 - blue)
    return np.array(((1, 0, cr), (1, -cb * blue / green, -cr * red / green), (1, cb, 0)))

"""Looks at a part of a picture through the canvas: to a fraction of a pixel, and smooth when it gets smaller.

The edges of the part fall between pixels, so slow motion does not jump from pixel to pixel. Luma is sampled by cubic
convolution and chroma linearly, each on its own plane (a plane of chroma stands a quarter of a pixel of luma beside the
middle of its own pixels), so nothing is converted.
"""

from typing import Final

import numpy as np
from PIL import Image

from videojob_worker.compose.color import Picture, planes
from videojob_worker.compose.fit import Box

_EDGE: Final = 4
"""Columns of chroma that are repeated beyond its edges, for windows that begin or end a little beyond them."""


class Window:
    """A picture made ready to be looked at, by several threads at once."""

    def __init__(self, picture: Picture) -> None:
        """Hold a picture of any size; it is copied only in part, so it must not change."""
        luma, cb, cr = planes(picture)
        self._luma = Image.fromarray(luma)
        self._chroma = [Image.fromarray(np.pad(plane, ((0, 0), (_EDGE, _EDGE)), "edge")) for plane in (cb, cr)]

    def look(self, box: Box, out: Picture) -> None:
        """Write what is seen of a box, in pixels of luma and within the picture, as large as `out`."""
        luma, cb, cr = planes(out)
        size = (luma.shape[1], luma.shape[0])
        left, top, right, bottom = box
        seen = self._luma.resize(size, Image.Resampling.BICUBIC, box=box)
        luma[...] = np.asarray(seen)
        # A sample of chroma stands on the left one of its two columns of luma, so where the window is wider or narrower
        # than the canvas, its grid lies beside that of chroma.
        shift = _EDGE + (1 - (right - left) / size[0]) / 4
        half = (max(0.0, left / 2 + shift), top / 2, right / 2 + shift, bottom / 2)
        for plane, written in zip(self._chroma, (cb, cr), strict=True):
            shown = plane.resize((size[0] // 2, size[1] // 2), Image.Resampling.BILINEAR, box=half)
            written[...] = np.asarray(shown)

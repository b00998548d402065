"""Looks at a part of a picture through the canvas: to a fraction of a pixel, and smooth when it gets smaller.

The edges of the part fall between pixels, so slow motion does not jump from pixel to pixel. Luma is sampled by cubic
convolution and chroma linearly, each on its own plane (a plane of chroma stands a quarter of a pixel of luma beside the
middle of its own pixels), so nothing is converted.
"""

from videojob_worker.pixels.fit import Box
from videojob_worker.pixels.sampling import Kernel, Plane
from videojob_worker.pixels.yuv import Picture, planes


class Window:
    """A picture made ready to be looked at, by several threads at once."""

    def __init__(self, picture: Picture) -> None:
        """Copy a picture of any size."""
        luma, *chroma = planes(picture)
        self._luma = Plane(luma, Kernel.CUBIC)
        self._chroma = [Plane(plane, Kernel.LINEAR) for plane in chroma]

    def view(self, box: Box, out: Picture) -> None:
        """Write what is seen of a box, in pixels of luma and within the picture, as large as `out`."""
        luma, *chroma = planes(out)
        self._luma.sample(box, luma)
        # A sample of chroma stands on the left one of its two columns of luma, so where the window is wider or narrower
        # than the canvas, its grid lies beside that of chroma.
        left, top, right, bottom = box
        shift = (1 - (right - left) / luma.shape[1]) / 4
        half = (left / 2 + shift, top / 2, right / 2 + shift, bottom / 2)
        for plane, written in zip(self._chroma, chroma, strict=True):
            plane.sample(half, written)

"""Decodes animated pictures frame by frame, each composed as its format says of those before it."""

from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate

from PIL import Image, ImageFile

from videojob_worker.media.image import open_picture, orientation_of, source_errors, upright_srgb
from videojob_worker.media.source import Source


class Animation:
    """The frames of an animated picture, which starts over for ever; for one thread, one frame in memory."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._image: ImageFile.ImageFile | None = None
        image, times = open_picture(source)
        image.close()
        self._ends = list(accumulate(times or (Fraction(1),)))

    @property
    def frames(self) -> int:
        """How many frames there are before it starts over."""
        return len(self._ends)

    def number_at(self, time_s: Fraction) -> int:
        """Return the number of the frame that is shown at a time."""
        return bisect_right(self._ends, time_s % self._ends[-1])

    def frame(self, number: int) -> Image.Image:
        """Decode a frame, upright, in RGB or RGBA, sRGB; quick when numbers ascend.

        Raises:
            PermanentError: the file is damaged.
        """
        image = self._image
        if image is None:
            image, _ = open_picture(self._source)
            self._image = image
        with source_errors(self._source, image):
            # The still picture that an animated PNG may carry for programs that do not know better.
            image.seek(number + bool(image.info.get("default_image")))
            image.load()
            return upright_srgb(image, orientation_of(image))

    def close(self) -> None:
        """Close the file."""
        if self._image is not None:
            self._image.close()
            self._image = None

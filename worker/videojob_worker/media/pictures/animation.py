"""Decodes animated pictures frame by frame, each composed as its format says of those before it."""

from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate

from PIL import Image

from videojob_worker.media.files.sniff import file_kind
from videojob_worker.media.files.source import Source
from videojob_worker.media.pictures.image import open_picture
from videojob_worker.media.pictures.picture_errors import source_errors


class Animation:
    """The frames of an animated picture, which starts over for ever; for one thread, one frame in memory."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._picture = open_picture(source, file_kind(source.path))
        self._composed = self._picture.composed()
        self._ends = list(accumulate(self._picture.frame_times_s or (Fraction(1),)))

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
        picture = self._picture
        with source_errors(self._source, picture.kind):
            if self._composed is not None:
                return picture.frame(self._composed, number)
            picture.image.seek(number)
            picture.image.load()
            return picture.decoded(picture.image.size)

    def close(self) -> None:
        """Close the file; no frame can be decoded any more."""
        self._picture.image.close()

"""What a picture file is made of, before anything is decoded: what its decoder is given, and what it need not see."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from videojob_contract.errors import Reason
from videojob_worker.media.files.source import Source
from videojob_worker.media.files.spliced_file import Part
from videojob_worker.media.pictures.composed_frames import FramePart
from videojob_worker.media.pictures.decoding_memory import DecodingMemory
from videojob_worker.pixels.coded_colors import CodedColors

MAX_METADATA_BYTES: Final = 64 * 1024**2
"""Largest EXIF, XMP, profiles, texts and thumbnails of a picture, together."""
MAX_FRAMES: Final = 20_000
"""Most frames of an animation."""
MAX_PARTS: Final = 100_000
"""Most parts of a file between which something is left out."""


@dataclass(frozen=True, slots=True)
class PictureLayout:
    """The parts of a picture file."""

    parts: tuple[Part, ...]
    """What its decoder is given."""
    frame_times_s: tuple[Fraction, ...] = ()
    """How long each frame of an animation lasts."""
    frames: tuple[FramePart, ...] = ()
    """Of a GIF or PNG: what is drawn one after the other."""
    exif: bytes = b""
    profile: bytes = b""
    """An ICC profile."""
    colors: CodedColors | None = None
    """What its numbers mean, where that is told by code points or chromaticities, and holds before a profile."""
    is_cut_off: bool = False
    """Whether it ends before its end is marked."""
    coefficients: float = 0
    """Samples of a pixel that are held until all of it is read: those of a progressive JPEG."""


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What the header of a picture says."""

    width: int
    """Upright."""
    height: int
    has_alpha: bool
    frame_times_s: tuple[Fraction, ...]
    """How long each frame of an animation lasts; empty for a still picture."""
    decoding: DecodingMemory


class Bounds:
    """Counts what a file has, and refuses what is too much."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._metadata = self._parts = self._frames = 0

    def add(self, *, metadata: int = 0, frames: int = 0, parts: int = 1) -> None:
        """Count so many bytes of metadata, frames and parts more.

        Raises:
            PermanentError: there are too many.
        """
        self._metadata += metadata
        self._frames += frames
        self._parts += parts
        if self._metadata > MAX_METADATA_BYTES:
            raise self._too_many(f"{MAX_METADATA_BYTES // 1024**2} MiB of metadata")
        if self._frames > MAX_FRAMES:
            raise self._too_many(f"{MAX_FRAMES:,} frames")
        if self._parts > MAX_PARTS:
            raise self._too_many(f"{MAX_PARTS:,} parts")

    def _too_many(self, most: str) -> Exception:
        return self._source.error(f"has more than {most}", Reason.SOURCE_TOO_LARGE)

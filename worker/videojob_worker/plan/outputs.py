"""What each output is made of, resolved before any frame: its streams, their sizes and rates, and its files."""

from dataclasses import dataclass
from pathlib import Path

from videojob_contract.resources.outputs import Output
from videojob_worker.encode.copy import CopiedPictures, CopiedSound
from videojob_worker.encode.settings import AudioSettings, VideoSettings
from videojob_worker.timeline.rate import Rate


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """One stream of pictures that is encoded."""

    name: str
    """Unique in the job; names its scratch files."""
    settings: VideoSettings
    rate: Rate
    copied: CopiedPictures | None = None
    """What is taken from the sources as it is; None where the pictures are encoded."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        return self.settings.width, self.settings.height

    @property
    def cost(self) -> float:
        """Of a frame of the canvas, against x264 at the canvas' own size and rate, but for the size of a picture."""
        return self.settings.cost * float(self.settings.fps / self.rate.timeline.fps)


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    """One output: what is encoded for it, and where it is put together."""

    field: str
    """Where it is in the spec."""
    spec: Output
    path: Path
    """Its main file, in the scratch folder, named as it will be published where other files name it."""
    size: tuple[int, int] | None
    """Width and height in pixels: of the largest rendition, of the poster, of a thumbnail; None of sound alone."""
    tracks: tuple[VideoTrack, ...]
    """Its streams of pictures; none of a poster, a sprite or sound."""
    sound: AudioSettings | None
    """How the job's sound is in it; None where it never is."""
    note: str | None = None
    """What the user should know of how it is made."""
    may_be_copied: bool = False
    """Whether its pictures may be those of the sources, as they are."""
    not_copied: str | None = None
    """Why its pictures are encoded and not copied, where they might be."""
    copied_sound: CopiedSound | None = None
    """What is taken of a source's sound as it is; None where the sound is mixed and encoded."""

    @property
    def name(self) -> str:
        """As the spec has it."""
        return self.spec.name

    @property
    def picture_size(self) -> tuple[int, int]:
        """Its size, of an output that has pictures."""
        if self.size is None:
            raise AssertionError(f"{self.field}: it has no pictures")
        return self.size

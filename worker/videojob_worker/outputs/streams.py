"""What an output is put together from, once all has been encoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from videojob_worker.encode.packet_file import Spool
from videojob_worker.encode.sound import SoundSpool
from videojob_worker.encode.subtitles import SoftSubtitles


@dataclass(frozen=True, slots=True)
class Encoded:
    """The streams of one output."""

    spools: Mapping[str, Sequence[Spool]]
    """The pictures of each encoded track, by its name."""
    sound: SoundSpool | None
    subtitles: SoftSubtitles | None

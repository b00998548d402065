"""What an output is put together from, once all has been encoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from videojob_worker.encode.packet_file import PacketFile
from videojob_worker.encode.sound import SoundPacketFile
from videojob_worker.encode.subtitles import SoftSubtitles


@dataclass(frozen=True, slots=True)
class EncodedStreams:
    """The streams of one output."""

    packet_files: Mapping[str, Sequence[PacketFile]]
    """The pictures of each encoded track, by its name."""
    sound: SoundPacketFile | None
    subtitles: SoftSubtitles | None

"""Writes playlists as RFC 8216 has them; CMAF segments need version 7."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil


@dataclass(frozen=True, slots=True)
class PlaylistEntry:
    """A segment in a playlist."""

    name: str
    duration_s: Fraction
    size: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream with its segments; rates are measured, not planned."""

    uri: str
    codec: str
    entries: Sequence[PlaylistEntry]

    @property
    def peak(self) -> int:
        """The highest bits a second of a segment."""
        return max(ceil(8 * entry.size / entry.duration_s) for entry in self.entries)

    @property
    def mean(self) -> int:
        """The mean bits a second."""
        total_s = sum((entry.duration_s for entry in self.entries), Fraction(0))
        return ceil(8 * sum(entry.size for entry in self.entries) / total_s)


@dataclass(frozen=True, slots=True)
class Variant:
    """A stream of pictures."""

    stream: Stream
    size: tuple[int, int]
    fps: Fraction


def media_playlist(init: str | None, entries: Sequence[PlaylistEntry]) -> str:
    """Write the playlist of one stream."""
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        # Durations that round to it are allowed.
        f"#EXT-X-TARGETDURATION:{max(1, *(round(entry.duration_s) for entry in entries), 1)}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    if init is not None:
        lines.append(f'#EXT-X-MAP:URI="{init}"')
    for entry in entries:
        lines += [f"#EXTINF:{float(entry.duration_s):.6f},", entry.name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


@dataclass(frozen=True, slots=True)
class Text:
    """A stream of subtitles."""

    uri: str
    language: str | None


def master_playlist(variants: Sequence[Variant], sound: Stream | None, text: Text | None = None) -> str:
    """Write the playlist of all streams."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if sound is not None:
        lines.append(
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,'
            f'CHANNELS="2",URI="{sound.uri}"'
        )
    if text is not None:
        language = f'LANGUAGE="{text.language}",' if text.language is not None else ""
        lines.append(
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="subtitles",{language}AUTOSELECT=YES,'
            f'URI="{text.uri}"'
        )
    for variant in variants:
        streams = [variant.stream, *([sound] if sound is not None else [])]
        attributes = [
            f"BANDWIDTH={sum(stream.peak for stream in streams)}",
            f"AVERAGE-BANDWIDTH={sum(stream.mean for stream in streams)}",
            f"RESOLUTION={variant.size[0]}x{variant.size[1]}",
            f"FRAME-RATE={float(variant.fps):.3f}",
            f'CODECS="{",".join(stream.codec for stream in streams)}"',
        ]
        if sound is not None:
            attributes.append('AUDIO="audio"')
        if text is not None:
            attributes.append('SUBTITLES="subtitles"')
        lines += [f"#EXT-X-STREAM-INF:{','.join(attributes)}", variant.stream.uri]
    return "\n".join([*lines, ""])

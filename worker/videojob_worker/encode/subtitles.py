"""Subtitles as a track that players can switch: plain text with its times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from av import Packet
from av.subtitles.codeccontext import SubtitleCodecContext

from videojob_worker.text.cues import Cue

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.stream import Stream

_MILLISECOND = Fraction(1, 1000)
# libav's encoders of text want a script's header; all that is in it has defaults.
_HEADER = b"[Script Info]\n"
SUBTITLE_CODECS = {"mp4": "mov_text", "webm": "webvtt"}
"""libav's name of the codec, by the format."""
_LENGTH_BYTES = 2
"""Of a text in an mp4, before it (3GPP TS 26.245, 5.17)."""
_MOST_BYTES = (1 << 16) - 1


@dataclass(frozen=True, slots=True)
class TimedText:
    """What is shown from one moment up to another, in milliseconds."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class SoftSubtitles:
    """A track of text; no two of its lines are shown at the same time."""

    lines: Sequence[TimedText]
    language: str | None
    """Three letters, as ISO 639-2 has them."""

    def add_to(self, out: "OutputContainer") -> "Stream":
        """Add the stream that `packets` are of."""
        stream = out.add_stream(SUBTITLE_CODECS[out.format.name])
        if not isinstance(stream.codec_context, SubtitleCodecContext):
            raise TypeError("text is no subtitle")
        stream.codec_context.subtitle_header = _HEADER
        stream.time_base = _MILLISECOND
        if self.language is not None:
            stream.metadata["language"] = self.language
        return stream

    def packets(self, stream: "Stream") -> Iterator["Packet[Stream]"]:
        """Yield the packets for a stream."""
        counted = stream.codec_context.name == SUBTITLE_CODECS["mp4"]
        for line in self.lines:
            packet = Packet(_counted(line.text) if counted else escape(line.text, quote=False).encode())
            packet.time_base = _MILLISECOND
            packet.pts = packet.dts = line.start_ms
            packet.duration = line.end_ms - line.start_ms
            packet.is_keyframe = True
            packet.stream = stream
            yield packet


def _counted(text: str) -> bytes:
    data = text.encode()[:_MOST_BYTES].decode(errors="ignore").encode()
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def soft_subtitles(cues: Sequence[Cue], language: str | None, length_s: Fraction) -> SoftSubtitles:
    """Make a track of cues, which may overlap: what is shown at the same time is one text, line below line."""
    end_ms = int(length_s * 1000)
    changes: list[tuple[int, int, int]] = []  # when, +1 or -1, which cue
    for number, cue in enumerate(cues):
        if cue.start_ms < min(cue.end_ms, end_ms):
            changes += [(cue.start_ms, 1, number), (min(cue.end_ms, end_ms), -1, number)]
    changes.sort()
    moments = sorted({at for at, _, _ in changes})
    lines: list[TimedText] = []
    active: set[int] = set()
    rest = iter([*changes, (end_ms + 1, 0, -1)])
    at, step, number = next(rest)
    for start, end in pairwise(moments):
        while at <= start:
            (active.add if step > 0 else active.discard)(number)
            at, step, number = next(rest)
        text = "\n".join(cues[each].text for each in sorted(active)).strip()
        if text:
            lines.append(TimedText(start, end, text))
    return SoftSubtitles(lines, language)

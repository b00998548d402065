"""Subtitles of an HLS output: WebVTT segments, cut as those of the pictures are; a cue is in all that it is seen in."""

from collections.abc import Iterator
from fractions import Fraction
from html import escape
from pathlib import Path

from videojob_worker.encode.subtitles import SoftSubtitles, TimedText
from videojob_worker.outputs.hls.playlist import PlaylistEntry
from videojob_worker.outputs.times import timestamp

NAME = "subtitles"


def write_text(folder: Path, subtitles: SoftSubtitles, cut_s: Fraction, length_s: Fraction) -> list[PlaylistEntry]:
    """Write the segments, and return what the playlist says of them."""
    entries = []
    for number, (start_s, end_s) in enumerate(_cuts(cut_s, length_s)):
        path = folder / f"{NAME}-{number:05}.vtt"
        seen = (line for line in subtitles.lines if line.start_ms < end_s * 1000 and line.end_ms > start_s * 1000)
        path.write_text("\n".join(["WEBVTT", "", *map(_cue, seen)]))
        entries.append(PlaylistEntry(path.name, end_s - start_s, path.stat().st_size))
    return entries


def _cuts(cut_s: Fraction, length_s: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
    start_s = Fraction(0)
    while start_s < length_s:
        yield start_s, min(start_s + cut_s, length_s)
        start_s += cut_s


def _cue(line: TimedText) -> str:
    start, end = (timestamp(Fraction(ms, 1000)) for ms in (line.start_ms, line.end_ms))
    return f"{start} --> {end}\n{escape(line.text, quote=False)}\n"

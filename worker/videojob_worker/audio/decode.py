"""Decodes what a track needs of a sound file to raw samples in a scratch file: 48 kHz, stereo, float32.

On disk, so that memory does not grow with the length of the music, and read back by position, so that cutting
and looping are exact to the sample. The demuxer is named from an allow list by the file's content, and only
local files can be opened: a playlist in disguise opens nothing.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.error import FFmpegError

from videojob_contract.errors import CancelledError, Reason
from videojob_worker.audio.complete import is_cut_off, tells_length
from videojob_worker.audio.track import Samples, to_samples
from videojob_worker.media.sniff import describe, kind_of
from videojob_worker.media.source import Source
from videojob_worker.plan.timeline import SAMPLE_RATE

_DEMUXERS: Final = {
    "MP3": "mp3",
    "MP4": "mov",
    "WAV": "wav",
    "FLAC": "flac",
    "Ogg": "ogg",
    "Matroska": "matroska",
}
_OPTIONS: Final = {"protocol_whitelist": "file"}
_KINDS_IN_WORDS: Final = "an MP3, M4A, WAV, FLAC, Ogg or Matroska sound file"
# Containers round their durations and encoders pad; what is missing beyond this was cut off.
_MISSING_S: Final = Fraction(1, 5)
_CHANNELS: Final = 2
_TAGGED: Final = re.compile(r"(\d{1,6}):(\d\d):(\d\d(?:\.\d{1,9})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Raw samples in a scratch file."""

    path: Path
    samples: int

    def open(self) -> npt.NDArray[np.float32]:
        """Map the file as `(samples, 2) float32`."""
        return np.memmap(self.path, np.float32, "r", shape=(self.samples, _CHANNELS))


def check_audio(source: Source) -> Fraction | None:
    """Open a sound file and return the length in seconds that it claims, if it does.

    Raises:
        PermanentError: not a kind that is read here, damaged, or without sound.
    """
    with _open(source) as container:
        return _claimed_s(source, container)


def decode_track(
    source: Source,
    path: Path,
    *,
    start_s: Fraction | None,
    end_s: Fraction | None,
    needed: int,
    stopped: Callable[[], bool],
) -> Decoded:
    """Decode a sound file from `start_s` to `end_s` (None: its ends) into `path`.

    Only the first `needed` samples of that are decoded: so a long file takes no more room than the timeline.

    Raises:
        PermanentError: damaged, cut short, or nothing lies between `start_s` and `end_s`.
        CancelledError: `stopped` said so.
    """
    first = to_samples(start_s)
    last = first + needed if end_s is None else min(first + needed, to_samples(end_s))
    if last <= first:
        raise source.error("is to play for less than one sample", Reason.INVALID_SPEC)
    position = 0
    with _open(source) as container, path.open("wb") as file:
        for block in _blocks(source, container):
            if stopped():
                raise CancelledError("the render was stopped")
            wanted = block[:, max(0, first - position) : max(0, last - position)]
            np.ascontiguousarray(wanted.T).tofile(file)
            position += block.shape[1]
            if position >= last:
                break
        else:
            _check_end(source, container, position, first, to_samples(end_s) if end_s is not None else None)
        return Decoded(path, min(position, last) - first)


def _open(source: Source) -> InputContainer:
    kind = kind_of(source.path)
    demuxer = _DEMUXERS.get(kind)
    if demuxer is None:
        raise source.error(f"is {describe(kind)}, not {_KINDS_IN_WORDS}")
    if is_cut_off(source.path, kind):
        raise source.error(f"is cut short: the end of the {kind} file is missing")
    try:
        container = av.open(f"file:{source.path}", format=demuxer, options=_OPTIONS)
    except FFmpegError as error:
        raise source.error(f"is a damaged {kind} file: {error.strerror}") from error
    if not container.streams.audio:
        container.close()
        raise source.error(f"is {describe(kind)} without sound")
    return container


def _claimed_s(source: Source, container: InputContainer) -> Fraction | None:
    stream = container.streams.audio[0]
    if not tells_length(source.path, kind_of(source.path)):
        return None
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    if container.streams.video:  # the file lasts as long as its pictures, which the sound may not
        return _tagged_s(stream.metadata.get("DURATION", ""))
    return Fraction(container.duration, av.time_base) if container.duration else None


def _tagged_s(tag: str) -> Fraction | None:
    """Read `00:01:02.500000000`, as Matroska's writers tag each stream; None for anything else."""
    found = _TAGGED.fullmatch(tag)
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def _blocks(source: Source, container: InputContainer) -> Iterator[Samples]:
    """Yield the sound as resampled blocks, the resampler's rest at the end included."""
    resampler = AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
    try:
        for frame in container.decode(container.streams.audio[0]):
            frame.pts = None
            for resampled in resampler.resample(frame):
                yield np.asarray(resampled.to_ndarray(), np.float32)
        for resampled in resampler.resample(None):
            yield np.asarray(resampled.to_ndarray(), np.float32)
    except FFmpegError as error:
        raise source.error(f"cannot be decoded: {error.strerror}") from error


def _check_end(source: Source, container: InputContainer, decoded: int, first: int, last: int | None) -> None:
    """Refuse a file that ended too early: it was cut short, or does not last as long as the spec says."""
    length_s = Fraction(decoded, SAMPLE_RATE)
    claimed_s = _claimed_s(source, container)
    if claimed_s is not None and claimed_s - length_s > _MISSING_S:
        raise source.error(
            f"is cut short: it holds {float(length_s):.1f} of its {float(claimed_s):.1f} seconds of sound"
        )
    if first >= decoded:
        raise source.error(
            f"lasts {float(length_s):.1f}s, so that nothing is left from {first / SAMPLE_RATE:g}s on",
            Reason.INVALID_SPEC,
        )
    if last is not None and last - decoded > _MISSING_S * SAMPLE_RATE:
        raise source.error(
            f"lasts {float(length_s):.1f}s, less than the {last / SAMPLE_RATE:g}s to which it should play",
            Reason.INVALID_SPEC,
        )

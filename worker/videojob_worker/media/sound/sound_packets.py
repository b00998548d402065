"""Which packets of a sound may be taken as they are, to be heard for just the samples that are wanted.

A frame of AAC-LC (ISO/IEC 14496-3) is 1024 samples, and overlaps with the one before it alone. So what is taken starts
one frame early; the file that it goes into says how many samples at its ends are not to be heard.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from av.error import FFmpegError

from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.media.files.codec_parameters import NotCopiableError
from videojob_worker.media.files.source import Source
from videojob_worker.media.sound.samples import to_samples
from videojob_worker.media.sound.sound_container import SoundFile, open_sound

if TYPE_CHECKING:
    from av.packet import Packet

FRAME: Final = 1024
"""Samples in a packet."""
_MISSING: Final = SAMPLE_RATE // 5
"""How much earlier than the pictures a sound may end: nobody hears whether silence follows, or nothing."""
_ASKED_EVERY: Final = 256


@dataclass(frozen=True, slots=True)
class SoundRun:
    """Packets of a sound, in each of which are `FRAME` samples."""

    source: Source
    first_pts: int
    packets: int
    skipped: int
    """Samples at the start that are not heard."""
    samples: int
    """How many are heard after these; the last packet may have more."""


def find_sound(source: Source, wanted: range, check_cancelled: Callable[[], None]) -> SoundRun:
    """Find the packets of samples, which count at 48 kHz from the source's first picture.

    Raises:
        NotCopiableError: there are none that can be taken.
        PermanentError: the source is no sound that is read here.
    """
    file = open_sound(source)
    with file:
        _check_coding(file)
        start = wanted.start + to_samples(file.pictures_from_s)
        try:
            return _find(source, file, range(start, start + len(wanted)), check_cancelled)
        except FFmpegError as error:
            raise NotCopiableError(f"has sound that cannot be read ({error.strerror})") from error


def read_sound(file: SoundFile, run: SoundRun) -> Iterator["Packet[Any]"]:
    """Yield the packets of a run.

    Raises:
        FFmpegError: they cannot be read.
    """
    count = 0
    for packet in _from(file, run.first_pts):
        if packet.pts is not None and packet.pts >= run.first_pts:
            count += 1
            yield packet
            if count == run.packets:
                return


def _check_coding(file: SoundFile) -> None:
    stream = file.stream
    context = stream.codec_context
    kind = (context.name, context.profile, context.sample_rate, context.layout.name)
    if kind != ("aac", "LC", SAMPLE_RATE, "stereo"):
        raise NotCopiableError("has sound other than AAC-LC of 48 kHz in stereo")
    if stream.time_base is None or 1 / stream.time_base != SAMPLE_RATE:
        raise NotCopiableError("does not count the samples of its sound")
    if not context.extradata:
        raise NotCopiableError("does not say in its header how its sound is coded")


def _find(source: Source, file: SoundFile, heard: range, check_cancelled: Callable[[], None]) -> SoundRun:
    first_pts = last_pts = None
    count = 0
    for number, packet in enumerate(_from(file, heard.start - 2 * FRAME)):
        if number % _ASKED_EVERY == 0:
            check_cancelled()
        if packet.pts is None or packet.is_corrupt or packet.has_sidedata("new_extradata"):
            raise NotCopiableError("has damaged sound")
        if last_pts is not None and packet.pts != last_pts + FRAME:
            raise NotCopiableError("has gaps in its sound")
        last_pts = packet.pts
        if packet.pts + FRAME <= heard.start:
            first_pts, count = packet.pts, 0  # what comes right before, if nothing later does
        elif first_pts is None:
            first_pts = packet.pts
        count += 1
        if packet.pts + FRAME >= heard.stop:
            break
    if first_pts is None or first_pts > heard.start or last_pts is None or last_pts + FRAME < heard.stop - _MISSING:
        raise NotCopiableError("is not heard from its start to its end")
    return SoundRun(source, first_pts, count, heard.start - first_pts, min(heard.stop, last_pts + FRAME) - heard.start)


def _from(file: SoundFile, pts: int) -> Iterator["Packet[Any]"]:
    """Yield packets from a time stamp on, or a little earlier."""
    file.container.seek(pts, stream=file.stream)
    return (packet for packet in file.container.demux(file.stream) if packet.size)

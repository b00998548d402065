"""Decodes the sound of one file packet by packet, from any moment on, past what cannot be decoded.

What is damaged in the middle is left out, and said: players do so, too. Time stamps that start over, as in recordings
of broadcasts and in files that were joined, go on where the sound before them ended.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from av import AudioFrame
from av.error import EOFError as NothingMore
from av.error import FFmpegError
from av.format import Flags

from videojob_worker.media.files.source import Source
from videojob_worker.media.sound.sound_container import open_link, open_sound

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet

MISSING_S: Final = Fraction(1, 5)
"""Containers round their durations and encoders pad; what is missing beyond this was cut off."""
MOST_LOST: Final = 0.05
"""The share of a sound that may be lost to damage before it is refused."""
NOTICED_S: Final = Fraction(40, 1000)
"""ITU-R BT.1359: sound that is 45 ms early is noticed. Matroska's time stamps are rounded to a millisecond, and those
of recorders jitter by more."""
# As ffmpeg has it: time does not run backwards, and a broadcast's clock that leaps ahead was set anew.
_BACK_S: Final = Fraction(1, 10)
_AHEAD_S: Final = 10


@dataclass(frozen=True, slots=True)
class DecodedSound:
    """Samples and their time."""

    frame: AudioFrame
    time_s: Fraction | None
    """As the file tells it; None where they follow those before."""
    is_after_loss: bool
    """Whether something before it could not be decoded, so that its time tells how much is missing."""


@dataclass(slots=True)
class _Losses:
    """What could not be decoded, and what was not there."""

    good_bytes: int = 0
    failed_bytes: int = 0
    """Of what failed between what could be decoded."""
    pending_bytes: int = 0
    """Of what failed last: it is lost once something good follows, else it may be no sound at all."""
    gaps_s: Fraction = Fraction(0)
    """How much time no sound was there for."""
    first_s: Fraction | None = None
    """When the first loss or gap was."""
    error: FFmpegError | None = None

    def fail(self, size: int, error: FFmpegError) -> None:
        self.pending_bytes += size
        self.error = error

    def succeed(self, size: int, at_s: Fraction) -> bool:
        """Take note of a packet that was decoded, and tell whether something before it was lost."""
        is_after_loss = bool(self.pending_bytes and self.good_bytes)
        if is_after_loss:
            self.failed_bytes += self.pending_bytes
            self.first_s = at_s if self.first_s is None else self.first_s
        self.pending_bytes = 0
        self.good_bytes += size
        return is_after_loss

    def skip(self, gap_s: Fraction, at_s: Fraction) -> None:
        self.gaps_s += gap_s
        self.first_s = at_s if self.first_s is None else self.first_s


def measure_sound(source: Source) -> Fraction:
    """Decode a sound to find how many seconds it lasts.

    Raises:
        PermanentError: it cannot be used, or nothing is heard.
    """
    decoder = SoundDecoder(source)
    with closing(decoder):
        begin_s, end_s = decoder.file.pictures_from_s, Fraction(0)
        for decoded in decoder.frames():
            time_s = end_s if decoded.time_s is None else decoded.time_s
            begin_s = time_s if begin_s is None else begin_s
            end_s = time_s + Fraction(decoded.frame.samples, decoded.frame.sample_rate)
        length_s = end_s - (begin_s or 0)
        if length_s <= 0:
            raise source.error("has no sound")
        decoder.check_end(length_s)
        decoder.check_losses()
        return length_s


class SoundDecoder:
    """An open sound; for one thread.

    Raises:
        PermanentError: the source is no sound that is read here.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.file = open_sound(source)
        self._is_broadcast = Flags.ts_discont in Flags(self.file.container.format.flags)
        self._link = 0
        self._shift_s = Fraction(0)
        self._end_s: Fraction | None = None
        """When the last samples end."""
        self._starts_over = False
        self._losses = _Losses()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def seek(self, time_s: Fraction) -> None:
        """Go to a time, or some way before it.

        Raises:
            PermanentError: the file is damaged.
        """
        stream = self.file.stream
        try:
            self.file.container.seek(int(time_s / (stream.time_base or 1)), stream=stream)
        except FFmpegError as error:
            raise self._source.error(f"cannot be read: {error.strerror}") from error
        stream.codec_context.flush_buffers()
        self._end_s = None
        self._losses.pending_bytes = 0

    def frames(self) -> Iterator[DecodedSound]:
        """Yield what can be decoded from where the file stands to its end.

        Raises:
            PermanentError: nothing can be.
        """
        while True:
            yield from self._frames_of_link()
            if self._link + 1 == len(self.file.links):
                break
            self._link += 1
            if self.file.is_counted:
                self._losses.pending_bytes = 0  # tags of the end
            self.file = open_link(self._source, self.file, self._link)
            self._starts_over = True
        if self._losses.error is not None and not self._losses.good_bytes:
            raise self._source.error(f"cannot be decoded: {self._losses.error.strerror}") from self._losses.error

    def check_losses(self) -> None:
        """Refuse a sound of which too much was lost so far, and say what was.

        Raises:
            PermanentError: too much was.
        """
        losses, end_s = self._losses, self._end_s or Fraction(0)
        first_s = f"{float(losses.first_s or 0):.2f}s"
        share = Fraction(losses.failed_bytes, max(1, losses.failed_bytes + losses.good_bytes))
        if self.file.is_gapless and end_s:
            share = max(share, losses.gaps_s / end_s)
        if share:
            what = f"is damaged from {first_s} on: {float(share):.1%} of its sound is lost"
            self._source.conceal(what, float(share), MOST_LOST)
        elif losses.gaps_s > MISSING_S:
            self._source.warn(f"has no sound for {float(losses.gaps_s):.1f}s, from {first_s} on")

    def check_end(self, length_s: Fraction) -> None:
        """Refuse a sound that ended before it should have, and say where it only promised more.

        Args:
            length_s: how long it was.

        Raises:
            PermanentError: it was cut off.
        """
        file = self.file
        claimed_s = length_s / file.share if file.share < 1 else file.claimed_s
        is_cut = file.breaks_off or (bool(self._losses.pending_bytes) and not file.may_be_piece)
        if claimed_s is None:
            if is_cut and not file.may_be_piece:
                raise self._source.error(f"is cut short: its sound breaks off at {float(length_s):.1f}s")
            return
        missing_s = claimed_s - length_s
        if missing_s <= MISSING_S:
            return
        if is_cut or file.is_measured:
            what = f"is cut short: it holds {float(length_s):.1f} of its {float(claimed_s):.1f} seconds of sound"
            self._source.conceal(what, float(missing_s / claimed_s), MOST_LOST)
        else:
            self._source.warn(
                f"says that it has {float(claimed_s):.1f}s of sound, and ends after {float(length_s):.1f}s"
            )

    def _frames_of_link(self) -> Iterator[DecodedSound]:
        for packet in self._packets():
            size = packet.size
            try:
                frames: list[AudioFrame] = packet.decode()
            except MemoryError:
                raise
            except NothingMore:
                continue
            except FFmpegError as error:
                self._losses.fail(size, error)
                continue
            if not frames:
                continue
            is_after_loss = self._losses.succeed(size, self._end_s or Fraction(0))
            for number, frame in enumerate(frames):
                time_s = self._time_s(frame)
                if time_s is not None and self._end_s is not None and time_s - self._end_s > NOTICED_S:
                    self._losses.skip(time_s - self._end_s, self._end_s)
                self._end_s = (self._end_s or Fraction(0)) if time_s is None else time_s
                self._end_s += Fraction(frame.samples, frame.sample_rate)
                yield DecodedSound(frame, time_s, is_after_loss and number == 0)

    def _packets(self) -> Iterator["Packet[AudioStream]"]:
        try:
            yield from self.file.container.demux(self.file.stream)
        except MemoryError:
            raise
        except FFmpegError as error:
            self._losses.fail(1, error)

    def _time_s(self, frame: AudioFrame) -> Fraction | None:
        if self.file.is_counted or frame.pts is None or frame.time_base is None:
            return None
        time_s = frame.pts * frame.time_base + self._shift_s
        if self._end_s is not None and (self._starts_over or self._is_set_anew(time_s - self._end_s)):
            self._shift_s += self._end_s - time_s
            time_s = self._end_s
        self._starts_over = False
        return time_s

    def _is_set_anew(self, ahead_s: Fraction) -> bool:
        """Tell whether a time stamp that is so far from where the one before ended begins a new count."""
        if self.file.pictures_from_s is not None and not self._is_broadcast:
            return False  # pictures have the same clock
        return ahead_s < -_BACK_S or (self._is_broadcast and ahead_s > _AHEAD_S)

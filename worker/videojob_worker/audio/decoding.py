"""Decodes what is needed of a sound file into the scratch file, each moment at its place in time.

Time counts from the source's first picture, if it has pictures, else from its first sound: so sound stays with
the pictures whatever a container does with start times, edit lists and encoder delay (libav drops the priming
samples that are marked as such). Within that, samples are counted; only when the time stamps leave the count by
more than a viewer can notice is the count put right, with silence or by dropping what came twice.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import Final

from av import AudioFrame
from av.error import FFmpegError

from videojob_contract.errors import CancelledError
from videojob_worker.audio.resample import Resampler
from videojob_worker.audio.scratch import Extent, Pcm, Scratch
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.media.samples import Samples, to_samples
from videojob_worker.media.sound_container import SoundFile, open_sound
from videojob_worker.media.source import Source

# ITU-R BT.1359: sound that is 45 ms early is noticed. Matroska's time stamps are rounded to a millisecond, and
# those of recorders jitter by more.
_NOTICED_S: Final = Fraction(40, 1000)
# Containers round their durations and encoders pad; what is missing beyond this was cut off.
MISSING_S: Final = Fraction(1, 5)
# Seeking costs a fraction of decoding this much. What is decoded before the first sample wanted lets decoders that
# build on the packets before (MP3, AAC, Opus: 80 ms) find their state.
_WORTH_SEEKING: Final = 10 * SAMPLE_RATE
_PREROLL_S: Final = 1
_MOST_CHANNELS: Final = 24  # NHK's 22.2 is the most that there is
_RATES: Final = range(4_000, 384_001)


def decode_sound(
    source: Source,
    wanted: Sequence[range],
    scratch: Scratch,
    on_samples: Callable[[int], None],
    stopped: Callable[[], bool],
) -> Pcm:
    """Decode the `wanted` samples of a sound file, in order of time and apart from each other.

    Args:
        source: the file.
        wanted: in samples from its beginning; what is after its end is left out.
        scratch: where they go.
        on_samples: told how many more samples are done.
        stopped: asked whether to stop.

    Raises:
        PermanentError: damaged or cut short.
        CancelledError: `stopped` said so.
        OSError: the disk is full.
    """
    file = open_sound(source)
    with file.container:
        player = _Player(source, file)
        extents: list[Extent] = []
        for stretch in wanted:
            at = scratch.position
            player.approach(stretch.start)
            last = _copy(player, stretch, scratch, on_samples, stopped)
            extents.append(Extent(stretch.start, last, at))
            if player.end is not None:
                break
        return Pcm(scratch, extents, player.end)


def _copy(
    player: "_Player",
    wanted: range,
    scratch: Scratch,
    on_samples: Callable[[int], None],
    stopped: Callable[[], bool],
) -> int:
    """Write what is wanted, and return where it ended: at the end of what is wanted or of the source."""
    position = wanted.start
    for first, block in player:
        if stopped():
            raise CancelledError("the render was stopped")
        last = first + block.shape[1]
        # A gap is left as a hole, and what came twice is dropped.
        begin, end = max(position, first), min(wanted.stop, last)
        if begin < end:
            scratch.skip(begin - position)
            scratch.append(block[:, begin - first : end - first])
            on_samples(end - position)
            position = end
        if last >= wanted.stop:
            player.put_back(first, block)
            scratch.skip(wanted.stop - position)
            return wanted.stop
    return position


class _Player:
    """Iterates over a file's sound: blocks, each with the place of its first sample."""

    def __init__(self, source: Source, file: SoundFile) -> None:
        self.end: int | None = None
        """Where the sound ended, in samples; None before that."""
        self._source = source
        self._file = file
        frames, first_s = self._peek(Fraction(0))
        self._zero_s = first_s if file.pictures_from_s is None else file.pictures_from_s
        self._begin_s = first_s - self._zero_s
        self._position = 0
        self._returned: list[tuple[int, Samples]] = []
        self._blocks = self._play(frames, self._begin_s)

    def __iter__(self) -> Iterator[tuple[int, Samples]]:
        while self._returned:
            yield self._returned.pop()
        for first, block in self._blocks:
            self._position = first
            yield first, block

    def put_back(self, first: int, block: Samples) -> None:
        """Let a block be given again: what is wanted next may be in it too."""
        self._returned = [(first, block)]

    def approach(self, sample: int) -> None:
        """Go on shortly before a sample, unless it is near or the file is one that must be decoded up to it."""
        if not self._file.seekable or sample - self._position < _WORTH_SEEKING:
            return
        wanted_s = Fraction(sample, SAMPLE_RATE)
        for target_s in (wanted_s - _PREROLL_S, self._begin_s):
            frames, first_s = self._peek_at(target_s + self._zero_s)
            # A bad index leads to a place after the one that was asked for: then from the beginning.
            if first_s - self._zero_s <= wanted_s:
                break
        self._returned = []
        self._blocks = self._play(frames, first_s - self._zero_s)

    def _peek_at(self, time_s: Fraction) -> tuple[Iterable[AudioFrame], Fraction]:
        stream = self._file.stream
        try:
            self._file.container.seek(int(time_s / (stream.time_base or 1)), stream=stream)
        except FFmpegError as error:
            raise self._error(error) from error
        return self._peek(time_s)

    def _peek(self, expected_s: Fraction) -> tuple[Iterable[AudioFrame], Fraction]:
        """Return the frames from here on and the time stamp of the first, or what is expected if it has none."""
        frames = self._file.container.decode(self._file.stream)
        try:
            first = next(frames, None)
        except FFmpegError as error:
            raise self._error(error) from error
        if first is None:
            return (), expected_s
        time_s = _time_s(first)
        return chain([first], frames), expected_s if time_s is None else time_s

    def _play(self, frames: Iterable[AudioFrame], at_s: Fraction) -> Iterator[tuple[int, Samples]]:
        """Convert frames that start at `at_s`; a new converter starts where time jumps or the kind changes."""
        resampler: Resampler | None = None
        position = to_samples(at_s)
        try:
            for frame in frames:
                stamp_s = _time_s(frame)
                now_s = at_s + (resampler.seconds if resampler else 0)
                strayed = stamp_s is not None and abs(stamp_s - self._zero_s - now_s) > _NOTICED_S
                if resampler is None or strayed or not resampler.takes(frame):
                    for block in resampler.finish() if resampler else ():
                        yield position, block
                        position += block.shape[1]
                    at_s = stamp_s - self._zero_s if strayed and stamp_s is not None else now_s
                    position = to_samples(at_s)
                    self._check_kind(frame)
                    resampler = Resampler(frame)
                for block in resampler.push(frame):
                    yield position, block
                    position += block.shape[1]
            for block in resampler.finish() if resampler else ():
                yield position, block
                position += block.shape[1]
        except FFmpegError as error:
            raise self._error(error) from error
        self.end = position
        self._check_length(Fraction(position, SAMPLE_RATE) - self._begin_s)

    def _check_kind(self, frame: AudioFrame) -> None:
        """Refuse what would take a converter of any size."""
        channels, rate = frame.layout.nb_channels, frame.sample_rate
        if channels > _MOST_CHANNELS:
            raise self._source.error(f"has {channels} channels of sound; at most {_MOST_CHANNELS} are mixed down")
        if rate not in _RATES:
            raise self._source.error(f"has {rate:,} samples a second; {_RATES.start:,} to {_RATES.stop - 1:,} are read")

    def _check_length(self, length_s: Fraction) -> None:
        claimed_s = self._file.claimed_s
        if claimed_s is not None and claimed_s - length_s > MISSING_S:
            raise self._source.error(
                f"is cut short: it holds {float(length_s):.1f} of its {float(claimed_s):.1f} seconds of sound"
            )

    def _error(self, error: FFmpegError) -> Exception:
        return self._source.error(f"cannot be decoded: {error.strerror}")


def _time_s(frame: AudioFrame) -> Fraction | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base

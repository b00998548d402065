"""Decodes what is needed of a sound file into the scratch file, each moment at its place in time.

Time counts from the source's first picture, if it has pictures, else from its first sound: so sound stays with
the pictures whatever a container does with start times, edit lists and encoder delay (libav drops the priming
samples that are marked as such). Within that, samples are counted; only when the time stamps leave the count by
more than a viewer can notice is the count put right, with silence or by dropping what came twice.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from itertools import chain
from typing import Final

from av import AudioFrame
from av.error import FFmpegError

from videojob_contract.errors import CancelledError
from videojob_worker.audio.resample import Resampler
from videojob_worker.audio.scratch import Extent, Pcm, Scratch
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.media.files.source import Source
from videojob_worker.media.sound.samples import Samples, to_samples
from videojob_worker.media.sound.sound_decoder import NOTICED_S, DecodedSound, SoundDecoder

_A_SAMPLE_S: Final = Fraction(1, SAMPLE_RATE)
_OVERLAP_S: Final = Fraction(1, 10)
"""Time stamps of ASF and of others whose packets have no length are this rough: nothing is dropped for them."""
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
    decoder = SoundDecoder(source)
    with closing(decoder):
        player = _Player(source, decoder)
        extents: list[Extent] = []
        for stretch in wanted:
            at = scratch.position
            player.approach(stretch.start)
            last = _copy(player, stretch, scratch, on_samples, stopped)
            extents.append(Extent(stretch.start, last, at))
            if player.end is not None:
                break
        decoder.check_losses()
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


def _has_strayed(ahead_s: Fraction, *, is_after_loss: bool) -> bool:
    """Tell whether sound does not go on where it was, by a time stamp that is so far ahead."""
    if is_after_loss:
        return abs(ahead_s) > _A_SAMPLE_S
    return ahead_s > NOTICED_S or ahead_s < -_OVERLAP_S


class _Player:
    """Iterates over a file's sound: blocks, each with the place of its first sample."""

    def __init__(self, source: Source, decoder: SoundDecoder) -> None:
        self.end: int | None = None
        """Where the sound ended, in samples; None before that."""
        self._source = source
        self._decoder = decoder
        frames, first_s = self._peek(Fraction(0))
        pictures_from_s = decoder.file.pictures_from_s
        self._zero_s = first_s if pictures_from_s is None else pictures_from_s
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
        if not self._decoder.file.is_seekable or sample - self._position < _WORTH_SEEKING:
            return
        wanted_s = Fraction(sample, SAMPLE_RATE)
        for target_s in (wanted_s - _PREROLL_S, self._begin_s):
            self._decoder.seek(target_s + self._zero_s)
            frames, first_s = self._peek(target_s + self._zero_s)
            # A bad index leads to a place after the one that was asked for: then from the beginning.
            if first_s - self._zero_s <= wanted_s:
                break
        self._returned = []
        self._blocks = self._play(frames, first_s - self._zero_s)

    def _peek(self, expected_s: Fraction) -> tuple[Iterable[DecodedSound], Fraction]:
        """Return the frames from here on and the time stamp of the first, or what is expected if it has none."""
        frames = self._decoder.frames()
        first = next(frames, None)
        if first is None:
            return (), expected_s
        return chain([first], frames), expected_s if first.time_s is None else first.time_s

    def _play(self, frames: Iterable[DecodedSound], at_s: Fraction) -> Iterator[tuple[int, Samples]]:
        """Convert frames that start at `at_s`; a new converter starts where time jumps or the kind changes."""
        resampler: Resampler | None = None
        position = to_samples(at_s)
        try:
            for decoded in frames:
                frame = decoded.frame
                now_s = at_s + (resampler.seconds if resampler else 0)
                stamp_s = now_s if decoded.time_s is None else decoded.time_s - self._zero_s
                strayed = _has_strayed(stamp_s - now_s, is_after_loss=decoded.is_after_loss)
                if resampler is None or strayed or not resampler.takes(frame):
                    for block in resampler.finish() if resampler else ():
                        yield position, block
                        position += block.shape[1]
                    at_s = stamp_s if strayed else now_s
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
            raise self._source.error(f"cannot be decoded: {error.strerror}") from error
        self.end = position
        self._decoder.check_end(Fraction(position, SAMPLE_RATE) - self._begin_s)

    def _check_kind(self, frame: AudioFrame) -> None:
        """Refuse what would take a converter of any size."""
        channels, rate = frame.layout.nb_channels, frame.sample_rate
        if channels > _MOST_CHANNELS:
            raise self._source.error(f"has {channels} channels of sound; at most {_MOST_CHANNELS} are mixed down")
        if rate not in _RATES:
            raise self._source.error(f"has {rate:,} samples a second; {_RATES.start:,} to {_RATES.stop - 1:,} are read")

"""The whole sound of a timeline: every source decoded once, then mixed as often as it is asked for.

Safe to open in a thread beside the encoding of pictures: libav and numpy let go of the interpreter's lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from videojob_contract.errors import CancelledError
from videojob_worker.audio.decoding import decode_sound
from videojob_worker.audio.ducking import duck_gain, find_sounding
from videojob_worker.audio.gain import Crossfade
from videojob_worker.audio.limiter import limit
from videojob_worker.audio.loudness import find_level
from videojob_worker.audio.scratch import Extent, Pcm, Scratch
from videojob_worker.audio.stretch import stretch
from videojob_worker.audio.voice import Voice, correlation, mix_voices
from videojob_worker.audio.voices import stretched_length, track_voice, video_voice
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.media.sound.samples import BLOCK, silence, to_samples
from videojob_worker.unforeseen import naming_failures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction
    from pathlib import Path

    from videojob_contract.resources.audio import Duck
    from videojob_worker.audio.ducking import Sounding
    from videojob_worker.audio.loudness import Level
    from videojob_worker.audio.sound_plan import Part
    from videojob_worker.media.sound.samples import Samples
    from videojob_worker.timeline.times import Timeline

# Parts of a source that are nearer than this are decoded in one go, with what is between them.
_NEAR: Final = 5 * SAMPLE_RATE
# What a sample costs, compared with decoding one.
_STRETCH_COST: Final = 6
_MIX_COST: Final = 0.5
_MEASURE_COST: Final = 2


_Heard = tuple["Path", int | str | None]
"""A sound that is decoded once: a file, and which of its tracks."""


class Soundtrack:
    """Sound that is ready to be heard; `close` it when the last output has it."""

    def __init__(self, scratch: Scratch, voices: Sequence[Voice], samples: int, level: Level | None) -> None:
        self.samples = samples
        """How many samples it has, at 48 kHz."""
        self._scratch = scratch
        self._voices = voices
        self._level = level

    def blocks(self, size: int = BLOCK) -> Iterator[Samples]:
        """Yield the sound in blocks of `size` samples, the last one shorter: `samples` in all.

        May be asked for again, and by several threads at once.
        """
        mixed = mix_voices(self._voices, self.samples)
        # Without a wish for loudness nothing is changed but what would be distorted.
        limited = limit(mixed, 1.0) if self._level is None else self._level.apply(mixed)
        return _in_blocks(limited, size)

    def close(self) -> None:
        """Remove what was decoded."""
        self._scratch.close()


def open_soundtrack(
    parts: Sequence[Part],
    timeline: Timeline,
    *,
    loudness: float | None,
    folder: Path,
    cancelled: Callable[[], bool],
    on_progress: Callable[[float], None],
) -> Soundtrack | None:
    """Decode all that sounds; None when nothing does.

    Args:
        parts: what is heard of which source.
        timeline: when.
        loudness: in LUFS; None leaves it as it is.
        folder: where the decoded sound is kept until the soundtrack is closed.
        cancelled: asked several times a second whether to stop.
        on_progress: told of the share that is done, 0 to 1.

    Raises:
        PermanentError: a source cannot be used; the message names its field.
        CancelledError: `cancelled` said so.
        OSError: the disk is full.
    """
    if not parts:
        return None
    scratch = Scratch(folder / "sound.f32")
    try:
        return _Maker(
            parts, timeline, loudness=loudness, scratch=scratch, cancelled=cancelled, on_progress=on_progress
        ).make()
    except BaseException:
        scratch.close()
        raise


class _Maker:
    """The steps to a soundtrack, which share the scratch file, the progress and the wish to stop."""

    def __init__(
        self,
        parts: Sequence[Part],
        timeline: Timeline,
        *,
        loudness: float | None,
        scratch: Scratch,
        cancelled: Callable[[], bool],
        on_progress: Callable[[float], None],
    ) -> None:
        self._parts = parts
        self._timeline = timeline
        self._total = timeline.samples
        self._scratch = scratch
        self._cancelled = cancelled
        self._on_progress = on_progress
        self._loudness = loudness
        self._done = 0.0
        self._sources: dict[_Heard, list[Part]] = {}
        for part in parts:
            self._sources.setdefault(_heard(part), []).append(part)
        self._wanted = {heard: _merged([part.samples for part in parts]) for heard, parts in self._sources.items()}
        self._cost = (
            sum(len(stretch) for wanted in self._wanted.values() for stretch in wanted)
            + _STRETCH_COST * sum(stretched_length(part) for part in parts if part.speed != 1)
            + (_MIX_COST * self._total if any(part.track and part.track.duck for part in parts) else 0)
            + (_MEASURE_COST * self._total if self._loudness is not None else 0)
        )

    def make(self) -> Soundtrack:
        decoded = {heard: self._decode(heard, parts) for heard, parts in self._sources.items()}
        stretched: dict[tuple[_Heard, range, Fraction], Pcm] = {}
        clips: dict[int, Voice] = {}
        others: list[Voice] = []
        for part in self._parts:
            if part.track is not None:
                others.append(track_voice(part, part.track, decoded[_heard(part)]))
                continue
            sound, first, length = decoded[_heard(part)], part.samples.start, len(part.samples)
            if part.speed != 1:
                key = (_heard(part), part.samples, part.speed)
                if key not in stretched:
                    stretched[key] = self._stretch(part, sound)
                sound, first, length = stretched[key], 0, stretched_length(part)
            voice = video_voice(part, sound, first, length)
            if part.clip is not None:
                clips[part.clip] = voice
            else:
                others.append(voice)
        self._crossfade(clips)
        voices = self._duck([*clips.values(), *others])
        level = None
        if self._loudness is not None:
            level = find_level(
                lambda: mix_voices(voices, self._total), self._loudness, self._advancing(_MEASURE_COST / 2)
            )
        self._on_progress(1.0)
        return Soundtrack(self._scratch, voices, self._total, level)

    def _advance(self, cost: float) -> None:
        self._done += cost
        self._on_progress(min(self._done / self._cost, 1.0))
        if self._cancelled():
            raise CancelledError("the render was cancelled")

    def _advancing(self, cost: float) -> Callable[[int], None]:
        return lambda samples: self._advance(samples * cost)

    def _decode(self, heard: _Heard, parts: Sequence[Part]) -> Pcm:
        before = self._done
        wanted = self._wanted[heard]
        source = parts[0].source
        with naming_failures(source.name):
            pcm = decode_sound(source, wanted, self._scratch, self._advance, self._cancelled)
        self._done = before
        self._advance(sum(len(stretch) for stretch in wanted))
        return pcm

    def _stretch(self, part: Part, sound: Pcm) -> Pcm:
        at, length = self._scratch.position, stretched_length(part)
        for block in stretch(sound, part.samples, part.speed, length):
            self._scratch.append(block)
            self._advance(_STRETCH_COST * block.shape[1])
        return Pcm(self._scratch, [Extent(0, length, at)], length)

    def _crossfade(self, clips: dict[int, Voice]) -> None:
        """Let clips that sound come and go over their transitions."""
        for index, times in enumerate(self._timeline.clips):
            start, end = to_samples(times.start_s), to_samples(times.start_s + times.entry_s)
            before, after = clips.get(index - 1), clips.get(index)
            if start == end or not (before or after):
                continue
            self._advance(0)
            alike = correlation(before, after, start, end) if before and after else 0.0
            if before:
                clips[index - 1] = before.with_gain(Crossfade(start, end, False, alike))
            if after:
                clips[index] = after.with_gain(Crossfade(start, end, True, alike))

    def _duck(self, voices: Sequence[Voice]) -> list[Voice]:
        ducks = [voice.duck for voice in voices if voice.duck]
        if not ducks:
            return list(voices)
        louder = mix_voices([voice for voice in voices if not voice.duck], self._total)
        sounding = find_sounding(louder, {duck.threshold for duck in ducks}, self._advancing(_MIX_COST))
        return [_ducked(voice, voice.duck, sounding) if voice.duck else voice for voice in voices]


def _heard(part: Part) -> _Heard:
    return part.source.path, part.source.track


def _ducked(voice: Voice, duck: Duck, sounding: Mapping[float, Sounding]) -> Voice:
    gain = duck_gain(duck, sounding[duck.threshold])
    return voice if gain is None else voice.with_gain(gain)


def _merged(ranges: Sequence[range]) -> list[range]:
    """Return ranges that cover the given ones, in order and apart from each other."""
    merged: list[range] = []
    for each in sorted(ranges, key=lambda each: each.start):
        if merged and each.start - merged[-1].stop < _NEAR:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, each.stop))
        else:
            merged.append(each)
    return merged


def _in_blocks(blocks: Iterable[Samples], size: int) -> Iterator[Samples]:
    held = silence(0)
    for block in blocks:
        held = np.concatenate((held, block), axis=1)
        whole = held.shape[1] // size * size
        for first in range(0, whole, size):
            yield np.ascontiguousarray(held[:, first : first + size])
        held = held[:, whole:]
    if held.shape[1]:
        yield np.ascontiguousarray(held)

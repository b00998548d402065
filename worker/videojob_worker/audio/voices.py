"""Makes voices of the parts of an arrangement, now that it is known how long their sources are."""

from fractions import Fraction

from videojob_contract.errors import Reason
from videojob_contract.resources.audio import Track
from videojob_worker.audio.gain import Points
from videojob_worker.audio.scratch import Pcm
from videojob_worker.audio.sound_plan import Part, track_fades
from videojob_worker.audio.voice import Voice
from videojob_worker.clock import SAMPLE_RATE
from videojob_worker.media.sound.samples import to_samples
from videojob_worker.media.sound.sound_decoder import MISSING_S


def stretched_length(part: Part) -> int:
    """Return how many samples a part is at its speed, rounded up."""
    return int(-(-len(part.samples) // part.speed))


def video_voice(part: Part, sound: Pcm, first: int, length: int) -> Voice:
    """Place a video's sound: `length` samples of `sound` from `first` on, at its speed already."""
    return Voice(
        sound=sound,
        first=first,
        length=length,
        start=part.start,
        end=part.end,
        period=part.period if part.loop else None,
        backwards=part.backwards,
        volume=part.volume,
        gains=part.gains,
    )


def track_voice(part: Part, track: Track, sound: Pcm) -> Voice:
    """Place a track, of which it is known now how long it is.

    Raises:
        PermanentError: nothing is left of it, or it does not last as long as it should play.
    """
    first, end = part.samples.start, part.samples.stop
    if sound.end is not None and sound.end < end:
        lasts = f"lasts {sound.end / SAMPLE_RATE:.1f}s"
        if first >= sound.end:
            raise part.source.error(
                f"{lasts}, so that nothing is left from {first / SAMPLE_RATE:g}s on", Reason.INVALID_SPEC
            )
        if track.to is not None and to_samples(track.to) - sound.end > MISSING_S * SAMPLE_RATE:
            raise part.source.error(
                f"{lasts}, less than the {float(track.to):g}s to which it should play", Reason.INVALID_SPEC
            )
        end = sound.end
    length = end - first
    stop = part.end if track.loop else min(part.end, part.start + length)
    voice = Voice(
        sound=sound,
        first=first,
        length=length,
        start=part.start,
        end=stop,
        period=Fraction(length) if track.loop else None,
        volume=part.volume,
        gains=track_fades(track, part.start, stop),
        duck=track.duck,
    )
    if not track.envelope:
        return voice
    return voice.with_gain(
        Points([to_samples(point.at) for point in track.envelope], [point.volume for point in track.envelope])
    )

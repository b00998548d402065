"""The sound under the timeline."""

from enum import StrEnum
from fractions import Fraction
from typing import Annotated

from pydantic import Field, StringConstraints

from videojob_contract.resources.base import Duration, Model, Unit, Uri, Volume
from videojob_contract.resources.damage import OnDamage
from videojob_contract.resources.text import LANGUAGE_PATTERN


class FadeCurve(StrEnum):
    """How a fade goes from silence to full volume, and back."""

    LINEAR = "linear"
    EQUAL_POWER = "equalPower"
    SMOOTH = "smooth"
    EXPONENTIAL = "exponential"


SoundChoice = (
    Annotated[int, Field(ge=1, le=64)] | Annotated[str, StringConstraints(pattern=LANGUAGE_PATTERN, max_length=3)]
)
"""One of the sounds of a file: by number, or by language as ISO 639-2 has it."""


class Duck(Model):
    """How a track goes quieter while other sound plays; `{}` takes every default."""

    to: Unit = 0.25
    """The gain to which it goes down: 1 leaves it as it is, 0 is silence."""
    threshold: Annotated[float, Field(ge=-90, le=0)] = -40.0
    """What counts as sound: a level in dBFS (RMS over 10 ms). Room noise is below it, speech above."""
    attack: Duration = Fraction(1, 5)
    """How long it takes to go down. It starts before the other sound does, and is down when that begins."""
    hold: Duration = Fraction(3, 10)
    """How long it stays down after the other sound, so that it does not come up between words."""
    release: Duration = Fraction(3, 5)
    """How long it takes to come up again."""


class EnvelopePoint(Model):
    """The volume at one moment."""

    at: Duration
    """When, on the timeline."""
    volume: Volume
    """Gain: 1 leaves it as it is."""


class Track(Model):
    """One sound under the whole timeline."""

    uri: Uri
    """Where the sound is."""
    track: SoundChoice | None = None
    """Which of its sounds is heard, where it has several: by number, from 1, or by language, such as `eng`. Default:
    the one that the file says is its default, or the next that can be decoded."""
    from_: Annotated[Duration | None, Field(alias="from")] = None
    """Start within the source. Default: its beginning."""
    to: Duration | None = None
    """End within the source. Default: its end."""
    offset: Duration | None = None
    """When it starts on the timeline. Default: the start."""
    loop: bool = False
    """Repeat until the timeline ends."""
    volume: Volume = 1.0
    """Gain: 1 leaves it as it is."""
    fade_in: Duration | None = None
    """How long it takes to come in."""
    fade_out: Duration | None = None
    """How long it takes to go, before its end or the timeline's."""
    fade_curve: FadeCurve = FadeCurve.LINEAR
    """How both fades go: `linear`; `equalPower` (a quarter of a sine: fast from silence); `smooth` (half a cosine);
    `exponential` (even in decibels: slow from silence)."""
    envelope: Annotated[list[EnvelopePoint] | None, Field(max_length=256)] = None
    """Its volume over the timeline, times `volume`: straight between points, which are in order of time, and level
    before the first and after the last."""
    duck: Duck | None = None
    """Go quieter while clips, or tracks that do not duck themselves, are heard. Default: never."""
    on_damage: OnDamage = OnDamage.CONCEAL
    """When a part is damaged: `conceal` plays on without it, with a warning, up to a share; `fail` refuses it."""


class Narration(Model):
    """Speech over a clip, such as a text-to-speech service makes, or a recording."""

    uri: Uri
    """Where the sound is."""
    before: Duration = Fraction(0)
    """How long the clip is seen before it begins."""
    after: Duration = Fraction(1, 2)
    """How long the clip is seen after its end, where the clip lasts as long as its narration."""
    volume: Volume = 1.0
    """Gain: 1 leaves it as it is."""
    on_damage: OnDamage = OnDamage.CONCEAL
    """When a part is damaged: `conceal` plays on without it, with a warning, up to a share; `fail` refuses it."""


class Audio(Model):
    """The sound under the timeline."""

    tracks: Annotated[list[Track], Field(max_length=32)] = []
    """Tracks, mixed with each other and with the sound of the clips."""
    loudness: Annotated[float, Field(ge=-70, le=-5)] | None = None
    """Loudness of the whole in LUFS (EBU R 128), with true peaks of at most -1 dBTP. Default: untouched."""

"""The sound under the timeline."""

from typing import Annotated

from pydantic import Field

from videojob_contract.resources.base import Duration, Model, Uri, Volume


class Track(Model):
    """One sound under the whole timeline."""

    uri: Uri
    """Where the sound is."""
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
    duck: bool = False
    """Go quieter while other sound plays."""


class Audio(Model):
    """The sound under the timeline."""

    tracks: Annotated[list[Track], Field(max_length=32)] = []
    """Tracks, mixed."""
    loudness: Annotated[float, Field(ge=-70, le=-5)] | None = None
    """Loudness of the whole in LUFS (EBU R 128). Default: untouched."""

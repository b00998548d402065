"""What the engine is asked for, and what it answers; light to import, as the engine's face is."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING

from videojob_worker.render_warnings import RenderWarnings
from videojob_worker.work_tally import WorkTally

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction
    from pathlib import Path

    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_worker.render_settings import RenderSettings


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What to render, and its sources as local files."""

    settings: RenderSettings
    sources: Mapping[str, Path]
    """The local file of each URI in `source_uris(settings.spec)`; names and suffixes mean nothing."""
    scratch: Path
    """An existing folder for outputs and for what is needed on the way to them."""
    warnings: RenderWarnings = dataclass_field(default_factory=RenderWarnings, compare=False, repr=False)
    """Where the engine says what may surprise; read when it is done."""
    work: WorkTally = dataclass_field(default_factory=WorkTally, compare=False, repr=False)
    """Where the engine says what its kinds of work took; read when it is done."""


@dataclass(frozen=True, slots=True)
class RenderedOutput:
    """A finished, verified output; a poster has no `frames` and no `duration`."""

    name: str
    path: Path
    width: int | None
    height: int | None
    frames: int | None
    duration: Fraction | None
    """Seconds."""
    files: tuple[Path, ...] = ()
    """Further files, in the folder of `path` or one in it, that `path` names; published together with it."""


def source_uris(spec: VideoJobSpec) -> list[tuple[str, str]]:
    """Return what to fetch as `("spec.clips[3].image.uri", uri)`: each URI once, where it is first named."""
    from videojob_contract.resources.uris import Use, iter_uris  # noqa: PLC0415 - brings the models along

    found: dict[str, str] = {}
    for field, uri, use in iter_uris(spec):
        if use is Use.SOURCE:
            found.setdefault(uri, field)
    return [(field, uri) for uri, field in found.items()]

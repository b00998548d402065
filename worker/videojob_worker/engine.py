"""The engine's face: what the supervisor and the renderer process know of it.

Light to import, because the supervisor does so before its first claim; the libraries load when `render` or
`preload` is called.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason, VideoJobError
from videojob_worker import oserrors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from fractions import Fraction
    from pathlib import Path

    from videojob_contract.assignment import Progress
    from videojob_contract.resources.encoding import Encoding
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_worker.plan.report import Plan


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What to render: a spec with every default filled in and its sources as local files."""

    spec: VideoJobSpec
    name: str
    """The job's name."""
    sources: Mapping[str, Path]
    """The local file of each URI in `source_uris(spec)`; names and suffixes mean nothing."""
    scratch: Path
    """An existing folder for outputs and for what is needed on the way to them."""
    threads: int
    """Cores to use; the bytes of a video depend on it."""
    encoding: Encoding
    """Which encoders to use."""


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


def preload() -> None:
    """Load the libraries, so that a later `render` starts at once."""
    from videojob_worker import rendering  # noqa: PLC0415 - the point of this function

    rendering.preload()


def render(
    request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> list[RenderedOutput]:
    """Make every output of a job, in the spec's order, in the scratch folder.

    Args:
        request: what to render.
        on_progress: told of the stage and of the share done, 0 to 100, which never goes back; at least twice
            a second while frames are made.
        cancelled: asked several times a second whether to stop.

    Both are called from the calling thread.

    Raises:
        PermanentError: a source or the spec cannot be rendered, or the result is not what was planned.
        TransientError: the disk is full.
        OutOfMemoryError: memory ran out.
        CancelledError: `cancelled` said so.
    """
    from videojob_worker import rendering  # noqa: PLC0415 - heavy

    with _own_errors():
        return rendering.render(request, on_progress, cancelled)


def plan(request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Plan:
    """Say how `render` would make a job, and make nothing; it opens every source, as `render` does first.

    Args and errors are those of `render`.
    """
    from videojob_worker import rendering  # noqa: PLC0415 - heavy

    with _own_errors():
        return rendering.plan(request, on_progress, cancelled)


@contextmanager
def _own_errors() -> Iterator[None]:
    """Turn what the system says into errors of a job."""
    try:
        yield
    except VideoJobError:
        raise
    except (OSError, MemoryError) as error:
        raise oserrors.local(error, "rendering") or PermanentError(
            f"the render failed: {error}", Reason.RENDER_FAILED
        ) from error

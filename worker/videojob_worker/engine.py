"""The engine's face: what the supervisor and the renderer process know of it.

Light to import, because the supervisor does so before its first claim; the libraries load when `render` or
`preload` is called.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from videojob_contract.errors import PermanentError, Reason, VideoJobError
from videojob_worker import errno_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from videojob_contract.assignment import Progress
    from videojob_contract.inspection import Frames, ProbeReport
    from videojob_contract.plan_report import Plan
    from videojob_worker.outputs.preview import Preview
    from videojob_worker.request import RenderedOutput, RenderRequest


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


def describe_segments(
    request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> list[str]:
    """Describe the segments of a job as JSON, in order, for `render_segment`; none where nothing is made in such.

    Args and errors are those of `render`. Every source that is seen is read to its end, for its digest.
    """
    from videojob_worker import rendering  # noqa: PLC0415 - heavy

    with _own_errors():
        return rendering.describe_segments(request, on_progress, cancelled)


def render_segment(
    request: RenderRequest, description: str, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> list[Path]:
    """Make one segment as it is described, and return its packet files, in the scratch folder.

    The same description gives the same bytes, in any process.

    Raises:
        PermanentError: with this request, this engine would make another segment; and the errors of `render`.
    """
    from videojob_worker import rendering  # noqa: PLC0415 - heavy

    with _own_errors():
        return rendering.render_segment(request, description, on_progress, cancelled)


def join_segments(
    request: RenderRequest,
    descriptions: Sequence[str],
    folder: Path,
    on_progress: Callable[[Progress], None],
    cancelled: Callable[[], bool],
) -> list[RenderedOutput]:
    """Do what `render` does, with the packet files of all segments, which are in `folder` and are deleted.

    Raises:
        PermanentError: a packet file is missing, damaged or of another description; and the errors of `render`.
    """
    from videojob_worker import rendering  # noqa: PLC0415 - heavy

    with _own_errors():
        return rendering.join_segments(request, descriptions, folder, on_progress, cancelled)


def plan(request: RenderRequest, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Plan:
    """Say how `render` would make a job, and make nothing; it opens every source, as `render` does first.

    Args and errors are those of `render`.
    """
    from videojob_worker import rendering  # noqa: PLC0415 - heavy

    with _own_errors():
        return rendering.plan(request, on_progress, cancelled)


def preview(
    request: RenderRequest, frames: Frames, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> Preview:
    """Make a picture of some frames, as `render` composes them, in the scratch folder.

    Args and errors are those of `render`.
    """
    from videojob_worker import rendering  # noqa: PLC0415 - heavy

    with _own_errors():
        return rendering.preview(request, frames, on_progress, cancelled)


def probe(request: RenderRequest) -> ProbeReport:
    """Say what the first source of a request is, and what it would be refused with.

    Raises:
        VideoJobError: it cannot be read.
    """
    from videojob_worker import rendering  # noqa: PLC0415 - heavy

    with _own_errors():
        return rendering.probe(request)


@contextmanager
def _own_errors() -> Iterator[None]:
    """Turn what the system says into errors of a job."""
    try:
        yield
    except VideoJobError:
        raise
    except (OSError, MemoryError) as error:
        raise errno_mapping.local(error, "rendering") or PermanentError(
            f"the render failed: {error}", Reason.RENDER_FAILED
        ) from error
